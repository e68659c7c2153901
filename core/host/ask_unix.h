/* SPDX-License-Identifier: MIT */
/**
 * @file ask_unix.h
 * The two ways to the user: the terminal, and the program that SSH_ASKPASS names. Both block, and end with
 * PENSTOCK_E_CANCELLED when `cancel_fd` becomes readable.
 *
 * `kind` and results are those of penstock_host::prompt. `question` is safe to show; `answer` is empty unless
 * the result is PENSTOCK_OK.
 */
#ifndef PS_ASK_UNIX_H
#define PS_ASK_UNIX_H

#include <penstock/sdk.h>

/** PENSTOCK_E_UNSUPPORTED: there is no terminal, or we are not in its foreground. */
int32_t ps_ask_terminal(int cancel_fd, uint32_t kind, const char *question, char *answer, size_t answer_size);
/** PENSTOCK_E_CANCELLED: the user said no. PENSTOCK_E_FAILED: the program could not be run; it was logged. */
int32_t ps_ask_program(const char *program, int cancel_fd, uint32_t kind, const char *question, char *answer,
                       size_t answer_size);

#endif

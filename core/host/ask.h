/* SPDX-License-Identifier: MIT */
/**
 * @file ask.h
 * The way to the user. For prompt.c; the platform is behind it. Thread: any, one at a time.
 */
#ifndef PS_HOST_ASK_H
#define PS_HOST_ASK_H

#include <penstock/sdk.h>

/** Was ps_prompt_cancel called? */
int ps_prompt_cancelled(void);
/**
 * A descriptor (on Windows a socket) that becomes readable, for good, with ps_prompt_cancel: for whatever blocks on the
 * user's behalf. -1 if there is none to be had.
 */
int ps_prompt_cancel_fd(void);
/**
 * Asks. `kind` and results are those of penstock_host::prompt; `question` is safe to show, `answer` stays empty unless
 * the result is PENSTOCK_OK. PENSTOCK_E_UNSUPPORTED: there is nobody to ask.
 */
int32_t ps_prompt_ask(uint32_t kind, const char *question, char *answer, size_t answer_size);

#endif

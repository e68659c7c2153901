/* SPDX-License-Identifier: MIT */
/**
 * @file prompt.h
 * Asking the user on the terminal, and the answers that are kept. Thread-safe; one question at a time.
 */
#ifndef PS_PROMPT_H
#define PS_PROMPT_H

#include <penstock/sdk.h>

/** May the user be asked? Default: yes if /dev/tty can be opened. `--batch` says no. */
void ps_prompt_allow(int allowed);
/** Ends a question that is open, now and from now on (orderly shutdown): it returns PENSTOCK_E_CANCELLED. [any thread,
 * async-signal-safe] */
void ps_prompt_cancel(void);
/** Asks; see penstock_host::prompt. Blocks the calling thread. */
int32_t ps_prompt(uint32_t kind, const char *key, const char *question, char *answer, size_t answer_size);
/** Forgets (and wipes) the kept answer for `key`; NULL = all. */
void ps_prompt_forget(const char *key);

/** Fetches the secret behind a reference; see penstock_host::get_secret. Blocks the calling thread. */
int32_t ps_secret_get(const char *reference, char *secret, size_t secret_size, penstock_error *error);

/** Overwrites memory in a way that the compiler keeps. */
void ps_wipe(void *memory, size_t size);

#endif

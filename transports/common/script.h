/* SPDX-License-Identifier: MIT */
/**
 * @file script.h
 * POSIX sh scripts whose values cannot be taken for code, and what comes back from them.
 *
 * A script is made of assignments (every value inside single quotes) followed by constant text from sh/.
 * A value never gets into a script in any other way.
 *
 * What a script says are lines `key=value`; a key that comes again adds a line to its value, which is how
 * values with newlines travel. script_wrap puts marks that cannot be guessed around them, so that what a
 * login shell's start-up files print is left out.
 *
 * Thread: any; an object is used by one thread at a time.
 */
#ifndef TRANSPORTS_SCRIPT_H
#define TRANSPORTS_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include <penstock/sdk.h>

/** A script that is being put together. Failures are kept: only script_text needs to be looked at. */
typedef struct script script;

/** NULL if out of memory; all other functions then do nothing and script_text says so. */
script *script_create(void);
void script_destroy(script *self);

/** `name='value'`. `name` is a shell variable's name. `value` NULL = the empty text. */
void script_set(script *self, const char *name, const char *value);
/** The same for bytes; one that is NUL is refused (PENSTOCK_E_INVALID): no shell can hold it. */
void script_set_bytes(script *self, const char *name, const void *value, size_t size);
void script_set_number(script *self, const char *name, int64_t value);
/**
 * A function `name` that runs its arguments as a command with `items` after them:
 * `name export` exports them, `name set --` makes them $1, $2 …, `name printf '%s\n'` prints them.
 */
void script_list(script *self, const char *name, const char *const *items, size_t count);
/** Constant text, as it is. Never a value. */
void script_add(script *self, const char *text);

/** The script so far, NUL-terminated, the script's own. NULL if something failed: script_result says what. */
const char *script_text(const script *self, size_t *size);
/** PENSTOCK_OK, or the first failure: PENSTOCK_E_NOMEM, PENSTOCK_E_INVALID (a name, or a NUL in a value). */
int script_result(const script *self);

/** Size in bytes of a nonce with its NUL. */
#define SCRIPT_NONCE_SIZE 33

/** 128 random bits in hexadecimal. Returns 0, or PENSTOCK_E_FAILED if the system has no randomness to give. */
int script_nonce(char nonce[SCRIPT_NONCE_SIZE]);

/** Size in bytes of a greeting with its NUL. */
#define SCRIPT_GREETING_SIZE (SCRIPT_NONCE_SIZE + 64)

/**
 * A line for a shell of which it is not known yet that it is ours: a login shell that comes before `/bin/sh -s` may
 * read what was meant for that. It may be sent again and again, and whatever reads it does nothing, or prints a mark
 * made of `nonce` if it is a POSIX shell.
 */
void script_greeting(const char *nonce, char greeting[SCRIPT_GREETING_SIZE]);
/** Has the shell greeted back within these `size` bytes of output? */
int script_has_greeted(const char *output, size_t size, const char *nonce);

/**
 * Wraps a script for a carrier: it is read to its end before any of it runs (a connection that breaks runs
 * no half of it), has an empty standard input, runs in a subshell, and its output stands between marks made of
 * `nonce`. The shell may be given another one after it. Returns text to free(), NULL if out of memory.
 */
char *script_wrap(const char *body, size_t size, const char *nonce, size_t *wrapped_size);
/**
 * Finds the script's output within what `/bin/sh -s` printed, which must be NUL-terminated after `size` bytes
 * and gets another NUL at the output's end. Returns 0 with `inner`, `inner_size` and the exit status in `code`;
 * PENSTOCK_E_FAILED if the marks are not both there: the script did not run to its end.
 */
int script_unwrap(char *output, size_t size, const char *nonce, char **inner, size_t *inner_size, int32_t *code);

/** Makes text from elsewhere fit to be shown: what is no UTF-8 or a control character (other than newline and tab)
 * becomes
 * '?'. */
void script_make_printable(char *text, size_t size);

/**
 * The value of `key` in the `size` bytes of a script's output, lines joined with newlines. What is no UTF-8 or a
 * control character (other than newline and tab) reads as '?', so that it can be shown as it is. To free();
 * NULL if the key is not there (or out of memory).
 */
char *script_value(const char *output, size_t size, const char *key);
/** The same as a number from 0 on; -1 if it is not there or no such number. */
int64_t script_value_number(const char *output, size_t size, const char *key);

#endif

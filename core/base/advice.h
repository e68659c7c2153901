/* SPDX-License-Identifier: MIT */
/**
 * @file advice.h
 * Next steps that are other words on another system: what a user there can type, in any of its shells.
 *
 * Thread: any.
 */
#ifndef PS_ADVICE_H
#define PS_ADVICE_H

#include <stddef.h>

/** How a gateway that does not answer is ended: "end it …". */
extern const char ps_advice_end_gateway[];

/** What ends a process at once; its pid follows. */
extern const char ps_advice_kill[];

/** What to do where there are too few descriptors or sockets: "raise …". */
extern const char ps_advice_descriptors[];

/** What --config is for, with where else the profiles file is looked for; for the help. */
extern const char ps_advice_config[];

/** What to do where a secret is to be asked for, and nobody can be. */
extern const char ps_advice_ask[];

/** What lets memory be locked, in brackets with a blank before them, or "". */
extern const char ps_advice_lock[];

/** Writes the command that prints the SHA-256 sum of the file `path`. */
void ps_advice_write_sha256(char *text, size_t size, const char *path);

/** Quotes a word for a shell, into `quoted`, which it returns: the user is to paste it. */
const char *ps_advice_quote(char *quoted, size_t size, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file advice.h
 * Next steps that are other words on another system: what a user there can type, in any of its shells.
 *
 * Thread: any.
 */
#ifndef ADVICE_H
#define ADVICE_H

#include <stddef.h>
#include <stdint.h>

/** What to do where there are too few descriptors or sockets. */
extern const char advice_descriptors[];

/** What to do where somebody is to be asked, and nobody is there. */
extern const char advice_ask[];

/** What to do with a file of ssh_config that others may change. */
extern const char advice_config_rights[];

/** What shows who may read a file, whose quoted name follows: "Check …". */
extern const char advice_show_rights[];

/** What stands before and after a path with blanks in a command: cmd.exe knows no single quotes. */
extern const char advice_quote[2];

/** Writes the command that puts the public key of `file` ("" = the usual one) on a host, which asks for the password.
 */
void advice_write_key_copy(char *text, size_t size, const char *file, uint16_t port, const char *user,
                           const char *host);

/** Writes how a key of PuTTY's form becomes one of OpenSSH's: "Convert it: …". */
void advice_write_ppk(char *text, size_t size, const char *file);

#endif

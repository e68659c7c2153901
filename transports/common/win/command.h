/* SPDX-License-Identifier: MIT */
/**
 * @file command.h
 * A command line and an environment as Windows takes them. Nothing here needs Windows. Thread: any.
 */
#ifndef TRANSPORTS_WIN_COMMAND_H
#define TRANSPORTS_WIN_COMMAND_H

/** Words as one line, which CommandLineToArgvW() and the C library take apart again; to free(), NULL if memory is out.
 */
char *command_line(const char *const *words);

/** Do two entries NAME=value set the same variable? Case does not count. */
int command_same_variable(const char *entry, const char *other);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file command_line.h
 * Words as one line for a program of Windows, which takes it apart by itself: by the rules of the C library there, and
 * of CommandLineToArgvW. Nothing here needs Windows. Thread: any.
 */
#ifndef PS_COMMAND_LINE_H
#define PS_COMMAND_LINE_H

/** The line of a NULL-terminated list of words, to free(); NULL if memory is out. */
char *ps_command_line(const char *const *words);

#endif

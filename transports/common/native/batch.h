/* SPDX-License-Identifier: MIT */
/**
 * @file batch.h
 * The command line of a batch file. What runs it is cmd.exe, which reads the words once more and by its own rules: they
 * have to arrive as they are all the same, and nothing in them may come to mean anything to it. Nothing here needs
 * Windows. Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_BATCH_H
#define TRANSPORTS_NATIVE_BATCH_H

/** Is it one, by its name? */
int batch_is_one(const char *path);
/**
 * The words of cmd.exe for a batch file and its arguments, `words` (NULL-terminated, the file first), to free(). NULL:
 * memory is out, or *refused is set: a word has a `"`, a `%` or a new line, which cmd.exe cannot be told as such.
 */
char *batch_line(const char *const *words, const char **refused);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file complete.h
 * What may stand at the end of a command line that is not finished.
 * Thread: the main thread.
 */
#ifndef PS_COMPLETE_H
#define PS_COMPLETE_H

#include "base/text.h"

/**
 * Adds to `out` what the last of `count` words may become; the words are those after the program's name, without
 * quotes, and the last one may be empty. The first line says what else may stand there, for the shell to find: "files",
 * "folders", or "words" if nothing. A line for each word follows, with a tab and what it means.
 *
 * Never complains: of a profiles file that cannot be read there are no profiles, and a line that makes no sense goes on
 * with nothing. No plugin is loaded.
 */
void ps_complete(const char *const *words, size_t count, ps_text *out);

#endif

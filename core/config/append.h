/* SPDX-License-Identifier: MIT */
/**
 * @file append.h
 * Adds to a profiles file without a moment at which it is broken.
 */
#ifndef PS_APPEND_H
#define PS_APPEND_H

#include <penstock/sdk.h>

/**
 * Adds `text` at the end of the file at `path`, with an empty line before it. What is in the file stays as it is, byte
 * for byte, as do its mode and its owner; a link stays a link. A file that is not there is made, for the user alone
 * (mode 0600), with its folders (0700).
 *
 * The new file is made beside the old one and takes its place in one step, if `check` says 0 to it: `check` gets the
 * path of the new file, which is not yet in place. Returns 0, what `check` returned, or a negative code with `error`
 * (leg LOCAL, class CONFIG).
 */
int ps_config_append(const char *path, const char *text, int (*check)(void *context, const char *made), void *context,
                     penstock_error *error);

#endif

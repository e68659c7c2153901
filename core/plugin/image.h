/* SPDX-License-Identifier: MIT */
/**
 * @file image.h
 * Looks into a plugin file without running it.
 */
#ifndef PS_IMAGE_H
#define PS_IMAGE_H

#include <penstock/sdk.h>

/**
 * Checks that the file is a whole shared library for this machine that exports PENSTOCK_PLUGIN_SYMBOL_NAME
 * as data. Another major version, a truncated file, a missing symbol are told apart in `error`.
 */
int ps_image_check(const char *path, penstock_error *error);

#endif

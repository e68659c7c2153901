/* SPDX-License-Identifier: MIT */
/**
 * @file image.h
 * Looks into a plugin file without running it: none of its code runs, and nothing in it is believed.
 *
 * Thread: any.
 */
#ifndef PS_IMAGE_H
#define PS_IMAGE_H

#include <penstock/sdk.h>

/** Larger files are no plugins of anybody's. */
#define PS_IMAGE_MAX_SIZE ((size_t)512 << 20)

/**
 * Reads a whole file, so that its hash is taken of the same bytes that are examined. `file` is open for
 * reading; `path` is for messages. The caller frees *bytes. Returns 0 or a negative code with `error`.
 */
int ps_image_read(int file, const char *path, void **bytes, size_t *size, penstock_error *error);

/**
 * Checks that the bytes of a file are a whole shared library for this machine that exports
 * PENSTOCK_PLUGIN_SYMBOL_NAME as data. Another major version, a truncated file, a missing symbol are told
 * apart in `error` (leg LOCAL, class CONFIG), which calls the file `path`. The bytes may be hostile; they
 * must be aligned as malloc() does.
 */
int ps_image_check_bytes(const void *bytes, size_t size, const char *path, penstock_error *error);

/** Both of the above for the file at `path`. */
int ps_image_check(const char *path, penstock_error *error);

#endif

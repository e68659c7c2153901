/* SPDX-License-Identifier: MIT */
/**
 * @file random.h
 * Bytes that nobody can guess, from the operating system. Thread: any.
 */
#ifndef TRANSPORTS_RANDOM_H
#define TRANSPORTS_RANDOM_H

#include <stddef.h>

/** Fills up to 256 bytes. Returns 0, or PENSTOCK_E_FAILED. */
int random_bytes(void *bytes, size_t size);

#endif

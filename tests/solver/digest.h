/* SPDX-License-Identifier: MIT */
/** @file digest.h SHA-256 of a stream of bytes. */
#ifndef DEMO_DIGEST_H
#define DEMO_DIGEST_H

#include <stddef.h>

/** Size of a SHA-256 in hexadecimal, with its NUL. */
#define DIGEST_TEXT 65

/** A running hash. Opaque. */
typedef struct demo_digest demo_digest;

/** Starts one; NULL if out of memory. */
demo_digest *digest_create(void);
/** Adds bytes. */
void digest_add(demo_digest *self, const void *data, size_t size);
/** Writes the hash in lower-case hexadecimal; nothing can be added after it. */
void digest_text(demo_digest *self, char text[DIGEST_TEXT]);
/** Frees it; NULL is fine. */
void digest_destroy(demo_digest *self);

#endif

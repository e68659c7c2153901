/* SPDX-License-Identifier: MIT */
/**
 * @file container_there.h
 * The containers and images that are there instead of the one that is not. Pure. Thread: any.
 */
#ifndef TRANSPORTS_CONTAINER_THERE_H
#define TRANSPORTS_CONTAINER_THERE_H

#include <stddef.h>

/**
 * A text for people: the containers of `there`, nearest to `name` first, 20 at most. `there`: lines of name, image and
 * status with tabs between; NULL = could not be asked (the text is then empty). `images`: lines of name:tag, of which
 * a dozen are told below; may be NULL.
 */
void container_there_list(const char *name, const char *where, const char *there, const char *images, char *text,
                          size_t size);

/**
 * The image that a container `name` was probably meant to be made of: one with a name like it, or like the solver's;
 * else "IMAGE". `images`: lines of name:tag; may be NULL.
 */
void container_there_image(const char *name, const char *images, char *image, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file key_guard.h
 * May anybody else read the file of a private key? By mode bits, or by its access list. Thread: any.
 */
#ifndef TRANSPORTS_SSH_KEY_GUARD_H
#define TRANSPORTS_SSH_KEY_GUARD_H

#include <stddef.h>

/**
 * Returns 1 if others may, with `problem` (to be said after the file's name) and `remedy` (a command that mends it); 0
 * if not, as far as is known. A file of another user's is for them to guard.
 */
int key_guard_is_open(const char *path, char *problem, size_t problem_size, char *remedy, size_t remedy_size);

#endif

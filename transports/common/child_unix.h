/* SPDX-License-Identifier: MIT */
/**
 * @file child_unix.h
 * Child processes that a transport starts by itself, where the host's spawn() does not do: it carries a stream, or must
 * be waited for in place. Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_CHILD_UNIX_H
#define TRANSPORTS_CHILD_UNIX_H

#include <spawn.h>
#include <sys/types.h>

/**
 * Starts `argv` (NULL-terminated; argv[0] is looked up in PATH if it has no slash) with our environment. It leads a
 * process group of its own, so that what it starts can be ended with it; no signal is blocked or ignored; and it gets
 * no descriptor but the three, of which `input` -1 is an empty one. Returns 0 with `*pid`, or an errno value.
 */
int child_start(const char *const *argv, int input, int output, int error_output, pid_t *pid);

/* --- of the platform: child_linux.c ---------------------------------------------------------------- */

/** Lets a child have no other descriptor than 0, 1 and 2. Returns 0, or an errno value. */
int child_close_others(posix_spawn_file_actions_t *actions);

#endif

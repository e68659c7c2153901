/* SPDX-License-Identifier: MIT */
/**
 * @file sink.h
 * Where the lines of the log go: a file, or standard error. For log.c; the platform is behind it.
 */
#ifndef PS_LOG_SINK_H
#define PS_LOG_SINK_H

#include <stddef.h>

/** Opens a file to append to, made for the user alone if there is none. Returns a descriptor, or -1 with errno. */
int ps_log_sink_open(const char *path);
/** Writes a whole line; gives up on a reader that does not read. Returns 0 if all of it was written, else a negative
 * code. */
int ps_log_sink_write(int fd, const char *data, size_t size);

/** Does a person read it at a terminal that shows colour? NO_COLOR is for others to look at. */
int ps_log_sink_shows_colour(int fd);

/** `fd` comes in the place of `before`. Of a gateway in the background, standard error is the same file: what libraries
 * write there, or a sanitizer, is to go where the lines go, and a file that was deleted must not live on. */
void ps_log_sink_move_errors(int before, int fd);

#endif

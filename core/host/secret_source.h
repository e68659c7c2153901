/* SPDX-License-Identifier: MIT */
/**
 * @file secret_source.h
 * Where secrets come from that needs the platform. For secret.c.
 */
#ifndef PS_SECRET_SOURCE_H
#define PS_SECRET_SOURCE_H

#include <penstock/sdk.h>

/** Reads a file; one that others can read is refused. */
int32_t ps_secret_from_file(const char *path, char *secret, size_t secret_size, penstock_error *error);
/** How a shell is run on a command; texts are borrowed from it, or constant, or in the struct. */
typedef struct ps_secret_line {
  const char *argv[5];
  const char *env[2];
  char text[4096];
} ps_secret_line;
void ps_secret_command_line(const char *command, ps_secret_line *line);
/** Runs a command. */
int32_t ps_secret_from_command(const char *command, char *secret, size_t secret_size, penstock_error *error);

/**
 * Copies what was read to `secret`, without one trailing newline. `source` and `name` (may be NULL) say in the
 * error where it is from: "the file", "/run/token".
 */
int32_t ps_secret_take(const char *bytes, size_t size, char *secret, size_t secret_size, const char *source,
                       const char *name, penstock_error *error);

#endif

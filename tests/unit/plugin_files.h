/* SPDX-License-Identifier: MIT */
/* The test plugins (tests/plugins) as bytes and as copies. Include after cmocka.h. */
#ifndef TEST_PLUGIN_FILES_H
#define TEST_PLUGIN_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Path of a test plugin. */
static inline void plugin_path(const char *name, char *path, size_t size) {
  (void)snprintf(path, size, "%s/%s", PENSTOCK_TEST_PLUGIN_DIR, name);
}

/** The whole file, to free(). */
static inline unsigned char *read_plugin(const char *name, size_t *size) {
  char path[1024];
  plugin_path(name, path, sizeof(path));
  FILE *file = fopen(path, "rbe");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  long length = ftell(file);
  assert_true(length > 0);
  rewind(file);
  unsigned char *bytes = malloc((size_t)length);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
  assert_int_equal(fclose(file), 0);
  *size = (size_t)length;
  return bytes;
}

/** Writes a file that only we may write. */
static inline void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wbe");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0644), 0);
}

/** Copies a test plugin. */
static inline void copy_plugin(const char *name, const char *path) {
  size_t size;
  unsigned char *bytes = read_plugin(name, &size);
  write_file(path, bytes, size);
  free(bytes);
}

#endif

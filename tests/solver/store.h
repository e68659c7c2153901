/* SPDX-License-Identifier: MIT */
/**
 * @file store.h
 * Files under the data folder. Paths from the wire may be absolute (as the answers' `root` is) or relative to
 * it; none may leave it: no "..", and links are not followed. Thread-safe.
 */
#ifndef DEMO_STORE_H
#define DEMO_STORE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/** The data folder. */
typedef struct demo_store {
  int folder;          /**< descriptor of it */
  char root[PATH_MAX]; /**< its absolute path */
} demo_store;

/** Makes the folder if need be and opens it. Returns 0, or -1 with errno. */
int store_open(demo_store *self, const char *path);
void store_close(demo_store *self);

/** A file that is being written: it appears under its name only with store_commit. */
typedef struct store_file {
  int folder;
  int fd;
  char name[NAME_MAX + 1];
  char temporary[64];
} store_file;

/** Begins `path`, or `path`/`name` if `name` is not NULL. Returns 0, or -1 with a text in `problem`. */
int store_create(demo_store *self, const char *path, const char *name, store_file *file, char *problem, size_t size);
/** Appends. Returns 0, or -1 with errno. */
int store_write(store_file *file, const void *data, size_t size);
/** Gives the file its name, replacing an older one. Returns 0, or -1 with errno. Ends `file` in either case. */
int store_commit(store_file *file);
/** Throws it away. */
void store_discard(store_file *file);

/** Opens a file for reading. Returns a descriptor and its size, or -1 with a text in `problem`. */
int store_read(demo_store *self, const char *path, uint64_t *file_size, char *problem, size_t size);
/** Is there a file `path`/`name`? */
int store_has(demo_store *self, const char *path, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int store_open(demo_store *self, const char *path) {
  if (mkdir(path, 0700) != 0 && errno != EEXIST) {
    return -1;
  }
  if (!realpath(path, self->root)) {
    return -1;
  }
  self->folder = open(self->root, FOLDER_FLAGS);
  return self->folder < 0 ? -1 : 0;
}

void store_close(demo_store *self) {
  close(self->folder);
}

/* The part of a path below the data folder; NULL if it is an absolute path elsewhere. */
static const char *below(const demo_store *self, const char *path) {
  size_t length = strlen(self->root);
  if (path[0] != '/') {
    return path;
  }
  if (strncmp(path, self->root, length) != 0 || (path[length] != '/' && path[length] != '\0')) {
    return NULL;
  }
  return path + length;
}

static int say(char *problem, size_t size, const char *what, const char *path) {
  (void)snprintf(problem, size, "%s: %s", what, path);
  return -1;
}

/* One step down, making the folder if asked. Closes `at`, unless it is the root's own descriptor. */
static int step(const demo_store *self, int at, const char *name, int create) {
  if (create && mkdirat(at, name, 0700) != 0 && errno != EEXIST) {
    return -1;
  }
  int next = openat(at, name, FOLDER_FLAGS);
  if (at != self->folder) {
    close(at);
  }
  return next;
}

/*
 * Walks to the folder that holds the last part of `path`, whose name goes to `last`. Returns its descriptor
 * (self->folder itself for a file right in it) or -1.
 */
static int walk(const demo_store *self, const char *path, int create, char last[NAME_MAX + 1], char *problem,
                size_t size) {
  char copy[PATH_MAX];
  char *rest = NULL;
  const char *inside = below(self, path);
  int at = self->folder;
  if (!inside || strlen(inside) >= sizeof(copy)) {
    return say(problem, size, "path is outside the data folder", path);
  }
  memcpy(copy, inside, strlen(inside) + 1);
  last[0] = '\0';
  for (char *name = strtok_r(copy, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
    if (strcmp(name, "..") == 0 || strlen(name) > NAME_MAX) {
      if (at != self->folder) {
        close(at);
      }
      return say(problem, size, "path is outside the data folder", path);
    }
    if (strcmp(name, ".") == 0) {
      continue;
    }
    if (last[0]) {
      at = step(self, at, last, create);
      if (at < 0) {
        return say(problem, size, strerror(errno), path);
      }
    }
    memcpy(last, name, strlen(name) + 1);
  }
  if (!last[0]) {
    if (at != self->folder) {
      close(at);
    }
    return say(problem, size, "path names no file", path);
  }
  return at;
}

/* `path`, or `path`/`name`. Returns 0, or -1 if it is too long. */
static int join(char out[PATH_MAX], const char *path, const char *name) {
  int length = name ? snprintf(out, PATH_MAX, "%s/%s", path, name) : snprintf(out, PATH_MAX, "%s", path);
  return length < 0 || length >= PATH_MAX ? -1 : 0;
}

int store_create(demo_store *self, const char *path, const char *name, store_file *file, char *problem, size_t size) {
  static atomic_uint counter;
  char whole[PATH_MAX];
  if (join(whole, path, name) != 0) {
    return say(problem, size, "path is too long", "");
  }
  int at = walk(self, whole, 1, file->name, problem, size);
  if (at < 0) {
    return -1;
  }
  file->folder = at == self->folder ? dup(at) : at;
  (void)snprintf(file->temporary, sizeof(file->temporary), ".upload-%ld-%u", (long)getpid(),
                 atomic_fetch_add(&counter, 1));
  file->fd = file->folder < 0
                 ? -1
                 : openat(file->folder, file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file->fd < 0) {
    int reason = errno;
    if (file->folder >= 0) {
      close(file->folder);
    }
    return say(problem, size, strerror(reason), path);
  }
  return 0;
}

int store_write(store_file *file, const void *data, size_t size) {
  const char *next = data;
  while (size > 0) {
    ssize_t count = write(file->fd, next, size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return -1;
    }
    next += count;
    size -= (size_t)count;
  }
  return 0;
}

int store_commit(store_file *file) {
  int result = renameat(file->folder, file->temporary, file->folder, file->name);
  int reason = errno;
  if (result != 0) {
    (void)unlinkat(file->folder, file->temporary, 0);
  }
  close(file->fd);
  close(file->folder);
  errno = reason;
  return result;
}

void store_discard(store_file *file) {
  (void)unlinkat(file->folder, file->temporary, 0);
  close(file->fd);
  close(file->folder);
}

int store_read(demo_store *self, const char *path, uint64_t *file_size, char *problem, size_t size) {
  char last[NAME_MAX + 1];
  struct stat about;
  int at = walk(self, path, 0, last, problem, size);
  if (at < 0) {
    return -1;
  }
  int fd = openat(at, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  int reason = errno;
  if (at != self->folder) {
    close(at);
  }
  if (fd < 0) {
    return say(problem, size, strerror(reason), path);
  }
  if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    close(fd);
    return say(problem, size, "not a file", path);
  }
  *file_size = (uint64_t)about.st_size;
  return fd;
}

int store_has(demo_store *self, const char *path, const char *name) {
  char whole[PATH_MAX];
  char problem[64];
  uint64_t size = 0;
  if (join(whole, path, name) != 0) {
    return 0;
  }
  int fd = store_read(self, whole, &size, problem, sizeof(problem));
  if (fd < 0) {
    return 0;
  }
  close(fd);
  return 1;
}

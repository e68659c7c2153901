/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ssh/config/ssh_config_files.h"

enum { FILE_SIZE_MAX = 4 * 1024 * 1024 /* nobody writes that much by hand */, PIECE = 4096 };

static int fail(penstock_error *error, const char *path, const char *why) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: %s", path, why);
}

static int check_safe(int fd, const char *path, penstock_error *error) {
  struct stat status;
  if (fstat(fd, &status)) {
    return fail(error, path, strerror(errno));
  }
  if (status.st_uid != 0 && status.st_uid != getuid()) {
    (void)fail(error, path, "the file belongs to another user");
    penstock_next(error, "Make it yours: chown %lu '%s'", (unsigned long)getuid(), path);
    return PENSTOCK_E_FAILED;
  }
  if (status.st_mode & (S_IWGRP | S_IWOTH)) {
    (void)fail(error, path, "others may write this file");
    penstock_next(error, "ssh refuses it too: chmod go-w '%s'", path);
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

static int read_all(int fd, const char *path, char **text, size_t *size, penstock_error *error) {
  size_t room = PIECE;
  char *data = malloc(room);
  *size = 0;
  while (data) {
    ssize_t count = read(fd, data + *size, room - 1 - *size);
    if (count < 0 && errno == EISDIR) {
      count = 0; /* what a pattern like conf.d/ * finds: nothing is written there */
    }
    if (count < 0 && errno != EINTR) {
      free(data);
      return fail(error, path, strerror(errno));
    }
    if (count == 0) {
      data[*size] = '\0';
      *text = data;
      return 0;
    }
    *size += count > 0 ? (size_t)count : 0;
    if (*size > FILE_SIZE_MAX) {
      free(data);
      return fail(error, path, "this is too large for a configuration of ssh");
    }
    if (room - *size < PIECE) {
      char *grown = realloc(data, 2 * room);
      if (!grown) {
        free(data);
      }
      data = grown;
      room *= 2;
    }
  }
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

int ssh_config_file_read(const char *path, int must_be_safe, char **text, size_t *size, penstock_error *error) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    int is_missing = errno == ENOENT || errno == ENOTDIR;
    (void)fail(error, path, strerror(errno));
    return is_missing ? PENSTOCK_E_NOT_FOUND : PENSTOCK_E_FAILED;
  }
  int result = must_be_safe ? check_safe(fd, path, error) : 0;
  if (result == 0) {
    result = read_all(fd, path, text, size, error);
  }
  (void)close(fd);
  return result;
}

int ssh_config_files_find(const char *pattern, ssh_words *paths, penstock_error *error) {
  glob_t found;
  memset(&found, 0, sizeof(found));
  int code = glob(pattern, 0, NULL, &found);
  int result = 0;
  if (code != 0 && code != GLOB_NOMATCH) {
    result = fail(error, pattern, code == GLOB_NOSPACE ? "out of memory" : "the folder cannot be read");
  }
  for (size_t i = 0; code == 0 && i < found.gl_pathc && result == 0; i++) {
    if (ssh_words_add(paths, found.gl_pathv[i], strlen(found.gl_pathv[i]))) {
      result = penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    }
  }
  globfree(&found);
  return result;
}

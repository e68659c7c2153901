/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/prompt.h"
#include "host/secret_source.h"

/* More than any password or token is long. */
#define SECRET_BYTES 65536

static int32_t file_failed(const char *path, int reason, penstock_error *error) {
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot read the secret in '%s': %s", path,
                strerror(reason));
  penstock_next(error, "%s",
                reason == ENOENT ? "create the file, or correct its path" : "give this user the right to read it");
  return reason == ENOENT ? PENSTOCK_E_NOT_FOUND : PENSTOCK_E_FAILED;
}

/* As ssh(1) has it for keys: nobody else may read it, and only root or the user may own it. */
static int32_t check_file(int fd, const char *path, penstock_error *error) {
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return file_failed(path, errno, error);
  }
  if (!S_ISREG(info.st_mode)) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "'%s' is not a file", path);
    penstock_next(error, "give the path of a file that holds the secret");
    return PENSTOCK_E_FAILED;
  }
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "the secret in '%s' belongs to another user", path);
    penstock_next(error, "make a file of your own for it");
    return PENSTOCK_E_FAILED;
  }
  if (info.st_mode & (S_IRWXG | S_IRWXO)) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "others can read or write the secret in '%s'",
                  path);
    penstock_next(error, "chmod 600 '%s'", path);
    return PENSTOCK_E_FAILED;
  }
  return PENSTOCK_OK;
}

static int32_t read_file(int fd, const char *path, char *secret, size_t secret_size, penstock_error *error) {
  char *bytes = malloc(SECRET_BYTES);
  size_t size = 0;
  ssize_t count = 1;
  if (!bytes) {
    return file_failed(path, ENOMEM, error);
  }
  while (count > 0 && size < SECRET_BYTES) {
    count = read(fd, bytes + size, SECRET_BYTES - size);
    size += count > 0 ? (size_t)count : 0;
  }
  int32_t result = count < 0 ? file_failed(path, errno, error)
                             : ps_secret_take(bytes, size, secret, secret_size, "the file", path, error);
  ps_wipe(bytes, size);
  free(bytes);
  return result;
}

int32_t ps_secret_from_file(const char *path, char *secret, size_t secret_size, penstock_error *error) {
  char expanded[4096];
  const char *home = getenv("HOME");
  if (path[0] == '~' && path[1] == '/' && home) {
    if ((size_t)snprintf(expanded, sizeof(expanded), "%s%s", home, path + 1) >= sizeof(expanded)) {
      return file_failed(path, ENAMETOOLONG, error);
    }
    path = expanded;
  }
  /* Non-blocking, as opening a FIFO would wait for a writer. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    return file_failed(path, errno, error);
  }
  int32_t result = check_file(fd, path, error);
  if (result == PENSTOCK_OK) {
    result = read_file(fd, path, secret, secret_size, error);
  }
  (void)close(fd);
  return result;
}

void ps_secret_command_line(const char *command, ps_secret_line *line) {
  *line = (ps_secret_line){.argv = {"/bin/sh", "-c", command}};
}

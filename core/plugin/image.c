/* SPDX-License-Identifier: MIT */
#include "plugin/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** Reads up to `size` bytes; -1 with errno. A shorter file gives fewer. */
static ssize_t read_whole(int file, char *bytes, size_t size) {
  size_t used = 0;
  while (used < size) {
    ssize_t count = pread(file, bytes + used, size - used, (off_t)used);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return -1;
    }
    if (count == 0) {
      break;
    }
    used += (size_t)count;
  }
  return (ssize_t)used;
}

int ps_image_read(int file, const char *path, void **bytes, size_t *size, penstock_error *error) {
  struct stat facts;
  *bytes = NULL;
  *size = 0;
  if (fstat(file, &facts) != 0) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.400s: %s", path, strerror(errno));
  }
  if ((uint64_t)facts.st_size > PS_IMAGE_MAX_SIZE) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "%.300s: refused: too large for a plugin (%llu bytes; at most %zu)", path,
                  (unsigned long long)facts.st_size, PS_IMAGE_MAX_SIZE);
    penstock_next(error, "name the plugin's " PENSTOCK_PLUGIN_SUFFIX " file");
    return PENSTOCK_E_FAILED;
  }
  size_t wanted = (size_t)facts.st_size;
  void *buffer = malloc(wanted ? wanted : 1);
  if (!buffer) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.400s: out of memory", path);
    return PENSTOCK_E_NOMEM;
  }
  ssize_t count = read_whole(file, buffer, wanted);
  if (count < 0) {
    int code = errno;
    free(buffer);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.400s: %s", path, strerror(code));
  }
  *bytes = buffer;
  *size = (size_t)count;
  return 0;
}

int ps_image_check(const char *path, penstock_error *error) {
  void *bytes;
  size_t size;
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.400s: %s", path, strerror(errno));
  }
  int code = ps_image_read(file, path, &bytes, &size, error);
  (void)close(file);
  if (!code) {
    code = ps_image_check_bytes(bytes, size, path, error);
  }
  free(bytes);
  return code;
}

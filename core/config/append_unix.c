/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config/append.h"
#include "config/append_text.h"

#define LARGEST_FILE ((size_t)1024 * 1024)

/* One change under way. */
typedef struct change {
  char *path;       /* of the file itself, links followed */
  int is_there;     /* it exists */
  struct stat seen; /* as it was when it was read */
  ps_text bytes;    /* what is to be in it */
  char *made;       /* the new file; NULL = not made, or in place */
  penstock_error *error;
} change;

static int fail(const change *self, const char *doing, const char *path) {
  (void)penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot %s %s: %s", doing, path,
                      strerror(errno));
  penstock_next(self->error, "Name a file that you can write with --config FILE");
  return PENSTOCK_E_FAILED;
}

static int out_of_memory(const change *self) {
  return penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* Makes the folder, and those above it that are missing. */
static int make_folders(const char *folder) {
  if (mkdir(folder, 0700) == 0 || errno == EEXIST) {
    return 0;
  }
  char *copy = errno == ENOENT ? strdup(folder) : NULL;
  if (!copy) {
    return -1;
  }
  int result = make_folders(dirname(copy));
  free(copy);
  return result == 0 && (mkdir(folder, 0700) == 0 || errno == EEXIST) ? 0 : -1;
}

static int read_all(change *self, int fd) {
  char block[16384];
  ssize_t count;
  while ((count = read(fd, block, sizeof(block))) != 0) {
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return fail(self, "read", self->path);
    }
    if (self->bytes.size + (size_t)count > LARGEST_FILE) {
      errno = EFBIG;
      return fail(self, "add to", self->path);
    }
    ps_text_add(&self->bytes, block, (size_t)count);
  }
  return 0;
}

/* Reads what is there, or makes the folder for it. */
static int read_old(change *self, const char *path) {
  self->path = realpath(path, NULL);
  if (!self->path && errno != ENOENT) {
    return fail(self, "find", path);
  }
  if (!self->path) {
    self->path = strdup(path);
    char *copy = self->path ? strdup(path) : NULL;
    if (!copy) {
      return out_of_memory(self);
    }
    int result = make_folders(dirname(copy)) ? fail(self, "make the folder of", path) : 0;
    free(copy);
    return result;
  }
  self->is_there = 1;
  int fd = open(self->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail(self, "open", self->path);
  }
  int result = fstat(fd, &self->seen) ? fail(self, "look at", self->path) : read_all(self, fd);
  (void)close(fd);
  return result;
}

static int write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t count = write(fd, data, size);
    if (count < 0 && errno != EINTR) {
      return -1;
    }
    if (count > 0) {
      data += count;
      size -= (size_t)count;
    }
  }
  return 0;
}

/* Gives the new file the old one's owner and mode. */
static int take_after(const change *self, int fd) {
  struct stat now;
  if (!self->is_there) {
    return 0; /* mkstemp makes it 0600 */
  }
  if (fstat(fd, &now)) {
    return -1;
  }
  if ((now.st_uid != self->seen.st_uid || now.st_gid != self->seen.st_gid) &&
      fchown(fd, self->seen.st_uid, self->seen.st_gid)) {
    return -1;
  }
  return fchmod(fd, self->seen.st_mode & 07777);
}

static int write_new(change *self) {
  ps_text name = {0};
  ps_text_addf(&name, "%s.XXXXXX", self->path);
  if (name.no_memory || !name.data || self->bytes.no_memory) {
    free(name.data);
    return out_of_memory(self);
  }
  int fd = mkstemp(name.data);
  if (fd < 0) {
    int result = fail(self, "write beside", self->path);
    free(name.data);
    return result;
  }
  self->made = name.data;
  int failed = take_after(self, fd) || write_all(fd, self->bytes.data, self->bytes.size) || fsync(fd);
  int result = failed ? fail(self, "write", self->made) : 0;
  if (close(fd) && !failed) {
    result = fail(self, "write", self->made);
  }
  return result;
}

/* Has somebody else written to the file meanwhile? */
static int has_changed(const change *self) {
  struct stat now;
  if (stat(self->path, &now)) {
    return self->is_there;
  }
  return !self->is_there || now.st_ino != self->seen.st_ino || now.st_size != self->seen.st_size ||
         now.st_mtime != self->seen.st_mtime || now.st_ctime != self->seen.st_ctime;
}

static void sync_folder(const char *path) {
  char *copy = strdup(path);
  int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    (void)fsync(fd); /* not every file system can; the rename has been done all the same */
    (void)close(fd);
  }
  free(copy);
}

static int put_in_place(change *self) {
  if (has_changed(self)) {
    (void)penstock_fail(self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "%s was changed meanwhile: nothing was written", self->path);
    penstock_next(self->error, "Try again");
    return PENSTOCK_E_FAILED;
  }
  if (rename(self->made, self->path)) {
    return fail(self, "replace", self->path);
  }
  free(self->made);
  self->made = NULL;
  sync_folder(self->path);
  return 0;
}

int ps_config_append(const char *path, const char *text, int (*check)(void *context, const char *made), void *context,
                     penstock_error *error) {
  change self = {.error = error};
  int result = read_old(&self, path);
  if (result == 0) {
    ps_append_text(&self.bytes, text);
    result = write_new(&self);
  }
  if (result == 0) {
    result = check(context, self.made);
  }
  if (result == 0) {
    result = put_in_place(&self);
  }
  if (self.made) {
    (void)unlink(self.made);
  }
  free(self.made);
  free(self.path);
  free(self.bytes.data);
  return result;
}

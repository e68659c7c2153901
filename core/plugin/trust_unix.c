/* SPDX-License-Identifier: MIT */
#include "plugin/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/trust_unix.h"

/** As many links as the kernel would follow. */
#define MAX_LINKS 40

/**
 * The walk from "/" to the file. It goes down only from a folder that has passed, and nobody but root and
 * the user can change an entry of such a folder: so names are safe to use again after they were checked.
 */
typedef struct trust_walk {
  char done[PATH_MAX];  /**< absolute, free of links, checked; "" is "/" */
  char ahead[PATH_MAX]; /**< what is left to walk, relative to `done` */
  const char *given;    /**< the path as the caller knows it */
  uid_t user;
  int links;
  penstock_error *error;
} trust_walk;

static int fail(penstock_error *error, const char *format, ...) PENSTOCK_PRINTF(2, 3);
static int fail(penstock_error *error, const char *format, ...) {
  char what[sizeof(error->what)];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(what, sizeof(what), format, arguments);
  va_end(arguments);
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s", what);
}

/* Paths are cut so that the reason always fits. */
static int fail_errno(penstock_error *error, const char *path, int code) {
  (void)fail(error, "%.400s: %s", path, strerror(code));
  if (code == ENOENT || code == ENOTDIR) {
    penstock_next(error, "check the spelling of the path");
    return PENSTOCK_E_NOT_FOUND;
  }
  return PENSTOCK_E_FAILED;
}

/** Writes `path` as one word of a shell command; cut short if it does not fit. */
static void shell_word(const char *path, char *word, size_t size) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%";
  if (path[strspn(path, plain)] == '\0') {
    (void)snprintf(word, size, "%s", path);
    return;
  }
  size_t used = 0;
  word[used++] = '\'';
  for (; *path && used + 6 < size; path++) {
    if (*path == '\'') {
      memcpy(word + used, "'\\''", 4);
      used += 4;
    } else {
      word[used++] = *path;
    }
  }
  word[used++] = '\'';
  word[used] = '\0';
}

static void user_name(uid_t uid, char *name, size_t size) {
  struct passwd entry;
  struct passwd *found = NULL;
  char strings[4096];
  if (getpwuid_r(uid, &entry, strings, sizeof(strings), &found) == 0 && found) {
    (void)snprintf(name, size, "%s", found->pw_name);
  } else {
    (void)snprintf(name, size, "uid %lu", (unsigned long)uid);
  }
}

int ps_trust_judge(const char *path, const struct stat *facts, uid_t user, penstock_error *error) {
  const char *kind = S_ISDIR(facts->st_mode) ? "folder" : S_ISLNK(facts->st_mode) ? "link" : "file";
  unsigned mode = (unsigned)facts->st_mode & 07777;
  char owner[64];
  char word[400];
  user_name(facts->st_uid, owner, sizeof(owner));
  shell_word(path, word, sizeof(word));

  if (facts->st_uid != 0 && facts->st_uid != user) {
    char self[64];
    user_name(user, self, sizeof(self));
    (void)fail(error, "%.300s: refused: the %s belongs to %s (mode %04o), who could change what runs here", path, kind,
               owner, mode);
    penstock_next(error, "if you trust it, make it yours: sudo chown -h %s %s", self, word);
    return PENSTOCK_E_FAILED;
  }
  /* A link has no mode of its own that counts. */
  if (S_ISLNK(facts->st_mode) || !(mode & (S_IWGRP | S_IWOTH))) {
    return 0;
  }
  /* In a sticky folder others can add, but neither rename nor remove what is root's or the user's. */
  if (S_ISDIR(facts->st_mode) && (mode & S_ISVTX)) {
    return 0;
  }
  (void)fail(error, "%.300s: refused: the %s can be written by %s (owner %s, mode %04o)", path, kind,
             mode & S_IWOTH ? "everyone" : "its group", owner, mode);
  penstock_next(error, "take the right away: chmod go-w %s", word);
  return PENSTOCK_E_FAILED;
}

/** Puts `front` before what is ahead. */
static int put_ahead(trust_walk *walk, const char *front) {
  char joined[PATH_MAX];
  int length = snprintf(joined, sizeof(joined), "%s/%s", front, walk->ahead);
  if (length < 0 || (size_t)length >= sizeof(joined)) {
    return fail_errno(walk->error, walk->given, ENAMETOOLONG);
  }
  memcpy(walk->ahead, joined, (size_t)length + 1);
  return 0;
}

/** Steps over the link at `path`: its target is what is ahead now. */
static int follow_link(trust_walk *walk, const char *path) {
  char target[PATH_MAX];
  ssize_t length = readlink(path, target, sizeof(target) - 1);
  if (length < 0) {
    return fail_errno(walk->error, path, errno);
  }
  target[length] = '\0';
  if (++walk->links > MAX_LINKS) {
    return fail_errno(walk->error, walk->given, ELOOP);
  }
  if (target[0] == '/') {
    walk->done[0] = '\0';
  }
  return put_ahead(walk, target);
}

/** Takes the next name off what is ahead; 0 if there is none. */
static size_t take_name(trust_walk *walk, char name[NAME_MAX + 1]) {
  size_t skip = strspn(walk->ahead, "/");
  size_t length = strcspn(walk->ahead + skip, "/");
  if (length == 0 || length > NAME_MAX) {
    return length;
  }
  memcpy(name, walk->ahead + skip, length);
  name[length] = '\0';
  memmove(walk->ahead, walk->ahead + skip + length, strlen(walk->ahead + skip + length) + 1);
  return length;
}

/** Takes one step down, up, or along a link. */
static int step(trust_walk *walk, const char *name) {
  size_t used = strlen(walk->done);
  if (strcmp(name, ".") == 0) {
    return 0;
  }
  if (strcmp(name, "..") == 0) {
    char *slash = strrchr(walk->done, '/');
    if (slash) {
      *slash = '\0';
    }
    return 0;
  }
  int length = snprintf(walk->done + used, sizeof(walk->done) - used, "/%s", name);
  if (length < 0 || (size_t)length >= sizeof(walk->done) - used) {
    return fail_errno(walk->error, walk->given, ENAMETOOLONG);
  }
  struct stat here;
  if (lstat(walk->done, &here) != 0) {
    return fail_errno(walk->error, walk->done, errno);
  }
  int code = ps_trust_judge(walk->done, &here, walk->user, walk->error);
  if (code) {
    return code;
  }
  if (S_ISLNK(here.st_mode)) {
    char link[PATH_MAX];
    memcpy(link, walk->done, sizeof(link));
    walk->done[used] = '\0';
    return follow_link(walk, link);
  }
  return 0;
}

/** Walks to the end. */
static int walk_all(trust_walk *walk) {
  char name[NAME_MAX + 1];
  size_t length;
  struct stat root;
  if (lstat("/", &root) != 0) {
    return fail_errno(walk->error, "/", errno);
  }
  int code = ps_trust_judge("/", &root, walk->user, walk->error);
  if (code) {
    return code;
  }
  while ((length = take_name(walk, name)) > 0) {
    if (length > NAME_MAX) {
      return fail_errno(walk->error, walk->given, ENAMETOOLONG);
    }
    code = step(walk, name);
    if (code) {
      return code;
    }
  }
  return 0;
}

/** Where a walk to `path` starts: at "/" with all of the path ahead, made absolute. */
static int walk_start(trust_walk *walk, const char *path, penstock_error *error) {
  memset(walk, 0, sizeof(*walk));
  walk->given = path;
  walk->user = geteuid();
  walk->error = error;
  if (strlen(path) >= sizeof(walk->ahead)) {
    return fail_errno(error, path, ENAMETOOLONG);
  }
  memcpy(walk->ahead, path, strlen(path) + 1);
  if (path[0] == '/') {
    return 0;
  }
  char here[PATH_MAX];
  if (!getcwd(here, sizeof(here))) {
    return fail_errno(error, "the current folder", errno);
  }
  return put_ahead(walk, here);
}

int ps_trust_open_code(const char *path, int *file, char **resolved, penstock_error *error) {
  *file = -1;
  *resolved = NULL;
  trust_walk walk;
  struct stat facts;
  int code = walk_start(&walk, path, error);
  if (!code) {
    code = walk_all(&walk);
  }
  if (code) {
    return code;
  }
  const char *found = walk.done[0] ? walk.done : "/";
  /* O_NONBLOCK: a pipe must not make us wait for its writer. */
  int fd = open(found, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    return fail_errno(error, found, errno);
  }
  /* Judged again on what was really opened. */
  if (fstat(fd, &facts) != 0) {
    code = fail_errno(error, found, errno);
  } else if (!S_ISREG(facts.st_mode)) {
    code = fail(error, "%.300s: refused: %s", path,
                S_ISDIR(facts.st_mode) ? "this is a folder" : "this is no regular file");
    penstock_next(error, "name a regular file");
  } else {
    code = ps_trust_judge(found, &facts, walk.user, error);
  }
  char *copy = code ? NULL : strdup(found);
  if (!code && !copy) {
    code = fail(error, "%s: out of memory", path);
  }
  if (code) {
    (void)close(fd);
    return code;
  }
  *file = fd;
  *resolved = copy;
  return 0;
}

int ps_trust_check_code(const char *path, penstock_error *error) {
  int file;
  char *resolved;
  int code = ps_trust_open_code(path, &file, &resolved, error);
  if (code) {
    return code;
  }
  (void)close(file);
  free(resolved);
  return 0;
}

/* SPDX-License-Identifier: MIT */
#include "host/child_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ; // NOLINT(readability-redundant-declaration): POSIX leaves it to us, glibc does not

#define PATH_SIZE 4096

/* Does the entry NAME=value set the same name as `other`? */
static int same_name(const char *entry, const char *other) {
  size_t length = strcspn(entry, "=");
  return strncmp(entry, other, length + 1) == 0 && entry[length] == '=';
}

static size_t count_of(const char *const *list) {
  size_t count = 0;
  while (list && list[count]) {
    count++;
  }
  return count;
}

/* Our environment, with `added` in place of what has the same names. Only the array is to be freed. */
static const char **merge_environment(const char *const *added) {
  const char *const *ours = (const char *const *)environ;
  size_t added_count = count_of(added);
  const char **merged = calloc(count_of(ours) + added_count + 1, sizeof(*merged));
  size_t used = 0;
  for (size_t i = 0; merged && ours && ours[i]; i++) {
    size_t other = 0;
    while (other < added_count && !same_name(added[other], ours[i])) {
      other++;
    }
    if (other == added_count) {
      merged[used++] = ours[i];
    }
  }
  for (size_t i = 0; merged && i < added_count; i++) {
    merged[used++] = added[i];
  }
  return merged;
}

static const char *search_path(const char *const *environment) {
  for (size_t i = 0; environment[i]; i++) {
    if (strncmp(environment[i], "PATH=", 5) == 0) {
      return environment[i] + 5;
    }
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

/* 0 if it can be run; ENOENT or EACCES. `folder` is where the child will be: relative paths start there. */
static int runnable(const char *folder, const char *path) {
  char joined[PATH_SIZE];
  struct stat info;
  if (folder && path[0] != '/') {
    if ((size_t)snprintf(joined, sizeof(joined), "%s/%s", folder, path) >= sizeof(joined)) {
      return ENOENT;
    }
    path = joined;
  }
  if (stat(path, &info) != 0) {
    return errno == EACCES ? EACCES : ENOENT;
  }
  return S_ISREG(info.st_mode) && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : EACCES;
}

/* The program's path into `path`; 0 or an errno. */
static int find_program(const char *name, const char *const *environment, const char *folder, char path[PATH_SIZE]) {
  if (strchr(name, '/')) {
    return snprintf(path, PATH_SIZE, "%s", name) < PATH_SIZE ? runnable(folder, path) : ENOENT;
  }
  int reason = ENOENT;
  const char *entry = search_path(environment);
  for (;;) {
    size_t length = strcspn(entry, ":");
    /* An empty entry is the current folder. */
    int written = snprintf(path, PATH_SIZE, "%.*s%s%s", (int)length, entry, length > 0 ? "/" : "./", name);
    int found = written > 0 && written < PATH_SIZE ? runnable(folder, path) : ENOENT;
    if (found == 0) {
      return 0;
    }
    reason = found == EACCES ? EACCES : reason;
    if (entry[length] == '\0') {
      return reason;
    }
    entry += length + 1;
  }
}

/* 0 if a child can be started there, or an errno. */
static int enterable(const char *folder) {
  struct stat info;
  if (stat(folder, &info) != 0) {
    return errno;
  }
  if (!S_ISDIR(info.st_mode)) {
    return ENOTDIR;
  }
  return faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int32_t folder_failed(const char *folder, int reason, penstock_error *error) {
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot work in the folder '%s': %s", folder,
                strerror(reason));
  penstock_next(error, reason == ENOENT    ? "create the folder, or correct its path"
                       : reason == ENOTDIR ? "give the path of a folder"
                                           : "give this user the right to enter it");
  return PENSTOCK_E_FAILED;
}

static int32_t program_failed(const char *name, int reason, penstock_error *error) {
  const char *next = "check that the file is a program for this machine";
  switch (reason) {
  case EAGAIN:
  case ENOMEM:
  case EMFILE:
  case ENFILE:
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start '%s': %s", name, strerror(reason));
    penstock_next(error, "a limit of this machine is reached: end other programs, or raise it (ulimit)");
    return PENSTOCK_E_LIMIT;
  case ENOENT:
    penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                  strchr(name, '/') ? "there is no program '%s'" : "the program '%s' was not found in PATH", name);
    penstock_next(error, "install it, or correct its path");
    return PENSTOCK_E_NOT_FOUND;
  case EACCES:
    penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "'%s' is not an executable program", name);
    next = "make it executable (chmod +x), or correct its path";
    break;
  case E2BIG:
    penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                  "the arguments and environment of '%s' are too long for this system", name);
    next = "shorten them";
    break;
  default:
    penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "cannot start '%s': %s", name, strerror(reason));
    break;
  }
  penstock_next(error, "%s", next);
  return PENSTOCK_E_FAILED;
}

static int set_up(const ps_child *child, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes) {
  sigset_t signals;
  /* Handlers end with exec by themselves, but what we ignore (SIGPIPE) would stay ignored. */
  (void)sigfillset(&signals);
  int reason = posix_spawnattr_setsigdefault(attributes, &signals);
  (void)sigemptyset(&signals);
  reason = reason ? reason : posix_spawnattr_setsigmask(attributes, &signals);
  reason = reason ? reason
                  : posix_spawnattr_setflags(
                        attributes, (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
  reason = reason ? reason : posix_spawn_file_actions_adddup2(actions, child->input, STDIN_FILENO);
  reason = reason ? reason : posix_spawn_file_actions_adddup2(actions, child->output, STDOUT_FILENO);
  reason = reason ? reason : posix_spawn_file_actions_adddup2(actions, child->error_output, STDERR_FILENO);
  reason = reason ? reason : ps_child_close_others(actions);
  if (!reason && child->cwd) {
    reason = posix_spawn_file_actions_addchdir_np(actions, child->cwd);
  }
  return reason;
}

/* posix_spawn itself, its preparations made and undone; 0 or an errno. */
static int run(const ps_child *child, const char *path, const char *const *environment, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int reason = posix_spawn_file_actions_init(&actions);
  if (reason) {
    return reason;
  }
  reason = posix_spawnattr_init(&attributes);
  if (!reason) {
    reason = set_up(child, &actions, &attributes);
    if (!reason) {
      /* POSIX promises that neither array is written to. */
      reason = posix_spawn(pid, path, &actions, &attributes, (char *const *)(uintptr_t)child->argv,
                           (char *const *)(uintptr_t)environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
  }
  (void)posix_spawn_file_actions_destroy(&actions);
  return reason;
}

/* Is it a script whose first line names what is not there? The file itself was found a moment ago. */
static int32_t interpreter_failed(const char *path, penstock_error *error) {
  penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                "'%s' cannot run: the interpreter or loader that it asks for does not exist", path);
  penstock_next(error, "install what the first line of '%s' names, or a build of it for this system", path);
  return PENSTOCK_E_FAILED;
}

int32_t ps_child_start(const ps_child *child, pid_t *pid, penstock_error *error) {
  char path[PATH_SIZE];
  int reason = child->cwd ? enterable(child->cwd) : 0;
  if (reason != 0) {
    return folder_failed(child->cwd, reason, error);
  }
  const char **environment = merge_environment(child->env);
  reason = environment ? find_program(child->argv[0], environment, child->cwd, path) : ENOMEM;
  int found = reason == 0;
  if (found) {
    reason = run(child, path, environment, pid);
  }
  free(environment);
  if (found && reason == ENOENT) {
    return interpreter_failed(path, error);
  }
  return reason == 0 ? PENSTOCK_OK : program_failed(child->argv[0], reason, error);
}

/* SPDX-License-Identifier: MIT */
#include "common/child_unix.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

extern char **environ; /* NOLINT(readability-redundant-declaration): POSIX does not declare it */

static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t signals;
  /* Handlers end with exec by themselves, but what we ignore (SIGPIPE) would stay ignored. */
  (void)sigfillset(&signals);
  int code = posix_spawnattr_setsigdefault(attributes, &signals);
  (void)sigemptyset(&signals);
  code = code ? code : posix_spawnattr_setsigmask(attributes, &signals);
  code = code ? code : posix_spawnattr_setpgroup(attributes, 0);
  return code ? code
              : posix_spawnattr_setflags(
                    attributes, (short)(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int input, int output, int error_output) {
  int code = input < 0 ? posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
                       : posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
  code = code ? code : posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
  code = code ? code : posix_spawn_file_actions_adddup2(actions, error_output, STDERR_FILENO);
  return code ? code : child_close_others(actions);
}

int child_start(const char *const *argv, int input, int output, int error_output, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code) {
    return code;
  }
  code = posix_spawnattr_init(&attributes);
  if (!code) {
    code = set_attributes(&attributes);
    code = code ? code : set_descriptors(&actions, input, output, error_output);
    /* POSIX promises that the arguments are not written to. */
    code = code ? code : posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
  }
  (void)posix_spawn_file_actions_destroy(&actions);
  return code;
}

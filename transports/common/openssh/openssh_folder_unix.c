/* SPDX-License-Identifier: MIT */
#include "common/openssh/openssh_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A signal to group 0 reaches ssh, what it has started, and nobody else: as long as the guard lives in it, no other
 * group can have its number. */
const char openssh_guard[] = "{ trap '' TERM; read -r _ <\"$0/alive\"; kill -TERM 0; rm -rf \"$0\"; } "
                             "</dev/null >/dev/null 2>&1 & exec \"$@\"";

static const char helper[] = "#!/bin/sh\n"
                             "d=${0%/*}\n"
                             "printf '%s\\n%s\\036' \"${SSH_ASKPASS_PROMPT:-text}\" \"$1\" >\"$d/ask\" || exit 1\n"
                             "[ \"$SSH_ASKPASS_PROMPT\" = none ] && exit 0\n"
                             "IFS= read -r a <\"$d/answer\" || exit 1\n"
                             "case $a in y*) printf '%s\\n' \"${a#y}\" ;; *) exit 1 ;; esac\n";

static const char *const names[] = {"control", "log", "ask", "answer", "helper", "alive", "config", "given", "pin"};

void openssh_folder_path(const openssh_folder *folder, const char *name, char path[OPENSSH_PATH_SIZE]) {
  (void)snprintf(path, OPENSSH_PATH_SIZE, "%s/%s", folder->path, name);
}

static void close_one(penstock_socket *socket) {
  if (*socket != PENSTOCK_SOCKET_NONE) {
    (void)close((int)*socket);
    *socket = PENSTOCK_SOCKET_NONE;
  }
}

void openssh_folder_close(openssh_folder *folder) {
  char path[OPENSSH_PATH_SIZE];
  if (folder->path[0] == '\0') {
    return;
  }
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    openssh_folder_path(folder, names[i], path);
    (void)unlink(path);
  }
  (void)rmdir(folder->path);
  close_one(&folder->log);
  close_one(&folder->ask);
  close_one(&folder->answer);
  close_one(&folder->alive);
  folder->path[0] = '\0';
}

/* ssh expands `%` and `${` in some of the paths that it is given, and runs our helper from there. */
static int is_fit(const char *base) {
  return base && base[0] == '/' && strlen(base) + sizeof("/penstock-XXXXXX") <= OPENSSH_FOLDER_SIZE &&
         !strpbrk(base, "%$\"\\ \t\r\n'") && access(base, W_OK | X_OK) == 0;
}

static int may_run(const char *base) {
#if defined(ST_NOEXEC)
  struct statvfs info;
  return statvfs(base, &info) == 0 && !(info.f_flag & ST_NOEXEC);
#else
  (void)base;
  return 1;
#endif
}

/* Where the user's own short-lived files go; where programs can be run is better. */
static const char *choose_base(void) {
  const char *const bases[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp", "/var/tmp"};
  const char *second = NULL;
  for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
    if (is_fit(bases[i])) {
      if (may_run(bases[i])) {
        return bases[i];
      }
      second = second ? second : bases[i];
    }
  }
  return second;
}

/* Both ends at once: neither opening it nor waiting for the other side then blocks, here or there. */
static penstock_socket open_fifo(const openssh_folder *folder, const char *name) {
  char path[OPENSSH_PATH_SIZE];
  openssh_folder_path(folder, name, path);
  return mkfifo(path, 0600) == 0 ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : PENSTOCK_SOCKET_NONE;
}

static int write_file(const openssh_folder *folder, const char *name, const char *text, mode_t mode) {
  char path[OPENSSH_PATH_SIZE];
  size_t size = strlen(text);
  openssh_folder_path(folder, name, path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) {
    return -1;
  }
  int result = write(fd, text, size) == (ssize_t)size && fchmod(fd, mode) == 0 ? 0 : -1;
  return close(fd) == 0 ? result : -1;
}

static int failed(const char *what, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "cannot make a private folder for ssh in %s: %s", what, strerror(errno));
  penstock_next(error, "Set TMPDIR to a folder of yours that has a short path and can be written to");
  return PENSTOCK_E_FAILED;
}

int openssh_folder_open(openssh_folder *folder, penstock_error *error) {
  const char *base = choose_base();
  memset(folder, 0, sizeof(*folder));
  folder->log = folder->ask = folder->answer = folder->alive = PENSTOCK_SOCKET_NONE;
  if (!base) {
    errno = ENOENT;
    return failed("TMPDIR or /tmp", error);
  }
  (void)snprintf(folder->path, sizeof(folder->path), "%s/penstock-XXXXXX", base);
  if (!mkdtemp(folder->path)) {
    folder->path[0] = '\0';
    return failed(base, error);
  }
  folder->log = open_fifo(folder, "log");
  folder->ask = open_fifo(folder, "ask");
  folder->answer = open_fifo(folder, "answer");
  folder->alive = open_fifo(folder, "alive");
  if (folder->log == PENSTOCK_SOCKET_NONE || folder->ask == PENSTOCK_SOCKET_NONE ||
      folder->answer == PENSTOCK_SOCKET_NONE || folder->alive == PENSTOCK_SOCKET_NONE ||
      write_file(folder, "helper", helper, 0700)) {
    int code = failed(base, error);
    openssh_folder_close(folder);
    return code;
  }
  return 0;
}

int openssh_folder_write(openssh_folder *folder, const char *name, const char *text, penstock_error *error) {
  return write_file(folder, name, text, 0600) ? failed(folder->path, error) : 0;
}

int openssh_folder_link(const openssh_folder *folder, const char *name, const char *target, penstock_error *error) {
  char path[OPENSSH_PATH_SIZE];
  char *whole = realpath(target, NULL);
  openssh_folder_path(folder, name, path);
  int result = whole && symlink(whole, path) == 0 ? 0 : failed(target, error);
  free(whole);
  return result;
}

size_t openssh_folder_read(penstock_socket from, char *data, size_t size) {
  ssize_t count = read((int)from, data, size);
  return count > 0 ? (size_t)count : 0;
}

int openssh_folder_answer(const openssh_folder *folder, int is_given, const char *answer) {
  char text[1200];
  while (openssh_folder_read(folder->answer, text, sizeof(text)) > 0) {
    /* of a helper that was ended before it read it */
  }
  int length = is_given ? snprintf(text, sizeof(text), "y%s\n", answer) : snprintf(text, sizeof(text), "n\n");
  int is_whole = length > 0 && (size_t)length < sizeof(text);
  /* A short write into an empty pipe is whole, or fails. */
  int result = is_whole && write((int)folder->answer, text, (size_t)length) == length ? 0 : PENSTOCK_E_LIMIT;
  volatile char *wipe = text;
  for (size_t i = 0; i < sizeof(text); i++) {
    wipe[i] = 0;
  }
  return result;
}

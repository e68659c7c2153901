/* SPDX-License-Identifier: MIT */
/*
 * The first ssh.exe in PATH, as for the user who types `ssh`, but none of Git, MSYS2 or Cygwin: those have their own
 * idea of paths (/c/Users/…), of where settings are, and of agents. Else the one that comes with Windows.
 */
#include "common/ssh/config/ssh_program.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/win/files_win.h"

#define LONGEST 4096 /* of a path, in bytes */

const char ssh_program_name[] = "ssh.exe of Windows";
const char ssh_program_source[] = "Add the optional feature \"OpenSSH Client\" (Settings, System, Optional features)";

static int is_there(const char *folder, const char *name) {
  char path[LONGEST];
  return (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) < sizeof(path) && files_exists(NULL, path, 0);
}

/* Is there one in the folder that is Windows' own kind? Its path goes to `found`. */
static int look(const char *folder, char *found) {
  if (!folder[0] || !is_there(folder, "ssh.exe") || is_there(folder, "msys-2.0.dll") ||
      is_there(folder, "cygwin1.dll")) {
    return 0;
  }
  (void)snprintf(found, LONGEST, "%s/ssh.exe", folder);
  for (char *at = found; *at; at++) {
    *at = *at == '\\' ? '/' : *at;
  }
  return 1;
}

/* Quotes may stand around an entry; one that counts from the current folder is left out. */
static int look_along(const char *list, char *found) {
  char folder[LONGEST];
  while (*list) {
    size_t length = strcspn(list, ";");
    const char *start = list;
    size_t size = length;
    if (size >= 2 && start[0] == '"' && start[size - 1] == '"') {
      start++;
      size -= 2;
    }
    int is_whole = size > 2 && (start[1] == ':' || (start[0] == '\\' && start[1] == '\\'));
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)size, start);
    if (is_whole && size < sizeof(folder) && look(folder, found)) {
      return 1;
    }
    list += length + (list[length] == ';');
  }
  return 0;
}

static int find(char *found) {
  char folder[LONGEST];
  const char *list = getenv("PATH");
  const char *root = getenv("SystemRoot");
  (void)snprintf(folder, sizeof(folder), "%s/System32/OpenSSH", root && root[0] ? root : "C:/Windows");
  return (list && look_along(list, found)) || look(folder, found);
}

const char *ssh_program(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static char path[LONGEST];
  (void)pthread_mutex_lock(&lock);
  int is_found = path[0] || find(path); /* one that is not there may be installed meanwhile */
  (void)pthread_mutex_unlock(&lock);
  return is_found ? path : NULL;
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_path.h"

/* What Win32-OpenSSH writes for the folder, in its sources and in what `ssh -G` prints. */
#define ROOT "__PROGRAMDATA__"

const char ssh_path_separators[3] = "/\\";
const char ssh_path_system_folder[] = ROOT "/ssh";
const int ssh_path_system_is_open = 1; /* until sshd was installed, which makes it */
const char ssh_path_global_known_hosts[] = ROOT "/ssh/ssh_known_hosts " ROOT "/ssh/ssh_known_hosts2";

static int is_separator(char c) {
  return c == '/' || c == '\\';
}

static int is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int has_root(const char *path) {
  return strncmp(path, ROOT, sizeof(ROOT) - 1) == 0;
}

int ssh_path_is_whole(const char *path) {
  return is_separator(path[0]) || (is_letter(path[0]) && path[1] == ':' && is_separator(path[2])) || has_root(path);
}

int ssh_path_is_null(const char *path) {
  return strcmp(path, "/dev/null") == 0 || _stricmp(path, "NUL") == 0;
}

char *ssh_path_rooted(const char *path) {
  const char *folder = has_root(path) ? getenv("ProgramData") : NULL;
  if (!has_root(path)) {
    return strdup(ssh_path_is_null(path) ? "NUL" : path);
  }
  folder = folder && folder[0] ? folder : "C:/ProgramData";
  path += sizeof(ROOT) - 1;
  size_t size = strlen(folder) + strlen(path) + 1;
  char *rooted = malloc(size);
  if (rooted) {
    (void)snprintf(rooted, size, "%s%s", folder, path);
  }
  for (char *at = rooted; at && *at; at++) {
    *at = *at == '\\' ? '/' : *at;
  }
  return rooted;
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_local.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_path.h"

char *ssh_local_path(const ssh_local *local, const char *path, penstock_error *error) {
  char other[sizeof(local->home)];
  const char *home = local->home;
  if (path[0] != '~') {
    char *copy = ssh_path_rooted(path);
    if (!copy) {
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    }
    return copy;
  }
  size_t length = strcspn(path + 1, ssh_path_separators);
  if (length > 0) {
    char name[sizeof(local->user)];
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, path + 1);
    if (length >= sizeof(name) || ssh_local_home_of(local, name, other, sizeof(other))) {
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: there is no user %s here", path, name);
      return NULL;
    }
    home = other;
  }
  const char *rest = path + 1 + length;
  rest += strspn(rest, ssh_path_separators);
  size_t size = strlen(home) + strlen(rest) + 2;
  char *expanded = malloc(size);
  if (!expanded) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
  }
  size_t home_length = strlen(home);
  const char *slash = home_length > 0 && home[home_length - 1] == '/' ? "" : "/";
  (void)snprintf(expanded, size, "%s%s%s", home, slash, rest);
  return expanded;
}

char *ssh_expand_home(const char *path) {
  char home[sizeof(((ssh_local *)0)->home)];
  if (path[0] != '~' || path[1] == '\0' || !strchr(ssh_path_separators, path[1])) {
    return ssh_path_rooted(path);
  }
  if (ssh_local_own_home(home, sizeof(home))) {
    return NULL;
  }
  size_t size = strlen(home) + strlen(path);
  char *expanded = malloc(size);
  if (expanded) {
    (void)snprintf(expanded, size, "%s%s", home, path + 1);
  }
  return expanded;
}

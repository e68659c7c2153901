/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/config/ssh_local.h"

enum { ENTRY_MAX = 16384 /* what the C libraries suggest for one entry of the user database */ };

/* Copies a text if it fits. Returns 0 or a negative code. */
static int keep(char *to, size_t size, const char *text) {
  int length = snprintf(to, size, "%s", text);
  return length < 0 || (size_t)length >= size ? PENSTOCK_E_FAILED : 0;
}

int ssh_local_get(ssh_local *local, penstock_error *error) {
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[ENTRY_MAX];
  memset(local, 0, sizeof(*local));
  if (getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found) || !found) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "user number %lu has no entry in this machine's user database", (unsigned long)getuid());
    penstock_next(error, "ssh needs one too: add a line to /etc/passwd (in a container, run as a user that has one)");
    return PENSTOCK_E_FAILED;
  }
  if (keep(local->user, sizeof(local->user), found->pw_name) || keep(local->home, sizeof(local->home), found->pw_dir)) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                         "the user database's entry of user number %lu is too long", (unsigned long)getuid());
  }
  (void)snprintf(local->id, sizeof(local->id), "%lu", (unsigned long)getuid());
  if (gethostname(local->machine, sizeof(local->machine) - 1)) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "this machine's name: %s",
                         strerror(errno));
  }
  return 0;
}

char *ssh_local_path(const ssh_local *local, const char *path, penstock_error *error) {
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[ENTRY_MAX];
  const char *home = local->home;
  if (path[0] != '~') {
    char *copy = strdup(path);
    if (!copy) {
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    }
    return copy;
  }
  size_t length = strcspn(path + 1, "/");
  if (length > 0) {
    char name[sizeof(local->user)];
    (void)snprintf(name, sizeof(name), "%.*s", (int)length, path + 1);
    if (length >= sizeof(name) || getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) || !found) {
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: there is no user %s here", path, name);
      return NULL;
    }
    home = found->pw_dir;
  }
  const char *rest = path + 1 + length;
  rest += strspn(rest, "/");
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

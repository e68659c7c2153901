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

int ssh_local_home_of(const ssh_local *local, const char *name, char *home, size_t size) {
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[ENTRY_MAX];
  (void)local;
  return getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) || !found ? PENSTOCK_E_NOT_FOUND
                                                                            : keep(home, size, found->pw_dir);
}

int ssh_local_own_home(char *home, size_t size) {
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[ENTRY_MAX];
  const char *said = getenv("HOME");
  if (!said || said[0] != '/') {
    said = getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found ? found->pw_dir : "";
  }
  return keep(home, size, said);
}

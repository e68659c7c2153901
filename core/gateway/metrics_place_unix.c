/* SPDX-License-Identifier: MIT */
#include "gateway/metrics_place.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket that a gateway left which was killed goes; one that lives, or any other file, stays. */
static int is_left_over(int fd, const struct sockaddr_un *address) {
  struct stat found;
  return lstat(address->sun_path, &found) == 0 && S_ISSOCK(found.st_mode) && found.st_uid == geteuid() &&
         connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;
}

int ps_metrics_listen_at_path(const char *path, int backlog, penstock_socket *listening, ps_metrics_place *place,
                              penstock_error *error) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  errno = strlen(path) < sizeof(address.sun_path) ? errno : ENAMETOOLONG;
  if (fd >= 0 && strlen(path) < sizeof(address.sun_path)) {
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (is_left_over(fd, &address)) {
      (void)unlink(path);
    }
    mode_t before = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    (void)umask(before);
    if (bound == 0 && listen(fd, backlog) == 0) {
      struct stat made;
      *listening = fd;
      if (lstat(path, &made) == 0) {
        (void)snprintf(place->path, sizeof(place->path), "%s", path);
        place->device = made.st_dev;
        place->inode = made.st_ino;
      }
      return PENSTOCK_OK;
    }
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot listen on %s: %s", path,
                      strerror(errno));
  if (fd >= 0) {
    (void)close(fd);
  }
  return PENSTOCK_E_FAILED;
}

void ps_metrics_leave_path(ps_metrics_place *place) {
  struct stat found;
  if (place->path[0] && lstat(place->path, &found) == 0 && found.st_dev == place->device &&
      found.st_ino == place->inode) {
    (void)unlink(place->path);
  }
  place->path[0] = '\0';
}

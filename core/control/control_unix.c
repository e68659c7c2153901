/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/place.h"
#include "net/net.h"

#define SUFFIX       ".sock"
#define FOLDERS_MOST 2
#define FOLDER_SIZE  (PS_CONTROL_PATH_SIZE - PS_CONTROL_NAME_SIZE - sizeof(SUFFIX))
#define BACKLOG      64
/* Of the profile's name, so much is in the socket's: the rest is in the greeting. */
#define PROFILE_SHOWN 32
/* Whoever makes or clears sockets has the folder for as long as that takes: some connects to this machine. */
#define LOCK_TRIES   100
#define LOCK_STEP_MS 10

/* --- folders ------------------------------------------------------------------------------------ */

typedef struct folders {
  char paths[FOLDERS_MOST][FOLDER_SIZE];
  size_t count;
} folders;

/* One that is too long for sockets is none. */
static void add_folder(folders *list, const char *base, const char *rest) {
  int size = snprintf(list->paths[list->count], FOLDER_SIZE, "%s%s", base, rest);
  list->count += size > 0 && (size_t)size < FOLDER_SIZE && list->paths[list->count][0] == '/';
}

static void find_folders(folders *list) {
  const char *own = getenv("PENSTOCK_RUNTIME_DIR");
  const char *session = getenv("XDG_RUNTIME_DIR");
  char user[16];
  memset(list, 0, sizeof(*list));
  if (own && own[0]) {
    add_folder(list, own, "");
    return;
  }
  if (session && session[0]) {
    add_folder(list, session, "/penstock");
  }
  /* Not TMPDIR: whoever asks must look in the same place, whatever is set there. */
  (void)snprintf(user, sizeof(user), "%lu", (unsigned long)geteuid());
  add_folder(list, "/tmp/penstock-", user);
}

#define NO_SOCKET      "no control socket,"
#define NOT_LOOKED_FOR "no gateway is looked for in"
#define UNFIT_PATH     "its path is too long for sockets, or not absolute"
#define USE_ANOTHER    "set PENSTOCK_RUNTIME_DIR to a folder of yours instead of"

/* The next step names the path too. */
static int fail_at(penstock_error *error, const char *what, const char *path, const char *why, const char *next) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s %s: %s", what, path, why);
  penstock_next(error, "%s %s", next, path);
  return PENSTOCK_E_FAILED;
}

static int failed(penstock_error *error, const char *path, const char *why, const char *next) {
  return fail_at(error, NO_SOCKET, path, why, next);
}

/* Opens a folder that nobody else can look into, to `make` a socket there or to look for some. Returns a descriptor or
 * a negative code. */
static int open_folder(const char *path, int make, penstock_error *error) {
  struct stat facts;
  const char *what = make ? NO_SOCKET : NOT_LOOKED_FOR;
  if (make && mkdir(path, 0700) != 0 && errno != EEXIST) {
    return fail_at(error, what, path, strerror(errno), USE_ANOTHER);
  }
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &facts) != 0) {
    int reason = errno;
    if (fd >= 0) {
      close(fd);
    }
    return fail_at(error, what, path, strerror(reason), USE_ANOTHER);
  }
  if (facts.st_uid != geteuid()) {
    close(fd);
    return fail_at(error, what, path, "it belongs to somebody else", USE_ANOTHER);
  }
  if ((facts.st_mode & 077) != 0) {
    close(fd);
    return fail_at(error, what, path, "others may look into it", "take the right away: chmod 700");
  }
  return fd;
}

static int lock_folder(int fd, const char *path, penstock_error *error) {
  for (int i = 0; i < LOCK_TRIES; i++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
      return PENSTOCK_OK;
    }
    uv_sleep(LOCK_STEP_MS);
  }
  return failed(error, path, "another penstock keeps it locked", "see which one: lsof");
}

/* --- sockets ------------------------------------------------------------------------------------ */

static int new_socket(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)) {
    close(fd);
    return -1;
  }
  return fd;
}

static void set_address(struct sockaddr_un *address, const char *path) {
  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  (void)snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
}

/* Connects without waiting. Returns 0, or errno. */
static int dial_once(const char *path, int *socket) {
  struct sockaddr_un address;
  set_address(&address, path);
  int fd = new_socket();
  if (fd < 0) {
    return errno;
  }
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
    int reason = errno;
    close(fd);
    return reason;
  }
  *socket = fd;
  return 0;
}

int ps_control_peer(penstock_socket socket, uint32_t *uid, uint32_t *pid) {
#ifdef SO_PEERCRED
  struct ucred peer;
  socklen_t size = sizeof(peer);
  if (getsockopt((int)socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return PENSTOCK_E_FAILED;
  }
  *uid = peer.uid;
  *pid = (uint32_t)peer.pid;
  return PENSTOCK_OK;
#else
  uid_t user;
  gid_t group;
  if (getpeereid((int)socket, &user, &group) != 0) {
    return PENSTOCK_E_FAILED;
  }
  *uid = user;
  *pid = 0;
  return PENSTOCK_OK;
#endif
}

int ps_control_permits(uint32_t uid) {
  return uid == 0 || uid == geteuid();
}

/* Waits in the queue of those whom the gateway has not accepted yet: whoever comes later must not be sooner. */
static int dial_patiently(const char *path, int timeout_ms, int *fd) {
  struct sockaddr_un address;
  struct timeval patience = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};
  int flags = 0;
  set_address(&address, path);
  *fd = new_socket();
  if (*fd < 0 || (flags = fcntl(*fd, F_GETFL)) < 0 || fcntl(*fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
      setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
      connect(*fd, (struct sockaddr *)&address, sizeof(address)) != 0 || fcntl(*fd, F_SETFL, flags) != 0) {
    int reason = errno;
    if (*fd >= 0) {
      close(*fd);
    }
    return reason;
  }
  return 0;
}

int ps_control_dial(const char *path, int timeout_ms, penstock_socket *socket, penstock_error *error) {
  uint32_t uid = 0;
  uint32_t pid = 0;
  int fd = -1;
  int reason = dial_patiently(path, timeout_ms > 0 ? timeout_ms : 1, &fd);
  if (reason != 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot connect to %s: %s", path,
                        reason == EAGAIN ? "too many wait there already" : strerror(reason));
    return reason == ECONNREFUSED || reason == ENOENT ? PENSTOCK_E_NOT_FOUND
           : reason == EAGAIN                         ? PENSTOCK_E_TIMEOUT
                                                      : PENSTOCK_E_FAILED;
  }
  if (ps_control_peer(fd, &uid, &pid) != PENSTOCK_OK || !ps_control_permits(uid)) {
    close(fd);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                         "%s belongs to a process of user id %lu: it is not asked", path, (unsigned long)uid);
  }
  *socket = fd;
  return PENSTOCK_OK;
}

long ps_control_read(penstock_socket socket, void *buffer, size_t size) {
  return ps_net_read(socket, buffer, size);
}

long ps_control_write(penstock_socket socket, const void *data, size_t size) {
  return ps_net_write(socket, data, size);
}

int ps_control_wait(penstock_socket socket, int to_write, int timeout_ms) {
  return ps_net_wait(socket, to_write, timeout_ms);
}

void ps_control_hang_up(penstock_socket socket) {
  ps_net_close(socket);
}

/* --- making one --------------------------------------------------------------------------------- */

void ps_control_name(char *name, size_t size, const char *profile, const char *address) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  char shown[PROFILE_SHOWN + 1];
  const char *port = strrchr(address, ':');
  (void)snprintf(shown, sizeof(shown), "%s", profile);
  for (char *c = shown; *c; c++) {
    if (!strchr(plain, *c) || (c == shown && *c == '.')) {
      *c = '_';
    }
  }
  (void)snprintf(name, size, "%s@%s", shown, port ? port + 1 : address);
}

static int is_socket_name(const char *name) {
  size_t size = strlen(name);
  return size > strlen(SUFFIX) && name[0] != '.' && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
}

/* The path of an entry; 0 if it is none of a socket. */
static int entry_path(char *path, const char *folder, const struct dirent *entry) {
  struct stat facts;
  int size = snprintf(path, PS_CONTROL_PATH_SIZE, "%s/%s", folder, entry->d_name);
  return is_socket_name(entry->d_name) && size > 0 && size < PS_CONTROL_PATH_SIZE && lstat(path, &facts) == 0 &&
         S_ISSOCK(facts.st_mode);
}

/* Nobody listens on a socket whose process has gone, and never will. The folder is locked, so none of them is one that
 * is just being made. */
static void clear_stale(const char *folder) {
  char path[PS_CONTROL_PATH_SIZE];
  DIR *entries = opendir(folder);
  for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
    int fd = -1;
    if (!entry_path(path, folder, entry)) {
      continue;
    }
    int reason = dial_once(path, &fd);
    if (reason == 0) {
      close(fd);
    } else if (reason == ECONNREFUSED) {
      (void)unlink(path);
    }
  }
  if (entries) {
    closedir(entries);
  }
}

/* Says who has the name. */
static int taken(const char *path, penstock_error *error) {
  uint32_t uid = 0;
  uint32_t pid = 0;
  int fd = -1;
  if (dial_once(path, &fd) != 0) {
    return failed(error, path, "something else has that name", "take it away:");
  }
  (void)ps_control_peer(fd, &uid, &pid);
  close(fd);
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                      "%s is the control socket of a penstock that runs (pid %lu)", path, (unsigned long)pid);
  penstock_next(error, "end that one, or choose another port with --listen");
  return PENSTOCK_E_FAILED;
}

/* Returns a descriptor or a negative code. */
static int make_socket(const char *path, ps_control_file *file, penstock_error *error) {
  struct sockaddr_un address;
  struct stat facts;
  int fd = new_socket();
  set_address(&address, path);
  /* The mode of the descriptor becomes the file's where the system knows that; chmod does it where not. The folder lets
   * nobody in meanwhile. */
  if (fd < 0 || (fchmod(fd, 0600) != 0 && errno != EINVAL) ||
      bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
    int reason = errno;
    if (fd >= 0) {
      close(fd);
    }
    return reason == EADDRINUSE ? taken(path, error) : failed(error, path, strerror(reason), "look at");
  }
  if (chmod(path, 0600) != 0 || listen(fd, BACKLOG) != 0 || lstat(path, &facts) != 0) {
    int reason = errno;
    close(fd);
    (void)unlink(path);
    return failed(error, path, strerror(reason), "look at");
  }
  (void)snprintf(file->path, sizeof(file->path), "%s", path);
  file->device = (uint64_t)facts.st_dev;
  file->inode = (uint64_t)facts.st_ino;
  return fd;
}

/* In one folder. Returns a descriptor or a negative code. */
static int make_in(const char *folder, const char *name, ps_control_file *file, penstock_error *error) {
  char path[PS_CONTROL_PATH_SIZE];
  int lock = open_folder(folder, 1, error);
  if (lock < 0) {
    return lock;
  }
  int fd = lock_folder(lock, folder, error);
  if (fd == PENSTOCK_OK) {
    clear_stale(folder);
    (void)snprintf(path, sizeof(path), "%s/%s%s", folder, name, SUFFIX);
    fd = make_socket(path, file, error);
  }
  close(lock);
  return fd;
}

int ps_control_bind(uv_pipe_t *pipe, const char *name, ps_control_file *file, penstock_error *error) {
  folders list;
  memset(file, 0, sizeof(*file));
  find_folders(&list);
  int fd = failed(error, "PENSTOCK_RUNTIME_DIR", UNFIT_PATH, "shorten");
  /* The next folder is for when this one cannot be used, not for when somebody has the name in it. */
  for (size_t i = 0; i < list.count && fd < 0 && error->error_class != PENSTOCK_CLASS_REFUSED; i++) {
    fd = make_in(list.paths[i], name, file, error);
  }
  if (fd < 0) {
    return fd;
  }
  if (uv_pipe_open(pipe, fd) != 0) {
    close(fd);
    ps_control_unbind(file);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of descriptors");
  }
  return PENSTOCK_OK;
}

void ps_control_unbind(ps_control_file *file) {
  struct stat facts;
  if (file->path[0] && lstat(file->path, &facts) == 0 && (uint64_t)facts.st_dev == file->device &&
      (uint64_t)facts.st_ino == file->inode) {
    (void)unlink(file->path);
  }
  file->path[0] = '\0';
}

void ps_control_label(char *name, size_t size, const char *path) {
  const char *file = strrchr(path, '/');
  file = file ? file + 1 : path;
  size_t length = strlen(file);
  size_t end = length > strlen(SUFFIX) ? length - strlen(SUFFIX) : length;
  (void)snprintf(name, size, "%.*s", (int)end, file);
}

/* The first folder counts: it is the one in which sockets would be made. One that is not there hides nothing. */
static void note_shut(penstock_error *shut, const char *folder, const penstock_error *why) {
  struct stat facts;
  if (shut && !shut->what[0] && lstat(folder, &facts) == 0) {
    *shut = *why;
  }
}

void ps_control_each(void (*each)(void *context, const char *path), void *context, penstock_error *shut) {
  folders list;
  find_folders(&list);
  if (shut) {
    shut->what[0] = '\0';
  }
  if (shut && list.count == 0) {
    (void)fail_at(shut, NOT_LOOKED_FOR, "PENSTOCK_RUNTIME_DIR", UNFIT_PATH, "shorten");
  }
  for (size_t i = 0; i < list.count; i++) {
    penstock_error error;
    char path[PS_CONTROL_PATH_SIZE];
    int fd = open_folder(list.paths[i], 0, &error);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (fd < 0) {
      note_shut(shut, list.paths[i], &error);
    }
    if (fd >= 0 && !entries) {
      close(fd);
    }
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
      if (entry_path(path, list.paths[i], entry)) {
        each(context, path);
      }
    }
    if (entries) {
      closedir(entries);
    }
  }
}

int ps_control_as_socket(penstock_socket connected, penstock_socket *socket, ps_control_fault *fault) {
  *socket = ps_net_duplicate(connected);
  if (*socket == PENSTOCK_SOCKET_NONE) {
    ps_control_fault_set(fault, "failed", "the gateway is out of descriptors");
    ps_control_fault_next(fault, "try again when there are fewer streams");
    return PENSTOCK_E_LIMIT;
  }
  return PENSTOCK_OK;
}

int ps_control_has_more(penstock_socket connected) {
  return ps_net_peek(connected) > 0;
}

/* What was written is the system's, which brings it over whether or not we are there. */
void ps_control_settle(void) {}

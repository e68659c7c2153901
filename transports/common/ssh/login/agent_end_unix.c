/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/agent_end.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* macOS; the gateway ignores SIGPIPE */
#endif

struct agent_end {
  int fd;
};

static agent_end *wrap(int fd) {
  agent_end *end = calloc(1, sizeof(*end));
  if (end) {
    end->fd = fd;
  } else {
    (void)close(fd);
  }
  return end;
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
    int code = errno;
    (void)close(fd);
    errno = code;
    return -1;
  }
  return fd;
}

agent_end *agent_end_connect(const char *path, uint64_t deadline_ns, int *is_absent, char *why, size_t why_size) {
  (void)deadline_ns; /* a connection to a socket of this machine is made at once, or not at all */
  int fd = connect_to(path);
  agent_end *end = fd >= 0 ? wrap(fd) : NULL;
  *is_absent = fd < 0 && errno == ENOENT;
  if (!end) {
    (void)snprintf(why, why_size, "%s: %s", path, fd >= 0 ? "out of memory" : strerror(errno));
  }
  return end;
}

agent_end *agent_end_make_pair(penstock_socket *other) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return NULL;
  }
  agent_end *end = wrap(pair[0]);
  if (!end) {
    (void)close(pair[1]);
    return NULL;
  }
  *other = pair[1];
  return end;
}

/* Waits until the end is ready, or the deadline passes. Returns 1 if ready. */
static int wait_ready(const agent_end *end, short events, uint64_t deadline_ns) {
  for (;;) {
    struct pollfd poller = {.fd = end->fd, .events = events};
    uint64_t now = agent_clock_ns();
    uint64_t left = deadline_ns > now ? (deadline_ns - now) / 1000000u + 1 : 0;
    int count = poll(&poller, 1, left > 3600000 ? 3600000 : (int)left);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    return count > 0;
  }
}

/* Looks at what a send or recv has returned: 1 = go on, 0 = not now, -1 = it is over. */
static int judge(ssize_t count) {
  if (count > 0) {
    return 1;
  }
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

int agent_end_send(agent_end *end, const void *data, size_t size, uint64_t deadline_ns) {
  const uint8_t *bytes = data;
  while (size > 0) {
    ssize_t count = wait_ready(end, POLLOUT, deadline_ns) ? send(end->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
    int result = judge(count);
    if (result < 0) {
      return -1;
    }
    bytes += result ? count : 0;
    size -= result ? (size_t)count : 0;
  }
  return 0;
}

int agent_end_receive(agent_end *end, void *data, size_t size, uint64_t deadline_ns) {
  uint8_t *bytes = data;
  while (size > 0) {
    ssize_t count = wait_ready(end, POLLIN, deadline_ns) ? recv(end->fd, bytes, size, MSG_DONTWAIT) : 0;
    int result = judge(count);
    if (result < 0) {
      return -1;
    }
    bytes += result ? count : 0;
    size -= result ? (size_t)count : 0;
  }
  return 0;
}

void agent_end_stop(agent_end *end) {
  (void)shutdown(end->fd, SHUT_RDWR); /* which also wakes whoever waits for it */
}

void agent_end_close(agent_end *end) {
  if (end) {
    (void)close(end->fd);
    free(end);
  }
}

/* SPDX-License-Identifier: MIT */
#include "common/openssh/mux_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* Where there is no such flag, the host ignores SIGPIPE. */
#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0
#endif

penstock_socket mux_socket_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof(address.sun_path)) {
    return PENSTOCK_SOCKET_NONE;
  }
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return PENSTOCK_SOCKET_NONE;
  }
  if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
    (void)close(fd);
    return PENSTOCK_SOCKET_NONE;
  }
  return fd;
}

void mux_socket_close(penstock_socket socket) {
  if (socket != PENSTOCK_SOCKET_NONE) {
    (void)close((int)socket);
  }
}

static int is_for_later(int code) {
  return code == EAGAIN || code == EWOULDBLOCK || code == EINTR || code == ENOBUFS;
}

int64_t mux_socket_send(penstock_socket socket, const void *first, size_t first_size, const void *second,
                        size_t second_size) {
  struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)first, .iov_len = first_size},
                           {.iov_base = (void *)(uintptr_t)second, .iov_len = second_size}};
  const struct msghdr message = {.msg_iov = parts, .msg_iovlen = second_size ? 2 : 1};
  ssize_t count = sendmsg((int)socket, &message, MSG_NOSIGNAL);
  return count >= 0 ? count : is_for_later(errno) ? 0 : -1;
}

int64_t mux_socket_receive(penstock_socket socket, void *data, size_t size) {
  ssize_t count = recv((int)socket, data, size, 0);
  return count > 0 ? count : count < 0 && is_for_later(errno) ? 0 : -1;
}

/* SPDX-License-Identifier: MIT */
/*
 * libssh's calls of Winsock, for attached sockets. libssh reads 4 KiB at a time, and asks select() and then recv() with
 * MSG_PEEK before each: three calls for 4 KiB, each of which costs more on Windows than elsewhere, and far more under
 * Wine. Here they are one for 256 KiB. ssh_reader_calls_unix.c says more about how, and about what must not break; what
 * it does beside that (packets that are encrypted and copied) is not done here.
 *
 * Winsock's functions are called through pointers, __imp_recv and so on, which the linker fills in. Those are what is
 * replaced: --wrap=__imp_recv makes every object of the plugin use __wrap___imp_recv, which is a pointer too.
 */
#include <libssh/libssh.h>
#include <stdlib.h>
#include <string.h>

#include "common/ssh/ssh_reader_internal.h"

typedef int WSAAPI call_recv(SOCKET socket, char *data, int size, int flags);
typedef int WSAAPI call_send(SOCKET socket, const char *data, int size, int flags);
typedef int WSAAPI call_select(int count, fd_set *readers, fd_set *writers, fd_set *failed,
                               const struct timeval *limit);
typedef int WSAAPI call_closesocket(SOCKET socket);
typedef int WSAAPI call_ioctlsocket(SOCKET socket, LONG command, u_long *value);

extern call_recv *__real___imp_recv;
extern call_send *__real___imp_send;
extern call_select *__real___imp_select;
extern call_closesocket *__real___imp_closesocket;
extern call_ioctlsocket *__real___imp_ioctlsocket;
extern call_recv *__wrap___imp_recv;
extern call_send *__wrap___imp_send;
extern call_select *__wrap___imp_select;
extern call_closesocket *__wrap___imp_closesocket;
extern call_ioctlsocket *__wrap___imp_ioctlsocket;

int64_t ssh_reader_receive(int fd, void *data, size_t size, int *error) {
  int count = __real___imp_recv((SOCKET)fd, data, (int)size, 0);
  *error = count >= 0 || WSAGetLastError() == WSAEWOULDBLOCK ? 0 : WSAGetLastError();
  return count < 0 ? -1 : count;
}

static int WSAAPI instead_of_recv(SOCKET socket, char *data, int size, int flags) {
  ssh_reader *self = ssh_reader_find((int)socket);
  int error = 0;
  if (!self || (flags && flags != MSG_PEEK)) {
    return __real___imp_recv(socket, data, size, flags);
  }
  if (flags == MSG_PEEK && ssh_reader_has_something(self) && !self->is_over) {
    return 1; /* what is looked for is whether this is an end */
  }
  int64_t count = ssh_reader_take(self, data, flags == MSG_PEEK ? 0 : (size_t)size, &error);
  WSASetLastError(count < 0 && !error ? WSAEWOULDBLOCK : error);
  return (int)count;
}

/*
 * libssh is told that it may send before the system has been asked. A socket that takes nothing then takes 0 bytes: all
 * of it stays in libssh's buffer, where an error would end the session.
 */
static int WSAAPI instead_of_send(SOCKET socket, const char *data, int size, int flags) {
  ssh_reader *self = ssh_reader_find((int)socket);
  int count = __real___imp_send(socket, data, size, flags);
  if (!self) {
    return count;
  }
  int is_refused = count < 0 && WSAGetLastError() == WSAEWOULDBLOCK;
  self->is_full = is_refused || (count >= 0 && count < size);
  return is_refused ? 0 : count;
}

/* The only socket of two sets; INVALID_SOCKET if there are none, or several. */
static SOCKET only_one(const fd_set *one, const fd_set *other) {
  u_int ones = one ? one->fd_count : 0;
  u_int others = other ? other->fd_count : 0;
  if (ones > 1 || others > 1 || ones + others == 0 || (ones && others && one->fd_array[0] != other->fd_array[0])) {
    return INVALID_SOCKET;
  }
  return ones ? one->fd_array[0] : other->fd_array[0];
}

/*
 * What select() would say of an attached socket, without asking the system: whether something has come, reading tells
 * too, and whether it takes more, sending. -1: that must be asked.
 */
static int answer(ssh_reader *self, fd_set *to_read, fd_set *to_write, int is_at_once) {
  int reads = to_read && to_read->fd_count;
  int writes = to_write && to_write->fd_count;
  if (writes && self->is_full) {
    return -1;
  }
  if (reads && !self->is_led && !ssh_reader_has_something(self) && (is_at_once || writes)) {
    (void)ssh_reader_fill(self);
  }
  int is_readable = reads && ssh_reader_has_something(self);
  if (!is_readable && !writes && !is_at_once) {
    return -1;
  }
  if (reads && !is_readable) {
    FD_ZERO(to_read);
  }
  return is_readable + (writes != 0);
}

static int WSAAPI instead_of_select(int count, fd_set *to_read, fd_set *to_write, fd_set *failed,
                                    const struct timeval *limit) {
  SOCKET socket = only_one(to_read, to_write);
  ssh_reader *self = socket == INVALID_SOCKET ? NULL : ssh_reader_find((int)socket);
  if (!self || (failed && failed->fd_count && only_one(to_read, failed) == INVALID_SOCKET)) {
    return __real___imp_select(count, to_read, to_write, failed, limit);
  }
  if (failed) {
    FD_ZERO(failed); /* out-of-band data, of which there are none: libssh asks since POLLIN of Winsock has them in it */
  }
  int is_at_once = limit && limit->tv_sec == 0 && limit->tv_usec == 0;
  int known = answer(self, to_read, to_write, is_at_once);
  if (known >= 0) {
    return known;
  }
  int is_readable = to_read && to_read->fd_count && ssh_reader_has_something(self);
  if (self->is_led && to_read) {
    FD_ZERO(to_read); /* an end is none yet, with bytes in front of it */
  }
  static const struct timeval at_once = {0, 0};
  int ready = only_one(to_read, to_write) == INVALID_SOCKET
                  ? 0
                  : __real___imp_select(count, to_read, to_write, NULL, is_readable ? &at_once : limit);
  if (ready > 0 && to_write && to_write->fd_count) {
    self->is_full = 0;
  }
  if (ready >= 0 && is_readable && !FD_ISSET(socket, to_read)) {
    FD_SET(socket, to_read);
    ready++;
  }
  return ready;
}

static int WSAAPI instead_of_closesocket(SOCKET socket) {
  ssh_reader_detach((int)socket);
  return __real___imp_closesocket(socket);
}

/* libssh has its sockets block while it connects; one that is read here never does. */
static int WSAAPI instead_of_ioctlsocket(SOCKET socket, LONG command, u_long *value) {
  u_long on = 1;
  int is_kept = command == (LONG)FIONBIO && ssh_reader_find((int)socket);
  return __real___imp_ioctlsocket(socket, command, is_kept ? &on : value);
}

call_recv *__wrap___imp_recv = instead_of_recv;
call_send *__wrap___imp_send = instead_of_send;
call_select *__wrap___imp_select = instead_of_select;
call_closesocket *__wrap___imp_closesocket = instead_of_closesocket;
call_ioctlsocket *__wrap___imp_ioctlsocket = instead_of_ioctlsocket;

/* SPDX-License-Identifier: MIT */
/*
 * The one place that replaces something inside of libssh (on Windows: ssh_reader_calls_win.c).
 *
 * libssh's static library is linked into the plugins, and the linker (--wrap) leads some of its calls, by name, to the
 * functions below. Each of them is here because no option changes what it costs:
 *
 *  - recv, send, poll, close. libssh reads its socket 4 KiB at a time, with a poll() and a recv() each: half of the CPU
 *    time of a download went into these calls. The functions here know the descriptors that were attached; any other
 *    goes on to the system. What an attached one receives is read at once, and libssh is served from there: it sees the
 *    same bytes in the same order, and the same end.
 *  - Once a session is up, it is *led* (ssh_reader_lead): its bytes are given, where they lie, to the function that
 *    libssh gives what it has read itself (ssh_packet_socket_callback), without the copy into its own buffer in
 *    between. From then on recv() has nothing for libssh but the end.
 *  - channel_rcv_data takes what a channel receives out of the packet, as a string of its own, only to copy it from
 *    there into the channel's buffer. While it runs, ssh_buffer_get_ssh_string lends it the string where it lies in the
 *    packet (its form is the same there), and ssh_string_free lets that be.
 *  - ssh_get_random: each packet has a few bytes of padding, for which OpenSSL takes longer than for all else of a
 *    short one. It is asked for a thousand at once.
 *  - ssh_packet_encrypt encrypts a packet into memory that is allocated, zeroed before and burnt afterwards, and copies
 *    it back. It gets the same piece of memory each time, which holds nothing but what was sent: calloc, explicit_bzero
 *    and free know it.
 *  - EVP_aes_128_gcm and EVP_aes_256_gcm. OpenSSL 3.0 encrypts a block at a time, which is a third of a gateway's CPU
 *    time where the processor could do four: libssh gets such a cipher (cipher/gcm_cipher.h) if there is one.
 *  - memcpy and memmove: glibc's choose `rep movsb` for a packet's size wherever a processor offers it, which some AMD
 *    ones do at a third of the speed of plain moves (glibc's bugs 30994 and 30995).
 *
 * What this must not break:
 *  - Bytes in the buffer have no event. poll() says at once that they are there, so that libssh's own waiting is right;
 *    whoever waits elsewhere (the lane's loop, ssh_loop_wait) asks ssh_reader_pending first.
 *  - An end or an error of the socket comes after the bytes in front of it.
 *  - libssh closes its descriptor when it likes, and the number may then be anybody's. So close() detaches; a buffer
 *    out of which something is being given stays until libssh has returned.
 *  - Several sessions, in several threads: a descriptor belongs to the thread that attached it, which is its lane's.
 *
 * FastRead.cmake knows the versions of libssh in which all this is as it is described.
 */
#include <errno.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/ssh/cipher/gcm_cipher.h"
#include "common/ssh/ssh_reader_internal.h"

enum {
  NOISE = 1024,
  LONG_COPY = 1024 /* shorter ones are left to the C library: `rep movsb` begins at 2 KiB */
};

/* The linker's names for what replaces a function, and for the function that was replaced. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_close(int fd);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_close(int fd);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
int __real_channel_rcv_data(ssh_session session, uint8_t type, ssh_buffer packet, void *user);
int __wrap_channel_rcv_data(ssh_session session, uint8_t type, ssh_buffer packet, void *user);
ssh_string __real_ssh_buffer_get_ssh_string(ssh_buffer buffer);
ssh_string __wrap_ssh_buffer_get_ssh_string(ssh_buffer buffer);
void __real_ssh_string_free(ssh_string string);
void __wrap_ssh_string_free(ssh_string string);
int __real_ssh_get_random(void *to, int size, int is_strong);
int __wrap_ssh_get_random(void *to, int size, int is_strong);
unsigned char *__real_ssh_packet_encrypt(ssh_session session, void *data, size_t size);
unsigned char *__wrap_ssh_packet_encrypt(ssh_session session, void *data, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __real___explicit_bzero_chk(void *data, size_t size, size_t room_for);
void __wrap___explicit_bzero_chk(void *data, size_t size, size_t room_for);
void __real_free(void *data);
void __wrap_free(void *data);
const EVP_CIPHER *__real_EVP_aes_128_gcm(void);
const EVP_CIPHER *__wrap_EVP_aes_128_gcm(void);
const EVP_CIPHER *__real_EVP_aes_256_gcm(void);
const EVP_CIPHER *__wrap_EVP_aes_256_gcm(void);
void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);

/* --- what has come --------------------------------------------------------------------------------- */

int64_t ssh_reader_receive(int fd, void *data, size_t size, int *error) {
  ssize_t count = __real_recv(fd, data, size, MSG_DONTWAIT);
  *error = count >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : errno;
  return count;
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags) {
  ssh_reader *self = ssh_reader_find(fd);
  int error = 0;
  if (!self || flags) {
    return __real_recv(fd, data, size, flags);
  }
  ssize_t count = (ssize_t)ssh_reader_take(self, data, size, &error);
  errno = count < 0 && !error ? EAGAIN : error;
  return count;
}

/* --- the socket, for libssh ------------------------------------------------------------------------ */

/*
 * libssh is told that it may send before the system has been asked. A socket that takes nothing then takes 0 bytes: all
 * of it stays in libssh's buffer, where an error would end the session.
 */
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags) {
  ssh_reader *self = ssh_reader_find(fd);
  ssize_t count = __real_send(fd, data, size, flags);
  if (!self) {
    return count;
  }
  int is_refused = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  self->is_full = is_refused || (count >= 0 && (size_t)count < size);
  return is_refused ? 0 : count;
}

/*
 * What poll() would say of an attached descriptor, without asking the system: whether something has come, reading tells
 * too, and whether it takes more, sending. -1: that must be asked.
 */
static int answer(ssh_reader *self, short events, int timeout) {
  if ((events & POLLOUT) && self->is_full) {
    return -1;
  }
  if ((events & POLLIN) && !self->is_led && !ssh_reader_has_something(self) && (timeout == 0 || (events & POLLOUT))) {
    (void)ssh_reader_fill(self);
  }
  int ready = (events & POLLOUT) | ((events & POLLIN) && ssh_reader_has_something(self) ? POLLIN : 0);
  return ready || timeout == 0 ? ready : -1;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout) {
  ssh_reader *only = count == 1 ? ssh_reader_find(fds[0].fd) : NULL;
  int known = only ? answer(only, fds[0].events, timeout) : -1;
  if (known >= 0) {
    fds[0].revents = (short)known;
    return known != 0;
  }
  int found = 0;
  for (nfds_t i = 0; i < count; i++) {
    const ssh_reader *self = ssh_reader_find(fds[i].fd);
    found |= self && ssh_reader_has_something(self) && (fds[i].events & POLLIN);
  }
  int ready = __real_poll(fds, count, found ? 0 : timeout);
  for (nfds_t i = 0; ready >= 0 && i < count; i++) {
    ssh_reader *self = ssh_reader_find(fds[i].fd);
    if (self && self->is_led && fds[i].revents) { /* an end is none yet, with bytes in front of it */
      fds[i].revents &= POLLOUT;
      ready -= fds[i].revents == 0;
    }
    if (self && ssh_reader_has_something(self) && (fds[i].events & POLLIN)) {
      ready += fds[i].revents == 0;
      fds[i].revents |= POLLIN;
    }
    if (self && (fds[i].revents & POLLOUT)) {
      self->is_full = 0;
    }
  }
  return ready;
}

int __wrap_close(int fd) {
  ssh_reader_detach(fd);
  return __real_close(fd);
}

/* --- what a channel receives ----------------------------------------------------------------------- */

static _Thread_local ssh_buffer lender; /* the packet of a channel's data, until its string has been lent */
static _Thread_local ssh_string lent;

int __wrap_channel_rcv_data(ssh_session session, uint8_t type, ssh_buffer packet, void *user) {
  lender = packet;
  int result = __real_channel_rcv_data(session, type, packet, user);
  lender = NULL;
  lent = NULL;
  return result;
}

/* The string that lies at the beginning of what is left of a packet; NULL if that is too short for it. */
static ssh_string look(ssh_buffer packet) {
  ssh_string string = ssh_buffer_get(packet);
  uint32_t size = ssh_buffer_get_len(packet);
  return size >= sizeof(uint32_t) && ssh_string_len(string) <= size - sizeof(uint32_t) ? string : NULL;
}

ssh_string __wrap_ssh_buffer_get_ssh_string(ssh_buffer buffer) {
  if (!lender || buffer != lender) {
    return __real_ssh_buffer_get_ssh_string(buffer);
  }
  lender = NULL;
  lent = look(buffer);
  return lent;
}

void __wrap_ssh_string_free(ssh_string string) {
  if (string && string == lent) {
    lent = NULL;
  } else {
    __real_ssh_string_free(string);
  }
}

/* --- what is sent ---------------------------------------------------------------------------------- */

static _Thread_local uint8_t noise[NOISE]; /* random, and zero where it was used */
static _Thread_local size_t noise_left;

/* Of strong ones, which make keys, nothing is kept. */
int __wrap_ssh_get_random(void *to, int size, int is_strong) {
  if (is_strong || size < 0 || size > NOISE) {
    return __real_ssh_get_random(to, size, is_strong);
  }
  if (noise_left < (size_t)size) {
    if (!__real_ssh_get_random(noise, NOISE, 0)) {
      return 0;
    }
    noise_left = NOISE;
  }
  noise_left -= (size_t)size;
  memcpy(to, noise + noise_left, (size_t)size);
  memset(noise + noise_left, 0, (size_t)size);
  return 1;
}

static _Thread_local uint8_t *room; /* for the packet that is encrypted, until it has been taken */
static _Thread_local size_t room_size;
static _Thread_local const uint8_t *taken;

unsigned char *__wrap_ssh_packet_encrypt(ssh_session session, void *data, size_t size) {
  ssh_reader *self = ssh_reader_find((int)ssh_get_fd(session));
  room = self && size <= SSH_READER_PACKET ? self->packet : NULL;
  room_size = size;
  unsigned char *result = __real_ssh_packet_encrypt(session, data, size);
  room = NULL;
  taken = NULL;
  return result;
}

void *__wrap_calloc(size_t count, size_t size) {
  if (!room || count != 1 || size != room_size) {
    return __real_calloc(count, size);
  }
  uint8_t *given = room;
  taken = given;
  room = NULL;
  return given;
}

#if defined(__GLIBC__) /* what explicit_bzero() is there in a library that is built as Debian does */
void __wrap___explicit_bzero_chk(void *data, size_t size, size_t room_for) {
  if (data && data != taken) {
    __real___explicit_bzero_chk(data, size, room_for);
  }
}
#endif

void __wrap_free(void *data) {
  if (!data || data != taken) {
    __real_free(data);
  }
}

/* --- ciphers --------------------------------------------------------------------------------------- */

const EVP_CIPHER *__wrap_EVP_aes_128_gcm(void) {
  return gcm_cipher_instead(__real_EVP_aes_128_gcm());
}

const EVP_CIPHER *__wrap_EVP_aes_256_gcm(void) {
  return gcm_cipher_instead(__real_EVP_aes_256_gcm());
}

/* --- copies ---------------------------------------------------------------------------------------- */

/* What one instruction moves, at any address. */
typedef uint8_t sixteen __attribute__((vector_size(16), aligned(1), may_alias));

/* Forward, in whole blocks of 64 bytes; returns the count. A block is read before it is written, so `to` may overlap
 * what lies behind it. */
static size_t copy_blocks(uint8_t *to, const uint8_t *from, size_t size) {
  size_t at = 0;
  for (; size - at >= 64; at += 64) {
    const sixteen *source = (const sixteen *)(const void *)(from + at);
    sixteen *target = (sixteen *)(void *)(to + at);
    sixteen first = source[0];
    sixteen second = source[1];
    sixteen third = source[2];
    sixteen fourth = source[3];
    target[0] = first;
    target[1] = second;
    target[2] = third;
    target[3] = fourth;
    __asm__ volatile("" ::: "memory"); /* or a compiler that knows a copy when it sees one makes memcpy call itself */
  }
  return at;
}

void *__wrap_memcpy(void *to, const void *from, size_t size) {
  size_t done = size < LONG_COPY ? 0 : copy_blocks(to, from, size);
  (void)__real_memcpy((uint8_t *)to + done, (const uint8_t *)from + done, size - done);
  return to;
}

void *__wrap_memmove(void *to, const void *from, size_t size) {
  int is_forward = (uintptr_t)to < (uintptr_t)from;
  size_t done = size < LONG_COPY || !is_forward ? 0 : copy_blocks(to, from, size);
  (void)__real_memmove((uint8_t *)to + done, (const uint8_t *)from + done, size - done);
  return to;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

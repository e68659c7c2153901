/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

/* The data repeat after this many bytes: no multiple of any size that a relay moves at once. */
#define PERIOD ((size_t)1024 * 1024 + 7)

static void set_nodelay(int fd) {
  int one = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static struct sockaddr_in loopback(uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  return address;
}

int load_listen(uint16_t *port) {
  struct sockaddr_in address = loopback(*port);
  socklen_t size = sizeof(address);
  int one = 1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
      bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1024) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
    close(fd);
    return -1;
  }
  set_nodelay(fd); /* what is accepted inherits it */
  *port = ntohs(address.sin_port);
  return fd;
}

int load_connect(uint16_t port) {
  struct sockaddr_in address = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  set_nodelay(fd);
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

int load_send_all(int fd, const void *data, size_t size) {
  const char *bytes = data;
  while (size > 0) {
    ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      return -1;
    }
    if (count > 0) {
      bytes += count;
      size -= (size_t)count;
    }
  }
  return 0;
}

int load_receive_all(int fd, void *data, size_t size) {
  char *bytes = data;
  size_t done = 0;
  while (done < size) {
    ssize_t count = recv(fd, bytes + done, size - done, 0);
    if (count == 0) {
      return done == 0 ? 1 : -1;
    }
    if (count < 0 && errno != EINTR) {
      return -1;
    }
    done += count > 0 ? (size_t)count : 0;
  }
  return 0;
}

/* A chunk at any place of the period lies in one piece. */
unsigned char *load_make_data(uint64_t seed) {
  unsigned char *data = malloc(PERIOD + LOAD_CHUNK);
  if (!data) {
    return NULL;
  }
  for (size_t i = 0; i < PERIOD; i += 8) {
    uint64_t x = seed += 0x9E3779B97F4A7C15u; /* splitmix64 */
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    x ^= x >> 31;
    memcpy(data + i, &x, PERIOD - i < 8 ? PERIOD - i : 8);
  }
  memcpy(data + PERIOD, data, LOAD_CHUNK);
  return data;
}

load_request load_make_request(load_op op, int check, uint64_t size, uint64_t seed) {
  load_request request = {.op = (uint32_t)op, .check = (uint32_t)check, .size = size, .seed = seed};
  memcpy(request.magic, LOAD_MAGIC, sizeof(request.magic));
  return request;
}

int load_exchange(int fd, const load_request *request) {
  load_request answer;
  if (load_send_all(fd, request, sizeof(*request)) != 0 || load_receive_all(fd, &answer, sizeof(answer)) != 0) {
    return -1;
  }
  return memcmp(&answer, request, sizeof(answer)) == 0 ? 0 : -1;
}

int load_send_data(int fd, uint64_t seed, uint64_t size) {
  unsigned char *data = load_make_data(seed);
  int result = data ? 0 : -1;
  for (uint64_t at = 0; at < size && result == 0; at += LOAD_CHUNK) {
    result = load_send_all(fd, data + at % PERIOD, size - at < LOAD_CHUNK ? (size_t)(size - at) : LOAD_CHUNK);
  }
  free(data);
  return result;
}

int load_receive_data(int fd, uint64_t seed, uint64_t size, int check) {
  unsigned char *wanted = check ? load_make_data(seed) : NULL;
  unsigned char *data = malloc(LOAD_CHUNK);
  int result = data && (wanted || !check) ? 0 : -1;
  uint64_t at = 0;
  while (at < size && result == 0) {
    ssize_t count = recv(fd, data, size - at < LOAD_CHUNK ? (size_t)(size - at) : LOAD_CHUNK, 0);
    if (count == 0 || (count < 0 && errno != EINTR)) {
      result = -1;
    } else if (count > 0) {
      if (wanted && memcmp(data, wanted + at % PERIOD, (size_t)count) != 0) {
        result = -1;
      }
      at += (uint64_t)count;
    }
  }
  free(data);
  free(wanted);
  return result;
}

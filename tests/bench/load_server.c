/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static void echo(int fd, load_request *request) {
  do {
    if (load_send_all(fd, request, sizeof(*request)) != 0) {
      return;
    }
  } while (load_receive_all(fd, request, sizeof(*request)) == 0);
}

/* --- connections that are held -------------------------------------------------------------------- */

/* Thousands of them, so they share a thread. */
static int holder = -1;

static void *watch_held(void *unused) {
  struct epoll_event event;
  for (;;) {
    if (epoll_wait(holder, &event, 1, -1) == 1) {
      close(event.data.fd); /* the client has closed: it sends nothing more */
    }
  }
  return unused;
}

static int hold(int fd, const load_request *request) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
  if (epoll_ctl(holder, EPOLL_CTL_ADD, fd, &event) != 0) {
    return -1;
  }
  (void)load_send_all(fd, request, sizeof(*request)); /* if it fails, the watch sees why */
  return 0;
}

/* --- all others ------------------------------------------------------------------------------------ */

/* A connection: one thread, blocking calls, so that the server adds as little as it can. */
static void *serve_connection(void *argument) {
  int fd = (int)(intptr_t)argument;
  load_request request;
  if (load_receive_all(fd, &request, sizeof(request)) == 0 && memcmp(request.magic, LOAD_MAGIC, 8) == 0) {
    switch (request.op) {
    case LOAD_UP:
      if (load_receive_data(fd, request.seed, request.size, (int)request.check) == 0) {
        (void)load_send_all(fd, &request, sizeof(request));
      }
      break;
    case LOAD_DOWN:
      (void)load_send_data(fd, request.seed, request.size);
      break;
    case LOAD_HOLD:
      if (hold(fd, &request) == 0) {
        return NULL;
      }
      break;
    default:
      echo(fd, &request);
    }
  }
  close(fd);
  return NULL;
}

static int start_holder(const pthread_attr_t *attributes) {
  pthread_t thread;
  holder = epoll_create1(EPOLL_CLOEXEC);
  return holder >= 0 && pthread_create(&thread, attributes, watch_held, NULL) == 0 ? 0 : -1;
}

int load_serve(uint16_t port) {
  pthread_attr_t attributes;
  int listener = load_listen(&port);
  if (listener < 0) {
    perror("penstock_load: listen");
    return 1;
  }
  if (pthread_attr_init(&attributes) != 0 || pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
      pthread_attr_setstacksize(&attributes, (size_t)128 * 1024) != 0 || start_holder(&attributes) != 0) {
    return 1;
  }
  printf("%u\n", port);
  (void)fflush(stdout);
  for (;;) {
    pthread_t thread;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && pthread_create(&thread, &attributes, serve_connection, (void *)(intptr_t)fd) != 0) {
      close(fd);
    }
  }
}

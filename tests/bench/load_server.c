/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
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
    default:
      echo(fd, &request);
    }
  }
  close(fd);
  return NULL;
}

int load_serve(uint16_t port) {
  pthread_attr_t attributes;
  int listener = load_listen(&port);
  if (listener < 0) {
    perror("penstock_load: listen");
    return 1;
  }
  if (pthread_attr_init(&attributes) != 0 || pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
      pthread_attr_setstacksize(&attributes, (size_t)128 * 1024) != 0) {
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

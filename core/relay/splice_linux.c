/* SPDX-License-Identifier: MIT */
#include "relay/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* As much as an unprivileged user may have in one. The largest turn fills it when it comes in whole pages; of packets
 * of 1.4 KB, each of which takes a page's slot, 256 go in. */
#define PIPE_SIZE (1024 * 1024)
/* Pipes that an unprivileged user may have are limited too (fs.pipe-user-pages-soft): leave some to others. */
#define PIPE_LIMIT 32
#define IDLE_LIMIT 8

struct ps_pipe {
  ps_pipe *next;
  int read_end;
  int write_end;
  size_t size;
};

/* splice(2) to a socket knows no MSG_NOSIGNAL: without this the gateway would die of a peer that is gone. */
static int sigpipe_kills(void) {
  struct sigaction action;
  return sigaction(SIGPIPE, NULL, &action) != 0 || action.sa_handler == SIG_DFL;
}

static int is_tcp(penstock_socket socket) {
  int protocol = 0;
  socklen_t size = sizeof(protocol);
  return getsockopt((int)socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

int ps_pipe_fits(penstock_socket from, penstock_socket to) {
  return is_tcp(from) && is_tcp(to) && !sigpipe_kills();
}

static ps_pipe *pipe_create(void) {
  int ends[2];
  ps_pipe *pipe = calloc(1, sizeof(*pipe));
  if (!pipe) {
    return NULL;
  }
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    free(pipe);
    return NULL;
  }
  pipe->read_end = ends[0];
  pipe->write_end = ends[1];
  if (fcntl(pipe->write_end, F_SETPIPE_SZ, PIPE_SIZE) < 0) {
    close(ends[0]);
    close(ends[1]);
    free(pipe);
    return NULL;
  }
  return pipe;
}

static void pipe_destroy(ps_pipe *pipe) {
  close(pipe->read_end);
  close(pipe->write_end);
  free(pipe);
}

ps_pipe *ps_pipe_take(ps_pipes *pipes) {
  ps_pipe *pipe = pipes->idle;
  if (pipe) {
    pipes->idle = pipe->next;
    pipes->idle_count--;
    return pipe;
  }
  if (pipes->unusable || pipes->count == PIPE_LIMIT) {
    return NULL;
  }
  pipe = pipe_create();
  if (!pipe) {
    pipes->unusable = 1;
    return NULL;
  }
  pipes->count++;
  return pipe;
}

void ps_pipe_give(ps_pipes *pipes, ps_pipe *pipe) {
  if (pipe->size > 0 || pipes->idle_count == IDLE_LIMIT) {
    pipe_destroy(pipe);
    pipes->count--;
    return;
  }
  pipe->next = pipes->idle;
  pipes->idle = pipe;
  pipes->idle_count++;
}

size_t ps_pipe_size(const ps_pipe *pipe) {
  return pipe ? pipe->size : 0;
}

static long move(int from, int to, size_t size) {
  ssize_t count;
  do {
    count = splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) {
    return (long)count;
  }
  return errno == EAGAIN ? PS_NET_AGAIN : PS_NET_BROKEN;
}

long ps_pipe_fill(ps_pipe *pipe, penstock_socket from, size_t size) {
  long count = move((int)from, pipe->write_end, size);
  if (count > 0) {
    pipe->size += (size_t)count;
  }
  return count;
}

long ps_pipe_empty(ps_pipe *pipe, penstock_socket to) {
  long count = move(pipe->read_end, (int)to, pipe->size);
  if (count > 0) {
    pipe->size -= (size_t)count;
  }
  return count;
}

void ps_pipes_clear(ps_pipes *pipes) {
  while (pipes->idle) {
    ps_pipe *pipe = pipes->idle;
    pipes->idle = pipe->next;
    pipe_destroy(pipe);
  }
  pipes->idle_count = 0;
  pipes->count = 0;
}

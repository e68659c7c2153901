/* SPDX-License-Identifier: MIT */
/* Where the kernel cannot move bytes between sockets by itself. */
#include "relay/splice.h"

int ps_pipe_fits(penstock_socket from, penstock_socket to) {
  (void)from;
  (void)to;
  return 0;
}

ps_pipe *ps_pipe_take(ps_pipes *pipes) {
  (void)pipes;
  return NULL;
}

void ps_pipe_give(ps_pipes *pipes, ps_pipe *pipe) {
  (void)pipes;
  (void)pipe;
}

size_t ps_pipe_size(const ps_pipe *pipe) {
  (void)pipe;
  return 0;
}

long ps_pipe_fill(ps_pipe *pipe, penstock_socket from, size_t size) {
  (void)pipe;
  (void)from;
  (void)size;
  return PS_NET_BROKEN;
}

long ps_pipe_empty(ps_pipe *pipe, penstock_socket to) {
  (void)pipe;
  (void)to;
  return PS_NET_BROKEN;
}

void ps_pipes_clear(ps_pipes *pipes) {
  (void)pipes;
}

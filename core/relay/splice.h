/* SPDX-License-Identifier: MIT */
/**
 * @file splice.h
 * Kernel pipes through which bytes go from socket to socket without being copied into the program
 * (Linux; elsewhere there are none and the relay reads and writes).
 *
 * A pipe is borrowed for one turn and stays with its direction only while bytes are in it, so a relay needs
 * few of them. Thread: the lane's.
 */
#ifndef PS_SPLICE_H
#define PS_SPLICE_H

#include "net/net.h"

typedef struct ps_pipe ps_pipe;

/** The pipes of one relay. Zero-initialise; free with ps_pipes_clear when all are given back. */
typedef struct ps_pipes {
  ps_pipe *idle;
  size_t idle_count;
  size_t count; /**< idle and lent */
  int unusable; /**< the system gives us none: not asked again */
} ps_pipes;

/** Can bytes go from one socket to the other this way? (Both must be TCP.) */
int ps_pipe_fits(penstock_socket from, penstock_socket to);
/** An empty pipe, or NULL: there is none to be had, read and write instead. */
ps_pipe *ps_pipe_take(ps_pipes *pipes);
/** Gives a pipe back; what is still in it is lost. */
void ps_pipe_give(ps_pipes *pipes, ps_pipe *pipe);
/** Bytes in it; 0 for NULL. */
size_t ps_pipe_size(const ps_pipe *pipe);
/** Takes up to `size` bytes from a socket into an empty pipe. Results as ps_net_read. */
long ps_pipe_fill(ps_pipe *pipe, penstock_socket from, size_t size);
/** Gives bytes from the pipe to a socket. Results as ps_net_write. */
long ps_pipe_empty(ps_pipe *pipe, penstock_socket to);
void ps_pipes_clear(ps_pipes *pipes);

#endif

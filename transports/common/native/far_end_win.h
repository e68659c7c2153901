/* SPDX-License-Identifier: MIT */
/**
 * @file far_end_win.h
 * The far end of a stream to a command (penstock/exec.h): a thread's end of a pair of sockets, of which the lane has
 * the other one, and the trailer at its end.
 *
 * Thread: that which it is made for, but for far_end_stop.
 */
#ifndef TRANSPORTS_NATIVE_FAR_END_WIN_H
#define TRANSPORTS_NATIVE_FAR_END_WIN_H

#include <penstock/exec.h>

#include "common/native/pipes_win.h"

typedef struct far_end {
  HANDLE socket;
  HANDLE stop; /**< whoever wanted it is gone: the command is to end */
  HANDLE read; /**< an event for its reads */
  char token[40];
  char mark[72];
  struct far_end *next;
} far_end;

/** Makes one for a command; `theirs` is the lane's end, non-blocking. Returns 0 or an error of Windows or Winsock. */
DWORD far_end_open(far_end *self, const char *token, const char *mark, penstock_socket *theirs);
/** Sends. Returns 0, or -1: nobody reads any more, or it was stopped. */
int far_end_send(far_end *self, const void *data, size_t size);
/** The trailer; also of one that was stopped, if it is read at once. Returns 0 or -1. */
int far_end_say(far_end *self, unsigned status, const char *errors, size_t size);
/** Closes it; by a reset, if it is `broken`. */
void far_end_close(far_end *self, int broken);

/** Stops the one with this token, if there is one. [any thread] */
void far_end_stop(const char *token);

#endif

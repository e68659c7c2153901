/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_dial_internal.h
 * What ssh_dial.c and the files of the systems share. Thread: any.
 */
#ifndef TRANSPORTS_SSH_DIAL_INTERNAL_H
#define TRANSPORTS_SSH_DIAL_INTERNAL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/ssh/ssh_dial.h"

/** An address as the system has it. */
typedef union dial_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage room;
} dial_address;

/** Fills in the system's form. Returns its size. */
socklen_t dial_address_set(dial_address *out, const penstock_address *address);

/* --- of the system: ssh_dial_unix.c, ssh_dial_win.c ------------------------------------------------ */

/** Does the code mean that the machine answers, and nobody listens? */
int dial_is_refused(int code);
/** Words for what getaddrinfo() returned. `text` may be used for them, or not. */
const char *dial_name_reason(int code, char *text, size_t size);
/** What to do about a source address or interface that is not to be had. */
void dial_source_next(penstock_error *error, const dial_options *options);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file place.h
 * Where control sockets lie and who may use them; the platform is behind it. On Unix: files of mode 0600 in a folder of
 * mode 0700 that belongs to the user. The first of these that there can be is the one in which sockets are made:
 *
 * 1. $PENSTOCK_RUNTIME_DIR; if it is set, no other one is looked into
 * 2. $XDG_RUNTIME_DIR/penstock
 * 3. /tmp/penstock-UID
 *
 * Thread: any.
 */
#ifndef PS_CONTROL_PLACE_H
#define PS_CONTROL_PLACE_H

#include <uv.h>

#include <penstock/sdk.h>

#include "control/control.h"

/** Room for the name of a socket. */
#define PS_CONTROL_NAME_SIZE 48
/** Room for the path of a socket. */
#define PS_CONTROL_PATH_SIZE 108

/** A socket that was made. */
typedef struct ps_control_file {
  char path[PS_CONTROL_PATH_SIZE]; /**< "" = none */
  uint64_t device;
  uint64_t inode;
} ps_control_file;

/** The name of a gateway's socket: its profile, as far as a file's name can hold it, and its port. */
void ps_control_name(char *name, size_t size, const char *profile, const char *address);

/**
 * Makes the socket of a name into `pipe`, which is initialised and not open. Sockets of gateways that are gone are
 * taken away. Returns 0 or a negative code with `error`: a gateway that lives is not replaced, and named.
 */
int ps_control_bind(uv_pipe_t *pipe, const char *name, ps_control_file *file, penstock_error *error);
/** Takes it away again, if it is still the one that was made. */
void ps_control_unbind(ps_control_file *file);

/** Whose process is at the other end: its user and its number. Returns 0 or a negative code. */
int ps_control_peer(penstock_socket socket, uint32_t *uid, uint32_t *pid);
/** May this user talk to a gateway of ours: we ourselves, or root? */
int ps_control_permits(uint32_t uid);

/** The name of a socket, out of its path. */
void ps_control_label(char *name, size_t size, const char *path);
/**
 * Shows the path of every socket that there is, of gateways that live or do not. `shut` (may be NULL) gets why a folder
 * that is there is not looked into; an empty `what`: there is none of that kind.
 */
void ps_control_each(void (*each)(void *context, const char *path), void *context, penstock_error *shut);
/**
 * Connects. Returns 0 with *socket; PENSTOCK_E_NOT_FOUND if nobody listens there (any more), PENSTOCK_E_TIMEOUT, or
 * another negative code; with `error`.
 */
int ps_control_dial(const char *path, int timeout_ms, penstock_socket *socket, penstock_error *error);

/** What was connected, for whoever asks: read and write as ps_net_read and ps_net_write, wait as ps_net_wait. */
long ps_control_read(penstock_socket socket, void *buffer, size_t size);
long ps_control_write(penstock_socket socket, const void *data, size_t size);
int ps_control_wait(penstock_socket socket, int to_write, int timeout_ms);
void ps_control_hang_up(penstock_socket socket);

/**
 * A socket of its own for a connection that somebody has made, of bytes from now on. Returns 0, or a negative code with
 * `fault`. Where connections are no sockets it is the end of one that is joined to the connection; what the client
 * sends is in frames there (frames.h), since it could not end its direction else.
 */
int ps_control_as_socket(penstock_socket connected, penstock_socket *socket, ps_control_fault *fault);
/** Is there something on a connection that nobody has read? */
int ps_control_has_more(penstock_socket connected);
/** Before the end of the program: what was written to those sockets is on its way to the clients when this returns, or
 * is not read by them. Blocks for at most 2 s. */
void ps_control_settle(void);

#endif

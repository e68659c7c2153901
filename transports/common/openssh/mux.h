/* SPDX-License-Identifier: MIT */
/**
 * @file mux.h
 * Channels of an SSH session that a running ssh (a "master") lends us over its control socket, in the proxy mode of
 * OpenSSH's multiplexing protocol (since OpenSSH 7.4). The master keeps encryption, login and signs of life to itself;
 * we speak the connection protocol, RFC 4254. So streams need no process and no descriptor each, an open that fails
 * says why, the two directions end apart, and a channel that broke does not look like one that ended.
 *
 * Thread: the lane's. What a channel tells its user comes in the mux's own turn of the loop, never from within a call.
 */
#ifndef TRANSPORTS_MUX_H
#define TRANSPORTS_MUX_H

#include "common/openssh/mux_wire.h"

typedef struct mux mux;
typedef struct mux_channel mux_channel;

/** What a mux tells its owner. */
typedef struct mux_owner {
  /** The master lends us its session. Once. */
  void (*ready)(void *context);
  /** After the events of a turn, and after mux_kick: time for what could not be done within a call. */
  void (*turn)(void *context);
  /** It is over; `why` in words. Once; the last thing of a turn, so that the mux may be destroyed in it. */
  void (*dead)(void *context, const char *why);
  void *context;
} mux_owner;

/** What a channel tells its user, who may call anything of the channel in it. No slot may be NULL. */
typedef struct mux_user {
  void (*opened)(void *context);
  /** The server would not open it: RFC 4254's reason code, and its words. Nothing else comes; it wants closing. */
  void (*refused)(void *context, uint32_t code, const char *text);
  /** Bytes, at most as many as were granted. */
  void (*data)(void *context, const uint8_t *data, size_t size, int is_stderr);
  /** mux_channel_write can take more. Only after it took less than all. */
  void (*writable)(void *context);
  void (*eof)(void *context);
  /** A request of the server's, such as "exit-status". */
  void (*request)(void *context, const mux_message *message);
  /** The answer to mux_channel_exec or mux_channel_env. */
  void (*answered)(void *context, int is_success);
  /** The server closed it. It still wants closing. */
  void (*closed)(void *context);
} mux_user;

/** Takes over a connected control socket. NULL if there is no memory; the socket is then closed too. */
mux *mux_create(const penstock_host *host, penstock_socket socket, const mux_owner *owner);
/** Ends it with all channels, without calling back. NULL is allowed. */
void mux_destroy(mux *self);
/** Asks for a turn. */
void mux_kick(mux *self);
/** How many channels were given up before the server said whether it opens them; each is memory until it does. */
size_t mux_unanswered(const mux *self);

/**
 * Opens a channel: "session", or "direct-tcpip" with the `extra` that RFC 4254 wants for it. NULL if there is no
 * memory. It starts with no grant.
 */
mux_channel *mux_channel_open(mux *self, const char *type, const mux_buffer *extra, const mux_user *user,
                              void *context);
/** Gives an open channel another user. */
void mux_channel_pass(mux_channel *channel, const mux_user *user, void *context);
/** Allows the server to send so many bytes more. */
void mux_channel_grant(mux_channel *channel, uint64_t bytes);
/** Asks for a command to be run, before anything is written. One question at a time. */
void mux_channel_exec(mux_channel *channel, const char *command);
/** Asks for a variable of the environment to be set, before the command. One question at a time. */
void mux_channel_env(mux_channel *channel, const char *name, const char *value);
/** Sends a signal to the command: "HUP". */
void mux_channel_signal(mux_channel *channel, const char *name);
/** Takes up to `size` bytes; returns the count. After less than all, `writable` comes. */
size_t mux_channel_write(mux_channel *channel, const void *data, size_t size);
/** Ends our direction, behind what was written. */
void mux_channel_eof(mux_channel *channel);
/** Gives the channel up, in any state. Its user hears no more, and must not use it any more. */
void mux_channel_close(mux_channel *channel);

#endif

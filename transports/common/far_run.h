/* SPDX-License-Identifier: MIT */
/**
 * @file far_run.h
 * Scripts on a machine behind an SSH session, whoever carries that session: shells of ours at the other end of session
 * channels run one script after another, so that a login shell that is slow to start is waited for once, and a server
 * that allows one session (MaxSessions 1) is enough.
 *
 * Thread: the lane's. Nothing is called back from within far_run_start and far_run_cancel.
 */
#ifndef TRANSPORTS_FAR_RUN_H
#define TRANSPORTS_FAR_RUN_H

#include "carrier.h"

typedef struct far_shell far_shell;

/**
 * Session channels, as their carrier has them. What happens to one is told with far_shell_hear and the like
 * (far_shell.h), from within the carrier's own turn and followed by far_run_sweep.
 */
typedef struct far_channel_ops {
  /** Begins to open one for `shell`. NULL if there is no memory. */
  void *(*open)(void *link, far_shell *shell);
  /** Is it open? If it is denied, far_shell_denied was called. */
  int (*is_open)(void *channel);
  /** Asks for a variable of the environment: 1 = done, 0 = ask again in the next sweep, -1 = refused. */
  int (*set_env)(void *channel, const char *name, const char *value);
  /** Asks for the command: 1 = it runs, 0 = ask again in the next sweep, -1 = refused. */
  int (*exec)(void *channel, const char *command);
  /** Takes up to `size` bytes of standard input; the count. After less than all, a sweep comes when it takes more. */
  size_t (*write)(void *channel, const void *data, size_t size);
  void (*end_input)(void *channel);
  /** Sends the signal HUP. */
  void (*hang_up)(void *channel);
  /** Gives it up, in any state. */
  void (*close)(void *channel);
} far_channel_ops;

/** The shells of one link and the scripts for them. The carrier fills in the first part, and zeroes the rest. */
typedef struct far_shells {
  const far_channel_ops *ops;
  void *link;               /**< first argument of open and kick */
  void (*kick)(void *link); /**< asks for a turn of the link, with far_run_sweep in it */
  const penstock_host *host;
  const char *where;           /**< for messages: "gpu01" */
  char *const *environment;    /**< NAME=value that each shell asks for */
  size_t environment_count;    /**< entries in it */
  const penstock_error *death; /**< set when the link is gone: the next sweep ends all */

  carrier_run *runs; /**< all of them, oldest first */
  far_shell *shells;
  unsigned shells_max;          /**< what the server is known to allow */
  int had_shell;                /**< it does open sessions */
  uint64_t shell_not_before_ns; /**< the next one */
  penstock_timer *shell_tick;
} far_shells;

/** carrier_ops::run. */
carrier_run *far_run_start(far_shells *pool, const char *body, size_t body_size, uint64_t timeout_ms,
                           void (*done)(void *context, const carrier_result *result), void *context,
                           penstock_error *error);
/** carrier_ops::run_cancel. */
void far_run_cancel(carrier_run *run);
/** A shell that waits for a script, for another use: the caller's from now on. NULL if there is none. */
far_shell *far_run_take_idle(far_shells *pool);
/** Shells that are there, idle or not. */
unsigned far_run_count_shells(const far_shells *pool);
/** In the link's turn: moves everything on, and tells what has ended. */
void far_run_sweep(far_shells *pool);
/** Frees all without calling back. */
void far_run_drop_all(far_shells *pool);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file gateway.h
 * The running gateway: one listener, held connections, lanes, supervisor, orderly shutdown.
 * Thread: the main thread.
 */
#ifndef PS_GATEWAY_H
#define PS_GATEWAY_H

#include "config/config.h"
#include "gateway/reload.h"
#include "lane/state.h"

/** How far the change to another profile has come. */
typedef enum ps_swap_step {
  PS_SWAP_BEGUN,    /**< the new one begins to connect beside the one in use, `other` */
  PS_SWAP_STATE,    /**< the new one's `state` */
  PS_SWAP_LEG,      /**< `leg`, `elapsed_ns`, `text`, `error` if it failed */
  PS_SWAP_PROGRESS, /**< `text` */
  PS_SWAP_TAKEN,    /**< it serves and is the one in use; `streams` of `other` may go on for `drain_ms` */
  PS_SWAP_FAILED,   /**< `error`; `other` goes on */
  PS_SWAP_DRAINED   /**< the last stream of one that was in use has ended */
} ps_swap_step;

/** What becomes of another profile. All is borrowed. */
typedef struct ps_swap_event {
  ps_swap_step step;
  const char *profile;
  const penstock_transport *transport;
  const ps_settings *settings;
  const char *other; /**< profile that is left, or gone back to */
  ps_state state;    /**< see above, as for the rest */
  uint32_t leg;
  uint64_t elapsed_ns;
  const char *text;            /**< may be NULL */
  const penstock_error *error; /**< may be NULL */
  size_t streams;
  uint64_t drain_ms;
  int is_ending; /**< FAILED: because the gateway ends */
} ps_swap_event;

/** What a reload has come to. All is borrowed. */
typedef struct ps_reload_event {
  const char *profile; /**< the one in use */
  const penstock_transport *transport;
  const ps_settings *settings; /**< that count now */
  const ps_reload *changes;    /**< NULL: it has failed … */
  const penstock_error *error; /**< … because of this, and nothing has changed */
} ps_reload_event;

/** What a gateway tells as it runs. Called on the main thread. */
typedef struct ps_gateway_events {
  /** The listener is bound; `address` is "127.0.0.1:9090" with the real port. */
  void (*listening)(void *context, const char *address);
  /** The state changed. `error` says why for DOWN and DEGRADED, else NULL. `next_try_ms`: DOWN only; 0 = no further
   * try. */
  void (*state)(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms);
  /** A leg was passed, or failed (`error`). `text` may be NULL. */
  void (*leg)(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error);
  /** A step says what it is doing. */
  void (*progress)(void *context, const char *text);
  /** The endpoint answers: by a solver found there (`adopted`) or launched. `protocol_version` "" if the probe is not
   * tcmd. */
  void (*serving)(void *context, int adopted, const char *protocol_version);
  /** Another profile comes, or goes. After TAKEN all other events are of that one. */
  void (*swap)(void *context, const ps_swap_event *event);
  /** Files were read anew. If a key needs the profile to be connected anew, `swap` tells what becomes of that. */
  void (*reload)(void *context, const ps_reload_event *event);
} ps_gateway_events;

/** All of `some` (may be NULL), with functions that do nothing where a slot is NULL: who tells need not ask. */
ps_gateway_events ps_gateway_events_whole(const ps_gateway_events *some);

/** A profile that can run. */
typedef struct ps_gateway_profile {
  const char *name;
  const penstock_transport *transport; /**< from the registry */
  const ps_settings *settings;         /**< checked against ps_profile_table and the transport's */
  void (*release)(void *owner);        /**< it is not needed any more; may be NULL */
  void *owner;
} ps_gateway_profile;

/** What to run. Borrowed for the life of the gateway. */
typedef struct ps_gateway_options {
  const char *profile;                 /**< name, for messages */
  const penstock_transport *transport; /**< from the registry */
  const ps_settings *settings;         /**< checked against ps_profile_table and the transport's */
  int check_only; /**< `check --connect`: no listener, but an error if there could be none; ends with the first success
                     or failure; no retries */
  int no_launch;  /**< as `launch = never` */
  int told;       /**< what `events` tell is shown where the log goes, so failures are not logged as well */
  int control;    /**< it can be asked over a control socket */
  /** Gets why it cannot, before `listening` is told; is not touched if it can. NULL: nobody wants to know. */
  penstock_error *unasked;
  const char *metrics;             /**< where figures can be asked for, see metrics.h; NULL = nowhere */
  const ps_gateway_events *events; /**< slots may be NULL, as may all of it */
  void *context;                   /**< for the events */
  /** Finds another profile to use, in files that are read anew. Returns 0, or a negative code with `error`. NULL: there
   * is no other. */
  int (*find)(void *context, const char *name, ps_gateway_profile *found, penstock_error *error);
  void *find_context;
  const ps_settings *common; /**< [gateway], checked; NULL: it has no part in reloads */
  const char *const *fixed;  /**< keys that the command line has set, NULL-terminated; may be NULL */
  /** For a reload: reads the files anew, in which nothing at all may be wrong, and finds the profile in use. *common
   * gets [gateway], which is then the receiver's to free. Returns as `find`, with its context. NULL: there is nothing
   * to read. */
  int (*reread)(void *context, const char *name, ps_gateway_profile *found, ps_settings **common,
                penstock_error *error);
  /** The log is to be as [gateway] says from now on. Returns 0, or a negative code with `error`: it is as before. May
   * be NULL. */
  int (*relog)(void *context, const ps_settings *common, penstock_error *error);
} ps_gateway_options;

/**
 * Runs a gateway until SIGINT, SIGTERM, the end of its terminal or, with check_only, until the outcome is known.
 * Returns 0 after an orderly end; a negative code with `error` when it could not start (port taken …), when a failure
 * that the user must act on ends it, or when check_only found one.
 */
int ps_gateway_run(const ps_gateway_options *options, penstock_error *error);

/**
 * Did the last run end without a lane that was still inside a transport's blocking connect()? Its thread
 * then lives on, and the process must end by _exit(2): libraries must not be torn down beneath it.
 */
int ps_gateway_abandoned(void);

#endif

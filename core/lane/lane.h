/* SPDX-License-Identifier: MIT */
/**
 * @file lane.h
 * A lane: one thread, one loop, one transport connection, and the streams that go through it. It shares
 * nothing with other lanes; the gateway talks to it by messages only.
 *
 * Thread: the functions are for the gateway's (main) thread.
 */
#ifndef PS_LANE_H
#define PS_LANE_H

#include <stdatomic.h>

#include "base/histogram.h"
#include "base/mailbox.h"
#include "config/config.h"
#include "lane/command.h"
#include "lane/state.h"
#include "log/log.h"
#include "probe/tcmd.h"
#include "relay/relay.h"

/** An accepted connection on its way to a stream. Owned by whoever holds it; its socket too. */
typedef struct ps_client {
  ps_list node;
  uint64_t id;
  penstock_socket socket;
  uint64_t deadline_ns; /**< uv_hrtime until which it may be held */
  ps_command *command;  /**< what it wants instead of the endpoint; NULL: that. Its own */
} ps_client;

/** Aborts a client's connection and frees it. */
void ps_client_refuse(ps_client *client);
/** Frees it; its connection is somebody else's. */
void ps_client_free(ps_client *client);

/**
 * The way in, which the gateway and its lanes share. The rest is set before lanes start. [any thread]
 */
typedef struct ps_door {
  int own_only;                 /**< only this user's and root's processes may come in */
  atomic_uint_fast64_t hold_ns; /**< how long a connection may be held; may be set at any time */
  size_t clients_max;           /**< as many as there are descriptors for, two each */
  const atomic_size_t *held;    /**< connections that wait at the gateway */
  atomic_uint_fast64_t *count;  /**< connections so far: their ids */
} ps_door;

/** Makes a client of an accepted connection, which it then owns. NULL if out of memory: the connection is reset. */
ps_client *ps_door_enter(ps_door *door, penstock_socket accepted);
/** Is there no room for another connection beside `streams`? */
int ps_door_is_full(const ps_door *door, size_t streams);

/** What a lane tells the gateway. */
typedef enum ps_lane_event_kind {
  PS_LANE_STATE,    /**< `state`, `error` if has_error, `next_try_ms` */
  PS_LANE_LEG,      /**< `leg`, `elapsed_ns`, `text`, `error` if has_error */
  PS_LANE_PROGRESS, /**< `text` */
  PS_LANE_SERVING,  /**< `adopted`, `text` = protocol version */
  PS_LANE_RETURNED, /**< `client`: could not be served now, is the gateway's again */
  PS_LANE_COMMAND,  /**< `call`: its command has a stream, which is the client's connection; or `error` if has_error */
  PS_LANE_FATAL,    /**< `error`: cannot be served, and trying again will not help */
  PS_LANE_REPORT,   /**< `report`, which the receiver frees; NULL: there was no memory for it */
  PS_LANE_QUIET,    /**< as PS_LANE_HALT asked: `ticket`, `has_link`, `count` streams that are left */
  PS_LANE_ENDED,  /**< as PS_LANE_END_SOLVER asked: `ticket`; `error` if has_error: the solver goes on, or may do so */
  PS_LANE_UNUSED, /**< settings of `edition`, and those `and_before`, are not read by it any more */
  PS_LANE_STOPPED /**< the last one: the thread is about to end; `report` as above, with the ticket 0 */
} ps_lane_event_kind;

typedef struct ps_lane ps_lane;

/** The most streams that a report lists. */
#define PS_REPORT_STREAMS 256

/** What a lane says of its streams when it is asked. */
typedef struct ps_lane_report {
  uint64_t ticket;          /**< of the question */
  uint64_t ended;           /**< streams that have ended, and … */
  uint64_t aborted;         /**< … of them those that were broken off */
  uint64_t up_bytes;        /**< of all streams, those that have ended too */
  uint64_t down_bytes;      /**< likewise */
  uint64_t up_rate;         /**< bytes in a second, now */
  uint64_t down_rate;       /**< likewise */
  ps_histogram opens;       /**< how long it took to open one, of those that were not opened ahead */
  ps_histogram first_bytes; /**< from a request to the first byte of its answer, of streams that have ended */
  uint64_t said_ns;         /**< uv_hrtime when a solver last answered the lane; 0 = it was not asked */
  size_t count;             /**< streams that live */
  size_t listed;            /**< of them in `streams` */
  ps_stream_now streams[PS_REPORT_STREAMS];
  char said[PS_TCMD_SAID_SIZE]; /**< what it said of itself, see ps_tcmd_said */
} ps_lane_report;

/** A message to the gateway; the receiver frees it. */
typedef struct ps_lane_event {
  ps_list node;
  ps_lane *lane;
  ps_lane_event_kind kind;
  ps_state state;
  uint32_t leg;
  int has_error;
  int adopted;
  int has_link;
  int and_before;
  uint64_t edition;
  size_t count;
  uint64_t ticket;      /**< of what was asked about the solver last, see ps_lane_solver; of all kinds */
  uint64_t next_try_ms; /**< 0 = no further try */
  uint64_t elapsed_ns;
  ps_client *client;
  void *call; /**< ps_command::call */
  ps_lane_report *report;
  char text[512];
  penstock_error error;
} ps_lane_event;

/** Relaunches that are remembered: the most that `restart_limit` can be. */
#define PS_LAUNCHES_MAX 1000

/**
 * What the lanes of a gateway share: one of them launches at a time, and all of them count for one solver.
 * Zero-initialise. Thread: those that are atomic any; the rest only that of the lane that holds it.
 */
typedef struct ps_launch_gate {
  atomic_int busy;
  atomic_int launched;                /**< the solver that is served was launched by this gateway */
  atomic_int begun;                   /**< a launch was begun once, however it ended */
  atomic_uint_fast64_t answered_ns;   /**< uv_hrtime of the solver's last sign of life after a silence */
  atomic_int served;                  /**< a lane was up once: from now on a launch is a relaunch */
  uint64_t launches[PS_LAUNCHES_MAX]; /**< uv_hrtime of relaunches, for restart_limit */
  size_t launch_count;
  uint64_t released_ns; /**< uv_hrtime when a lane was through with it */
} ps_launch_gate;

typedef struct ps_lane_options {
  const char *profile;                 /**< name, for messages; all pointers are borrowed until ps_lane_join */
  const penstock_transport *transport; /**< from the registry */
  const ps_settings *settings;         /**< checked */
  uint64_t edition;                    /**< of them: see ps_lane_renew */
  int check_only;                      /**< the first failure is final; a solver that it launched is stopped */
  int no_launch;                       /**< as `launch = never` */
  int told;                            /**< the states it tells are shown where the log goes: not logged as well */
  uint32_t index;
  ps_mailbox *out;           /**< the gateway's, for ps_lane_event */
  ps_launch_gate *gate;      /**< shared by the lanes */
  ps_door *door;             /**< likewise */
  penstock_socket listening; /**< a descriptor of its own, for ps_lane_accept; or PENSTOCK_SOCKET_NONE */
} ps_lane_options;

/** Starts a lane's thread, which begins to connect and owns `listening`. NULL with `error` on failure. */
ps_lane *ps_lane_start(const ps_lane_options *options, penstock_error *error);
/** Its index. */
uint32_t ps_lane_index(const ps_lane *lane);
/** Hands over a client; it comes back as PS_LANE_RETURNED if the lane cannot serve it now. */
void ps_lane_serve(ps_lane *lane, ps_client *client);
/** Hands over a client that wants a command: PS_LANE_COMMAND comes. Returns 0; or a negative code, and it was refused.
 */
int ps_lane_run(ps_lane *lane, ps_client *client);
/** Shall it take connections in by itself? What it cannot serve comes back as above. Returns 0; or a negative code if
 * it was not told. */
int ps_lane_accept(ps_lane *lane, int is_on);
/** Somebody waits: a lane that is idle until its next try tries soon, one whose try hangs tries anew. */
void ps_lane_wake(ps_lane *lane);
/**
 * The profile's LIVE keys have other values: `settings` counts instead of those before. `edition` is one more than that
 * of those before. Each edition is borrowed until PS_LANE_UNUSED. Returns 0, or a negative code if it was not told.
 */
int ps_lane_renew(ps_lane *lane, const ps_settings *settings, uint64_t edition);
/** The user wants a new link: the one that there is goes, with the streams on it, and a try begins at once. */
void ps_lane_reconnect(ps_lane *lane);
/**
 * What a crew asks of its lanes about the solver, in this order: all halt; when all are quiet one of them ends the
 * solver; then all park, or start; or, if the solver could not be ended, resume.
 */
typedef enum ps_lane_ask {
  PS_LANE_HALT,       /**< takes nothing in any more, and tells PS_LANE_QUIET once its streams have ended or `drain_ms`
                         is over; it breaks off none, and neither looks for the solver nor launches it */
  PS_LANE_END_SOLVER, /**< has the transport end the solver, and looks whether it has; connects first if it must */
  PS_LANE_PARK,       /**< breaks off what streams are left and leaves the solver alone, with its link; a client that
                         comes (ps_lane_wake) has it look whether somebody else has started one */
  PS_LANE_RESUME,     /**< goes on as before the halt */
  PS_LANE_START       /**< looks for the solver at once, and launches it; also where it makes no try by itself */
} ps_lane_ask;
/** `ticket` comes back in all events that follow. */
void ps_lane_solver(ps_lane *lane, ps_lane_ask what, uint64_t drain_ms, uint64_t ticket);
/** Would another relaunch be within `restart` and `restart_limit`? 0 also while a lane is at one. [any thread] */
int ps_launch_allows(ps_launch_gate *gate, const ps_settings *settings);
/** May a solver be launched by such a transport, with such settings? */
int ps_lane_may_launch(const penstock_transport *transport, const ps_settings *settings, int no_launch);
/** Asks for a PS_LANE_REPORT. A lane that is inside a blocking connect() answers when it comes back. */
void ps_lane_ask_report(ps_lane *lane, uint64_t ticket);
/** This machine's network has changed: a lane that is not up tries at once, one that is up looks after its link. */
void ps_lane_network_changed(ps_lane *lane);
/**
 * Asks for an orderly end: streams get `drain_ms` to finish, the solver is stopped if `stop_solver` (or if
 * a check launched it) and there was one, served or begun to be launched; the link is closed. A second call with a
 * shorter drain hurries.
 */
void ps_lane_stop(ps_lane *lane, uint64_t drain_ms, int stop_solver);
/** Streams and opens that it has, and clients on their way to it. [any thread] */
size_t ps_lane_load(const ps_lane *lane);
/** Is its transport connected, whether or not it serves? Then commands can be run. [any thread] */
int ps_lane_linked(const ps_lane *lane);
/** Does its transport connect, which may block its thread, with no stream to lose? [any thread] */
int ps_lane_blocked(const ps_lane *lane);
/** After PS_LANE_STOPPED: waits for the thread and frees the lane. */
void ps_lane_join(ps_lane *lane);

#endif

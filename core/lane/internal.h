/* SPDX-License-Identifier: MIT */
/**
 * @file internal.h
 * A lane from inside: what lane.c (thread, messages, end), door.c (connections that it takes in by itself), link.c (one
 * transport instance), step.c (its asynchronous steps), open.c (streams being opened), prewarm.c (streams opened
 * ahead), probe.c (does a solver answer?), doubt.c (is it still there?), hang.c (does it still
 * answer?), ways.c (does another way lead to it?),
 * launch.c (may it be launched?), halt.c (it is ended, or started, as the user wants), drain.c (streams may finish),
 * lent.c (settings that instances are lent), retry.c (what follows a failure) and supervise.c (what to do next) share.
 * Each timer is one file's.
 *
 * The rule that keeps this simple: a slot that a transport calls only marks what happened and asks for a
 * turn; supervise.c acts on the marks when the turn comes. So nothing is ever freed or entered twice
 * beneath a transport's feet.
 *
 * Thread: the lane's, all of it.
 */
#ifndef PS_LANE_INTERNAL_H
#define PS_LANE_INTERNAL_H

#include "host/host.h"
#include "lane/backoff.h"
#include "lane/lane.h"
#include "net/acceptor.h"
#include "probe/tcmd.h"
#include "relay/relay.h"
#include "relay/spare.h"

/* --- link.c: one transport instance ------------------------------------------------------------- */

/** The asynchronous steps of a transport. */
typedef enum ps_step {
  PS_STEP_NONE,
  PS_STEP_CONNECT,
  PS_STEP_VALIDATE,
  PS_STEP_LAUNCH,
  PS_STEP_READY,
  PS_STEP_STOP,
  PS_STEP_END, /**< that of penstock.end/1 */
  PS_STEP_IDENTIFY
} ps_step;

/** The running step; there is at most one. */
struct penstock_op {
  struct ps_link *link;
  ps_step step;  /**< PS_STEP_NONE: no step is running */
  int completed; /**< op_done came; supervise.c has not seen it yet */
  int cancelled; /**< cancel() was called */
  int timed_out; /**< ... because the deadline passed */
  int hung;      /**< ... because a fresh try promises more */
  int legs;      /**< legs that the transport reported within it */
  uint32_t leg;  /**< the last of them; PENSTOCK_LEG_NONE */
  int has_error;
  penstock_error error;
  uint64_t started_ns;
  uint64_t leg_ns; /**< when the last leg was passed, or the step begun */
  uint64_t deadline_ms;
};

typedef struct ps_link {
  ps_host host; /**< owner = this link */
  ps_lane *lane;
  const penstock_transport *transport;
  penstock_instance *instance;
  penstock_op op;
  ps_list opens; /**< of penstock_open */
  size_t open_count;
  int connected;   /**< the connect step succeeded */
  int has_served;  /**< a solver was served over it */
  int lost;        /**< link_lost came */
  int solver_gone; /**< solver_exited came, or an open was refused by the endpoint */
  int is_degraded; /**< link_degraded came, and was not taken back; whatever the lane was about then */
  penstock_error lost_error;
  penstock_error gone_error;
  penstock_error degraded_error;
} ps_link;

/** Makes an instance. NULL with `error` on failure. */
ps_link *ps_link_create(ps_lane *lane, penstock_error *error);
/** In SERVE: tells whether the link is well, if that is another state than the lane's. */
void ps_link_tell_health(ps_lane *lane);
/** Gives all opens and credit streams back, destroys the instance; memory goes when the host has closed. */
void ps_link_destroy(ps_link *link, const penstock_error *why);

/* --- step.c ------------------------------------------------------------------------------------- */

/** The part of the transport that tells of a solver's end, or NULL. */
const penstock_end_ext *ps_step_end_ext(const ps_link *link);
/** Does the transport have this step? */
int ps_step_has(const ps_link *link, ps_step step);
/** Starts a step; ps_supervise_step_done follows on a later turn. */
void ps_step_run(ps_link *link, ps_step step, uint64_t deadline_ms);
/** Asks the running step, if any, to end early. */
void ps_step_cancel(ps_link *link);
/** Cancels a connect that hangs. It fails as TRANSIENT. */
void ps_step_give_up(ps_link *link);
/** The link goes, and the step that runs with it: its time does not count any more. */
void ps_step_forget(ps_lane *lane);
/** Fills in the step half of the host table. */
void ps_step_fill_host(penstock_host *table);

/* --- open.c ------------------------------------------------------------------------------------- */

/** Opens a stream for a client, which becomes the open's; or gives it one that is being opened ahead. */
void ps_open_client(ps_link *link, ps_client *client);
/** Opens a stream to what a client wants instead; the link is connected, and its transport can. */
void ps_open_command(ps_link *link, ps_client *client);
/** Opens a stream ahead of need; ps_prewarm_opened or ps_prewarm_failed follows, maybe before this returns. */
void ps_open_ahead(ps_link *link);
/** Those are not wanted any more; neither follows. */
void ps_open_forget_ahead(ps_link *link);
/** How many clients wait for theirs? */
size_t ps_open_waiting(const ps_link *link);
/** Opens a stream for the lane's probe. */
void ps_open_probe(ps_link *link);
/** The probe no longer wants its open. */
void ps_open_forget_probe(ps_link *link);
/** Cancels opens whose deadline has passed. */
void ps_open_sweep(ps_lane *lane);
/** The link goes: clients go back to the gateway, the rest is freed. Nothing is completed any more. */
void ps_open_drop_all(ps_link *link);
/** Fills in the stream half of the host table. */
void ps_open_fill_host(penstock_host *table);

/* --- command.c ---------------------------------------------------------------------------------- */

/** Commands whose link was lost that are remembered, to be ended when there is one again. */
#define PS_ORPHANS_MAX 16

/** A client has come that wants one. */
void ps_command_open(ps_lane *lane, ps_client *client);
/** Asks the transport for it. */
void ps_command_begin(const ps_link *link, penstock_open *open, const ps_command *command, uint64_t deadline_ms);
/** It has a stream, with which its client is about to be joined. */
void ps_command_joins(ps_lane *lane, ps_client *client);
/** It has none, and its client is told so and freed. `error` NULL: the link has gone, or there is none. */
void ps_command_failed(ps_lane *lane, ps_client *client, const penstock_error *error);
/** Is this stream a command's? */
int ps_command_has(const ps_lane *lane, uint64_t id);
/** A stream has ended: 1 if it was a command's. What an aborted one leaves there is ended. */
int ps_command_ended(ps_lane *lane, uint64_t id, int aborted);
/** Asks the far side to end all that run; their streams then end by themselves. Returns 0 if there is none, or no link.
 */
int ps_command_end_all(const ps_lane *lane);
/** The link is connected. */
void ps_command_linked(ps_lane *lane);

/* --- prewarm.c ---------------------------------------------------------------------------------- */

/** The most that `prewarm` can be. */
#define PS_PREWARM_MAX 16

/** A lane's streams that were opened ahead of need. */
typedef struct ps_prewarm {
  size_t want; /**< how many; 0 = none, ever */
  struct {
    ps_spare *spare;
    uint64_t opened_ns;
  } kept[PS_PREWARM_MAX]; /**< oldest first */
  size_t count;
  size_t opening;          /**< of the link's opens */
  uint64_t life_ns;        /**< how old one may become */
  uint64_t used_ns;        /**< when the last client came */
  uint64_t pause_until_ns; /**< none is opened before */
  uint64_t hold_until_ns;  /**< likewise, unless a client is through sooner */
  ps_backoff failures;
  ps_backoff deaths;
  uv_timer_t timer;
} ps_prewarm;

/** Reads the settings; the lane's relay must be there. */
void ps_prewarm_init(ps_lane *lane);
/** Are streams that nobody uses to be had for nothing? (penstock.ahead/1) */
int ps_prewarm_is_free(const ps_link *link);
/** A solver is served from now on. */
void ps_prewarm_start(ps_lane *lane);
/** Those that there are lead nowhere any more, or are not needed; none is opened until ps_prewarm_later. */
void ps_prewarm_clear(ps_lane *lane);
/** They may lead nowhere any more; new ones will show. */
void ps_prewarm_renew(ps_lane *lane);
/** Looks after them on a later turn. */
void ps_prewarm_later(ps_lane *lane);
/** A client has come: 1 if it got one of them, and is theirs now. */
int ps_prewarm_give(ps_lane *lane, ps_client *client);
/** A client's stream has ended. */
void ps_prewarm_stream_ended(ps_lane *lane);
/** open.c: one is open (NULL: there was no memory for it), asked for at `started_ns`; or could not be opened. */
void ps_prewarm_opened(ps_lane *lane, ps_spare *spare, uint64_t started_ns);
void ps_prewarm_failed(ps_lane *lane, const penstock_error *error);

/* --- probe.c ------------------------------------------------------------------------------------ */

typedef enum ps_probe_result {
  PS_PROBE_SOLVER,  /**< answered as it should (or, for `tcp`, accepted the connection) */
  PS_PROBE_ABSENT,  /**< nobody listens */
  PS_PROBE_FOREIGN, /**< answered with something else */
  PS_PROBE_SILENT,  /**< accepted, and did not answer in time */
  PS_PROBE_FAILED   /**< could not be asked: see the error */
} ps_probe_result;

/** How the endpoint is asked. */
typedef enum ps_probe_mode { PS_PROBE_TCMD, PS_PROBE_TCP, PS_PROBE_NONE } ps_probe_mode;

/** The lane's probe; one at a time. */
typedef struct ps_probe {
  int running;
  int finished;     /**< result is there; supervise.c has not seen it yet */
  int legacy;       /**< asks in the old form */
  uv_timer_t timer; /**< its time */
  uv_poll_t *poll;  /**< on `socket`; NULL if there is none */
  penstock_socket socket;
  uint64_t started_ns;
  uint64_t asked_ns;  /**< when its stream was asked for, which has `limit_ms` */
  uint64_t opened_ns; /**< when the way to the endpoint was open */
  uint64_t limit_ms;
  uint64_t wait_ms; /**< see ps_probe_wait; 0: the usual limits */
  int is_late;      /**< the stream took too long, and nothing else is known */
  unsigned misses;  /**< probes in a row that were late */
  size_t sent;
  size_t size;
  ps_probe_result result;
  penstock_error error;
  char version[64];
  uint64_t said_ns;             /**< uv_hrtime when a solver last answered; 0 = it was not asked */
  char said[PS_TCMD_SAID_SIZE]; /**< … and what of itself */
  char answer[PS_TCMD_MAX_ANSWER];
} ps_probe;

/**
 * How long a probe may take to get its stream at first, in milliseconds; the answer's time (PS_TCMD_TIMEOUT_MS) begins
 * then. The way may be one command of an engine after another, over SSH, on a busy machine: see ps_probe_patience.
 */
#define PS_PROBE_OPEN_MS 4000

/**
 * A limit that is doubled with each miss, up to `left_ms`, but never below what it was at first: so something that is
 * only slow is served in the end, and what answers nobody is told as soon as ever.
 */
uint64_t ps_probe_patience(uint64_t first_ms, unsigned misses, uint64_t left_ms);

/** Asks the endpoint; supervise.c acts on `finished` on a later turn. */
void ps_probe_start(ps_lane *lane);
/** The way that the last one took is the one that there is: if it was quick, the next one's limit is the first again.
 */
void ps_probe_trust_way(ps_probe *probe);
/** The same, with so much time for all of it; ps_hang_overdue follows when that is over, and it goes on waiting. */
void ps_probe_wait(ps_lane *lane, uint64_t wait_ms);
/** Stops asking; nothing follows. */
void ps_probe_cancel(ps_lane *lane);
/** open.c: the stream is there as a socket, which becomes the probe's; or could not be opened. */
void ps_probe_opened(ps_lane *lane, penstock_socket socket);
void ps_probe_open_failed(ps_lane *lane, const penstock_error *error);

/* --- doubt.c ------------------------------------------------------------------------------------ */

/** Is the solver that is served still there? Asked in SERVE only. */
typedef struct ps_doubt {
  int raised;        /**< a stream ended as if it were not, or none has come; and it was not asked since */
  uint64_t asked_ns; /**< uv_hrtime of the last question; 0 = none */
  uv_timer_t due;    /**< until the next one may be asked */
  uv_timer_t idle;   /**< of the next look while nobody uses it */
  uint64_t ended;    /**< streams that had ended at the last */
} ps_doubt;

/** A solver is served. */
void ps_doubt_begin(ps_lane *lane);
/** Did a stream end as one does behind which there is no solver: by the far side, without one byte from it? */
int ps_doubt_raised_by(const ps_stream_end *end);
/** A stream has ended: raises a doubt if it must. */
void ps_doubt_stream_ended(ps_lane *lane, const ps_stream_end *end);
/** The lane's turn, in SERVE: asks if there is a doubt and it is time to. */
void ps_doubt_turn(ps_lane *lane);
/** The probe has finished, in SERVE: marks the solver as gone if that is what it says. */
void ps_doubt_answered(ps_lane *lane);

/* --- hang.c ------------------------------------------------------------------------------------- */

/** Does the solver that is served still answer? Looked at while it is used, in SERVE only. */
typedef struct ps_hang {
  uint64_t limit_ns; /**< after so long it is said to hang; 0 = never */
  uv_timer_t timer;  /**< of the next look; does not run while nobody uses the solver */
  int asks;          /**< the probe that runs is its question */
  int is_hung;
  uint64_t silent_ns; /**< since when nothing came although somebody waits; 0 = not so */
  uint64_t lived_ns;  /**< when this lane saw a sign of life last */
  uint64_t looked_ns; /**< when it was looked last, or somebody came after nobody was there */
  uint64_t asked_ns;
  uint64_t pause_ns;    /**< from that question to the next: longer and longer while no new stream comes */
  uint64_t again_ms;    /**< likewise, while it hangs */
  uint64_t newest;      /**< what the last look has seen: the newest stream, … */
  uint64_t down;        /**< … bytes from the solver, … */
  uint64_t up;          /**< … bytes to it by streams that lived, … */
  uint64_t ended;       /**< … streams that had ended */
  uint64_t ended_count; /**< streams that have ended, of those that lead to the solver, … */
  uint64_t ended_down;  /**< … and what it had sent on them */
} ps_hang;

/** A solver is served; or the link is well again. */
void ps_hang_begin(ps_lane *lane);
/** It is not; or the link is not well, so that silence says nothing of the solver. */
void ps_hang_end(ps_lane *lane);
/** A stream has come, or gone. */
void ps_hang_used(ps_lane *lane);
/** A stream to the solver has ended: no command's. */
void ps_hang_stream_ended(ps_lane *lane, const ps_stream_end *end);
/** The solver has answered a question, whoever asked. */
void ps_hang_alive(ps_lane *lane);
/** The time of its question is over. */
void ps_hang_overdue(ps_lane *lane);
/** The probe has finished, in SERVE. */
void ps_hang_answered(ps_lane *lane);

/* --- ways.c ------------------------------------------------------------------------------------- */

/** " by " and the way that streams take, if the transport has several and says which; else "". */
void ps_ways_describe(const ps_link *link, char *text, size_t size);
/**
 * The probe has finished, in FIND or CONFIRM, without a solver: may it have gone a way that leads nowhere? Nonzero: the
 * transport has another one, and asking again is worth it. 0: not so, or there is none; `lane->dead_end` is then what
 * the transport says of the one that there is, if anything.
 */
int ps_ways_doubt(ps_lane *lane);
/** After that, in CONFIRM: why the solver will not answer by whatever waiting, or NULL. Lies in the lane. */
const penstock_error *ps_ways_final(const ps_lane *lane);
/** Likewise: adds to `error` what came last, and what would help. */
void ps_ways_explain(const ps_lane *lane, penstock_error *error);

/* --- supervise.c -------------------------------------------------------------------------------- */

/** What a lane is about. */
typedef enum ps_phase {
  PS_PHASE_IDLE, /**< waits for the next try (or for good) */
  PS_PHASE_CONNECT,
  PS_PHASE_FIND,     /**< asks whether a solver answers already */
  PS_PHASE_IDENTIFY, /**< something else listens, or accepts for nobody: who? */
  PS_PHASE_END_LOOK, /**< how has the solver ended that was served? */
  PS_PHASE_VALIDATE,
  PS_PHASE_LAUNCH,
  PS_PHASE_READY,
  PS_PHASE_CONFIRM, /**< asks the launched solver through the transport */
  PS_PHASE_SERVE,
  PS_PHASE_HALT,   /**< the solver is to be ended: streams may finish, or other lanes' */
  PS_PHASE_ENDING, /**< the transport ends the solver */
  PS_PHASE_VERIFY, /**< asks whether it has ended */
  PS_PHASE_PARKED, /**< it was ended, as the user wanted */
  PS_PHASE_STOP,   /**< orderly end: the solver is being stopped */
  PS_PHASE_END
} ps_phase;

/** A solver answers: it is served from now on. */
void ps_supervise_serve(ps_lane *lane);
/** Begins a try: with a new link, or at the solver if the link is there. */
void ps_supervise_begin(ps_lane *lane);
/** The marks are looked at: the lane's turn. */
void ps_supervise_turn(ps_lane *lane);
/** Asks again in FIND or CONFIRM, after a pause. */
void ps_supervise_ask_again(ps_lane *lane, uint64_t delay_ms);
/** What it does by itself has an end: questions, the wait for the next one or the next try, streams opened ahead. */
void ps_supervise_rest(ps_lane *lane);
/** How has the solver ended? A step of the transport's that has it. */
void ps_supervise_end_look(ps_lane *lane);
/** The solver is to be launched: the first step of that. */
void ps_supervise_validate(ps_lane *lane);

/* --- halt.c ------------------------------------------------------------------------------------- */

/** The solver is ended, or started, because the user wants it: see ps_lane_ask. */
typedef struct ps_halt {
  int is_on;       /**< it is neither looked for nor launched */
  int was_serving; /**< before the halt */
  int is_quiet;    /**< PS_LANE_QUIET was told */
  int ends;        /**< this lane is to end it */
  int is_parked;
  int is_asked; /**< the user has asked for something once, and is there to see what becomes of it */
  uint64_t ticket;
  uint64_t looked_ns; /**< PARKED: when it was looked for last */
} ps_halt;

/** The crew asks. */
void ps_halt_asked(ps_lane *lane, ps_lane_ask what, uint64_t drain_ms, uint64_t ticket);
/** The lane's turn, with the halt on. */
void ps_halt_turn(ps_lane *lane);
/** The link is there, with the halt on: instead of looking for the solver. */
void ps_halt_rest(ps_lane *lane);
/** The step has ended, in HALT or ENDING. */
void ps_halt_step_done(ps_lane *lane);
/** The probe has finished, in VERIFY or PARKED. */
void ps_halt_answered(ps_lane *lane);
/** A try, or the link, has failed: so has what was asked for, if it needed that. */
void ps_halt_failed(ps_lane *lane, const penstock_error *error);
/** PARKED: somebody has come for the solver. */
void ps_halt_look(ps_lane *lane);

/* --- launch.c ----------------------------------------------------------------------------------- */

/** Nobody listens: launches the solver if that is allowed, or waits for the lane that does. */
void ps_launch_begin(ps_lane *lane);
/** It is known how the solver before has ended, or cannot be: launches another one if that is allowed. */
void ps_launch_go_on(ps_lane *lane);
/** Counts a relaunch that does begin: one that found its container or its folder missing has started nothing. */
void ps_launch_count(const ps_lane *lane);
/** Lets another lane launch, if this one was about to. */
void ps_launch_release_gate(ps_lane *lane);

/* --- retry.c ------------------------------------------------------------------------------------ */

/** The try has failed. The link stays if it is not what failed: the next try then begins at the solver. */
void ps_retry_failed(ps_lane *lane, const penstock_error *error, int keep_link);
/** A try begins. */
void ps_retry_begun(ps_lane *lane);
/** The next try begins on the next turn. */
void ps_retry_now(ps_lane *lane);
/** No try begins by itself, until the next failure. */
void ps_retry_cancel(ps_lane *lane);
/** Somebody waits for the lane. */
void ps_retry_wake(ps_lane *lane);
/** This machine's network has changed. */
void ps_retry_network(ps_lane *lane);
/** The user wants a new link. */
void ps_retry_reconnect(ps_lane *lane);

/* --- drain.c ------------------------------------------------------------------------------------ */

/** Streams may finish before the lane or the solver ends. */
typedef struct ps_drain {
  uint64_t end_ns;
  uv_timer_t timer; /**< asks for a turn when the time is over */
} ps_drain;

/** They have so long, from now on. */
void ps_drain_begin(ps_lane *lane, uint64_t drain_ms);
/** May streams and opens still finish? A turn follows when the last has, or their time is over. */
int ps_drain_runs(ps_lane *lane);
/** Is it not yet this uv_hrtime? Then a turn follows when it is. */
int ps_drain_waits(ps_lane *lane, uint64_t end_ns);

/* --- lent.c ------------------------------------------------------------------------------------- */

/** What instances have been lent of the profile's settings. */
typedef struct ps_lent {
  ps_lane *lane;
  uint64_t edition; /**< of the settings that count: see ps_lane_renew */
  int has_lent;     /**< an instance may have texts of it */
  int owes_older;   /**< … of those before */
} ps_lent;

/** Makes the view that instances get, of the lane's options. */
void ps_lent_begin(ps_lane *lane);
/** Other settings count from now on. */
void ps_lent_renew(ps_lane *lane, const ps_settings *settings, uint64_t edition);
/** The instance has gone, and all texts that it had with it. */
void ps_lent_given_back(ps_lane *lane);

/* --- end.c -------------------------------------------------------------------------------------- */

/** The lane is stopping: goes on with the orderly end as far as it gets now. */
void ps_end_continue(ps_lane *lane);

/* --- door.c ------------------------------------------------------------------------------------- */

/** Makes the lane's acceptor, if it was given a listening socket; it takes nothing in yet. */
int ps_lane_door_open(ps_lane *lane);

/* --- lane.c ------------------------------------------------------------------------------------- */

struct ps_lane {
  ps_lane_options options;
  const ps_settings *settings;
  penstock_config config; /**< the view of them that instances are lent */
  ps_lent lent;
  const penstock_transport *transport;
  const char *profile;

  uv_thread_t thread;
  uv_loop_t loop;
  ps_mailbox inbox;
  ps_acceptor acceptor;
  uv_timer_t turn;  /**< lane.c: fires at once, see ps_lane_later */
  uv_timer_t sweep; /**< lane.c: deadlines of opens */
  uv_timer_t retry; /**< retry.c: until the next try */
  uv_timer_t ask;   /**< supervise.c: until the next question in FIND or CONFIRM */
  uv_timer_t step;  /**< step.c: deadline of the step that runs */
  ps_relay *relay;
  ps_link *link;
  size_t links_closing; /**< links that are destroyed but whose hosts have not closed */
  ps_probe probe;
  ps_doubt doubt;
  ps_hang hang;
  ps_halt halt;
  ps_drain drain;
  ps_prewarm prewarm;
  ps_list commands; /**< of ps_command, that have a stream */
  char orphans[PS_ORPHANS_MAX][PS_COMMAND_TOKEN_SIZE];
  size_t orphan_count;
  penstock_error dead_end; /**< see ps_ways_doubt; `what` is empty: nothing was said */

  struct {
    int is_known;
    uint32_t kind;      /**< a penstock_end */
    penstock_error how; /**< `what` is empty: UNKNOWN */
  } end;                /**< of the solver that was served last, once it was asked for */

  ps_phase phase;
  ps_state state;
  ps_probe_mode probe_mode;
  int may_launch; /**< the profile and the transport allow it */
  int ever_up;
  int gave_up;    /**< no further try by itself */
  int slow_retry; /**< the user must act: no haste when somebody waits */
  int raced;      /**< a launch failed as if somebody else was faster: looked again */
  int has_gate;   /**< holds the launch gate */
  int probe_tries;
  uint64_t phase_ns;      /**< when the phase began */
  uint64_t ready_end_ns;  /**< CONFIRM: until when */
  uint64_t last_try_ns;   /**< when the last try began */
  uint64_t wake_after_ms; /**< how long after that somebody who waits causes the next one */
  uint64_t greeting_ns;   /**< from the connection to the peer's proof of itself, when it last worked */
  unsigned hung_tries;    /**< in a row */
  ps_backoff backoff;
  char logged[512]; /**< the failure that the log has: the same one again and again is one line */

  struct {
    uint64_t count;
    uint64_t aborted;
    uint64_t up_bytes;
    uint64_t down_bytes;
  } ended; /**< streams, for reports */
  ps_histogram opens;
  ps_histogram first_bytes;

  int stopping;
  int finished; /**< the loop's handles are being closed */
  int stop_solver;
  uint64_t commands_end_ns; /**< until when commands that were left may end; 0 = they were not asked to */

  atomic_size_t load;
  atomic_size_t posted; /**< clients on their way to it */
  atomic_int blocked;
  atomic_int linked;
};

/** Asks for ps_supervise_turn on the next turn of the loop. */
void ps_lane_later(ps_lane *lane);
/** Tells the gateway; see ps_lane_event. The texts are copied. `error` may be NULL. */
void ps_lane_tell(ps_lane *lane, ps_lane_event_kind kind, const penstock_error *error, const char *text);
void ps_lane_tell_state(ps_lane *lane, ps_state state, const penstock_error *error, uint64_t next_try_ms);
void ps_lane_tell_quiet(ps_lane *lane, size_t streams);
void ps_lane_tell_leg(ps_lane *lane, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error);
void ps_lane_tell_unused(ps_lane *lane, uint64_t edition, int and_before);
void ps_lane_tell_command(ps_lane *lane, void *call, const penstock_error *error);
/** Serves a client: by a stream that was opened ahead, or by one of its own. */
void ps_lane_take(ps_lane *lane, ps_client *client);
/** Opens a stream of its own for a client, or gives it back to the gateway if that is no use now. */
void ps_lane_open(ps_lane *lane, ps_client *client);
/** Gives a client back to the gateway. */
void ps_lane_return(ps_lane *lane, ps_client *client);
/** Makes ps_lane_load tell the truth. */
void ps_lane_count(ps_lane *lane);
/** Everything is given back: closes the loop's handles, so that the thread ends. */
void ps_lane_finish(ps_lane *lane);

/** Keeps signals from the lane's thread; see thread_unix.c. */
void ps_lane_block_signals(void);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file openssh_internal.h
 * What the files of an OpenSSH link share. Not for others.
 */
#ifndef TRANSPORTS_OPENSSH_INTERNAL_H
#define TRANSPORTS_OPENSSH_INTERNAL_H

#include "common/far_run.h"
#include "common/openssh/mux.h"
#include "common/openssh/openssh_command.h"
#include "common/openssh/openssh_link.h"
#include "common/openssh/openssh_story.h"
#include "common/ssh/config/ssh_settings.h"

typedef struct openssh_stream openssh_stream;
typedef struct openssh_exec openssh_exec;

/** A step that is under way: connect. */
typedef struct openssh_connecting {
  penstock_op *op; /**< NULL: none */
  carrier_done *done;
  void *context;   /**< of done */
  uint64_t leg_ns; /**< when the leg that runs began */
  penstock_timer *limit;
  penstock_timer *retry; /**< of the control socket */
} openssh_connecting;

struct openssh_link {
  carrier carrier; /* first: a carrier* is an openssh_link* */
  const penstock_host *host;
  const penstock_config *config;
  ssh_request request;
  /* What a request cannot say: passphrase, pin, methods, keepalive; and the environment. Nothing else of it is used. */
  ssh_settings extra;

  openssh_folder folder;
  penstock_process *process;       /* on Unix: NULL once it has ended */
  struct openssh_program *program; /* on Windows */
  int version;                     /* of ssh: openssh_version() */
  int exit_code;                   /* -1 = it has not ended */
  char *others;                    /* what ssh's children have said, once it has ended */
  penstock_watch *log_watch;
  char log[2048]; /* the line that is being read */
  size_t log_size;
  openssh_story story;
  int by_jump;

  penstock_watch *ask_watch;
  char question[2048];
  size_t question_size;
  int is_server_heard; /* it may put questions, and this ssh does not say that they are its own */
  ssh_texts asked;     /* questions of this connect: one that comes again had a wrong answer */

  openssh_connecting connecting;
  mux *mux;
  int is_up;
  int is_dead;
  penstock_error death;

  openssh_stream *streams; /* all of them */
  openssh_exec *execs;     /* likewise, those to commands */
  unsigned refusals;       /* of channels, by the server */
  int is_worn;             /* … so many that ssh is to be started anew */
  penstock_timer *renewal; /* which is done outside of the mux's turn */
  far_shells shells;       /* scripts, and what they run in */
  int wants_sweep;         /* one of them has something to be told outside of the call that it found out in */

  mux_channel *echo; /* a channel that cannot be, whose refusal is a sign of life */
  penstock_timer *echo_timer;
};

/* --- openssh_link.c -------------------------------------------------------------------------------- */

/** Asks for a turn of the link. */
void openssh_link_kick(openssh_link *link);
/** Ends what runs of ssh: process, folder, watches. */
void openssh_link_hang_up(openssh_link *link);
/** The link that was up is gone: everybody is told. The last thing to be done in a callback. `what` NULL = what ssh
 * has said. */
void openssh_link_die(openssh_link *link, const char *what);
/** What a mux is made with. */
mux_owner openssh_link_owner(openssh_link *link);
/** The error of an ssh that has given up. */
void openssh_link_error(const openssh_link *link, penstock_error *error);

/* --- openssh_connect.c ----------------------------------------------------------------------------- */

/** carrier_ops::connect. */
void openssh_connect_start(carrier *self, penstock_op *op, uint64_t deadline_ms, carrier_done *done, void *context);
/** carrier_ops::connect_cancel. */
void openssh_connect_cancel(carrier *self, penstock_op *op);
/** Ends the step. `error` NULL = success. */
void openssh_connect_complete(openssh_link *link, const penstock_error *error);
/** Stops its timers, and completes nothing. */
void openssh_connect_abandon(openssh_link *link);
/** The command to start ssh with, and the settings that it comes from. Blocks. Returns 0, or a negative code with
 * `error`; nothing is to be freed then. */
int openssh_connect_plan(openssh_link *link, openssh_command *command, ssh_config *lines, uint64_t deadline_ms,
                         penstock_error *error);
/** ssh has said this. */
void openssh_connect_hear(openssh_link *link, const char *text, size_t size);
/** Makes the mux if it is time. */
void openssh_connect_try_to_join(openssh_link *link);
/** ssh has ended; `others`: what its children have said. The last thing to be done in a callback. */
void openssh_connect_ended(openssh_link *link, int code, const char *others);

/* --- openssh_program_….c: the ssh that keeps the session --------------------------------------------- */

/** Starts it. What it says goes to openssh_connect_hear, its end to openssh_connect_ended. Returns 0, or a negative
 * code with `error`. */
int openssh_program_start(openssh_link *link, const openssh_command *command, penstock_error *error);
/** Takes in what it has said since it was last asked. */
void openssh_program_read(openssh_link *link);
/** Makes link->mux out of it, or completes the connect with an error. Returns 0 if it is too early. */
int openssh_program_join(openssh_link *link);
/** Ends it, with its folder. */
void openssh_program_end(openssh_link *link);
/** Finds what SetEnv and SendEnv say, if that is ours to do. Returns 0, or a negative code with `error`. */
int openssh_program_take_environment(openssh_link *link, const ssh_config *lines, penstock_error *error);
/** carrier_ops::streams_cost. */
int openssh_program_streams_cost(const carrier *self);
/** What a user has to know of how streams go, for `check`; empty = nothing. */
extern const char openssh_program_ways[];

/* --- openssh_ask.c --------------------------------------------------------------------------------- */

/** There is something to read on the FIFO of questions. */
void openssh_ask_read(openssh_link *link);

/* --- openssh_stream.c ------------------------------------------------------------------------------ */

void openssh_stream_open(carrier *self, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms);
void openssh_stream_open_cancel(carrier *self, penstock_open *open);
/** Tells what was found out within calls; frees what is over. After the link's death: tells all. */
void openssh_stream_sweep(openssh_link *link);
/** Frees all streams without calling back; the mux is gone, or goes with them. */
void openssh_stream_drop_all(openssh_link *link);

/* --- openssh_exec.c -------------------------------------------------------------------------------- */

/** carrier_ops::open_command. */
void openssh_exec_open(carrier *self, penstock_open *open, const char *body, size_t size, uint64_t deadline_ms);
/** Of the streams to commands, what openssh_stream_… does of the others. */
void openssh_exec_cancel(openssh_link *link, const penstock_open *open);
void openssh_exec_sweep(openssh_link *link);
void openssh_exec_drop_all(openssh_link *link);

/* --- openssh_run.c --------------------------------------------------------------------------------- */

carrier_run *openssh_run_start(carrier *self, const char *body, size_t body_size, uint64_t timeout_ms,
                               void (*done)(void *context, const carrier_result *result), void *context,
                               penstock_error *error);
void openssh_run_cancel(carrier *self, carrier_run *run);
/** Is it the message that says how a command has ended? Then 1, with its status, or -1 and the name of a signal. */
int openssh_run_read_exit(const mux_message *message, int *status, char *signal, size_t size);
/** The channel of a shell that was released (far_shell_release), for somebody else from now on. `granted`: bytes that
 * the server may send already. `has_eof`: it has said its last. */
mux_channel *openssh_run_take_channel(void *released, const mux_user *user, void *context, uint64_t *granted,
                                      int *has_eof);
/** Session channels for link->shells. */
extern const far_channel_ops openssh_run_ops;

#endif

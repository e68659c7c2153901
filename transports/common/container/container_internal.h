/* SPDX-License-Identifier: MIT */
/**
 * @file container_internal.h
 * What the files of the container carrier share. Not for others.
 */
#ifndef TRANSPORTS_CONTAINER_INTERNAL_H
#define TRANSPORTS_CONTAINER_INTERNAL_H

#include "common/container/container_carrier.h"
#include "common/container/container_lessons.h"
#include "common/host_table.h"

typedef struct container_try container_try;

typedef struct container_carrier {
  carrier base;
  host_table table; /* the carrier below calls this one */
  container_settings settings;
  container_ask *ask;
  char name[300];  /* "container 'ppf'" */
  char where[600]; /* "container 'ppf' on gpu01" */

  /* container_turns.c: what is asked of the engine. */
  container_question *questions; /* oldest first */
  int is_asking;
  int is_asking_up;
  int is_cancelling;
  container_view view;
  int has_view;
  int has_run;              /* it has been seen to run */
  uint64_t fresh_until_ns;  /* the view may be taken for how things are */
  char warned_of[40];       /* the start of the container whose published port was warned about */
  container_question check; /* of the settled way */
  int is_checking;
  uint64_t checked_ns; /* when the view was last brought up to date, or that was tried */

  /* container_carrier.c: the connect that runs. */
  container_question up;
  penstock_op *op;
  int is_connecting_below;
  uint64_t begun_ns;
  uint64_t deadline_ns;
  carrier_done *connected;
  void *connected_context;

  carrier_run *runs; /* container_run.c */

  /* container_open.c */
  container_try *tries;
  container_path settled;
  int is_settled;
  container_lessons lessons;
} container_carrier;

/** "Container 'ppf'", at the beginning of a sentence. */
void container_title(const container_carrier *self, char *text, size_t size);
/** Milliseconds from now to `deadline_ns`; 0 = it is over. */
uint64_t container_left_ms(const container_carrier *self, uint64_t deadline_ns);
uint64_t container_now_ns(const container_carrier *self);

/**
 * container_turns.c: a stream takes the settled way. Now and then, that starts a look in its back: an address or a
 * port of a container that has ended may be another one's by now, with a solver that answers as well. If so, the way is
 * not settled any more, and the host is told that its solver has gone (penstock_host::solver_exited).
 */
void container_check_settled(container_carrier *self);

/** container_run.c: carrier_ops::run and run_cancel; frees all. */
carrier_run *container_run(carrier *self, const char *body, size_t size, uint64_t timeout_ms,
                           void (*done)(void *context, const carrier_result *result), void *context,
                           penstock_error *error);
void container_run_cancel(carrier *self, carrier_run *run);
void container_run_clear(container_carrier *self);

/** container_command.c: carrier_ops::open_command. */
void container_open_command(carrier *self, penstock_open *open, const char *body, size_t size, uint64_t deadline_ms);

/** container_open.c: carrier_ops::open and open_cancel; the slots of `table`; frees all. */
void container_open(carrier *self, penstock_open *open, const char *host, uint16_t port, uint64_t deadline_ms);
void container_open_cancel(carrier *self, penstock_open *open);
void container_open_fill_table(host_table *table);
void container_open_clear(container_carrier *self);

/**
 * container_verdict.c: what a profile forbids (see container_carrier_up). Returns 0, or PENSTOCK_E_FAILED with `error`.
 */
int container_refuse(const container_carrier *self, const container_view *view, penstock_error *error);
/** Warns of a port that is published on all interfaces, once a start of the container. */
void container_warn(container_carrier *self, const container_view *view);
/** Is there certainly no solver? Then `error` (leg ENDPOINT, class REFUSED) says why. */
int container_is_vain(const container_carrier *self, const container_view *view, penstock_error *error);
/** The same once a try of each way has told it: nobody listens. */
void container_say_nobody(const container_carrier *self, penstock_error *error);

#endif

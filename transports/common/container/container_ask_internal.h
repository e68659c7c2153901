/* SPDX-License-Identifier: MIT */
/**
 * @file container_ask_internal.h
 * What the files of container_ask share.
 */
#ifndef TRANSPORTS_CONTAINER_ASK_INTERNAL_H
#define TRANSPORTS_CONTAINER_ASK_INTERNAL_H

#include "common/container/container_ask.h"
#include "common/container/container_report.h"

typedef enum ask_step {
  ASK_IDLE,
  ASK_LOOK,
  ASK_ACT,     /* start, unpause */
  ASK_COMPOSE, /* brings a service up */
  ASK_LIST,    /* what is there instead */
  ASK_LOG,     /* why it has ended */
  ASK_NAP,     /* until the next look */
  ASK_END      /* only `done` has still to come */
} ask_step;

/* What cannot change and is asked only once: which client, and which engine. */
typedef struct ask_engine {
  char word[16];    /* auto: docker or podman */
  char words[256];  /* its whole command, for messages */
  char version[64]; /* "" = nothing is known yet */
  char at[256];
  int podman;
  char far[16]; /* "" = not known yet */
} ask_engine;

/* What one container_ask_up has seen and done so far. */
typedef struct ask_up {
  int acted; /* start or unpause was asked for */
  int act_failed;
  penstock_error act_error;
  int composed;
  uint64_t waits_since_ns; /* for a state to pass that passes by itself; 0 = it does not wait */
  uint64_t runs_since_ns;  /* seen running without an end between */
  char started_at[40];     /* then */
  int has_restarted;       /* the engine starts it again and again, maybe */
} ask_up;

typedef struct ask_log ask_log;

struct container_ask {
  carrier *below;
  const container_settings *settings;
  const penstock_host *host;
  char name[300]; /* "container 'ppf'" */
  ask_engine engine;

  /* the look or up that is under way */
  ask_step step;
  int is_up;
  penstock_op *op;
  uint64_t started_ns;
  uint64_t step_ns;
  uint64_t timeout_ms;
  container_ask_done *done;
  void *context;
  carrier_run *run;
  penstock_timer *timer;  /* fires once */
  penstock_timer *ticker; /* tells progress */
  int cancelled;
  ask_up up;
  container_view view;
  int has_view;
  int failed;
  penstock_error error;

  ask_log *logs;
};

/* A script with what each needs to know of the engine. */
script *ask_script(const container_ask *self);
/* What the words of an error need; borrows from `self`. */
container_report_context ask_report_context(const container_ask *self);
/* The error of a script that has not said how it went, in the container or outside. */
void ask_report_cut_off(const container_ask *self, const carrier_result *result, penstock_error *error);

/* Steps of a job. Each leads to exactly one later call of what follows it, and so in the end of `done`. */
void ask_begin(container_ask *self, uint64_t timeout_ms, container_ask_done *done, void *context);
/* Hands `s` to the carrier and frees it; `ended` comes later. */
void ask_run(container_ask *self, ask_step step, script *s, void (*ended)(void *context, const carrier_result *result));
void ask_look(container_ask *self);
/* Ends the job in a later turn; `error` NULL = it went well. */
void ask_finish(container_ask *self, const penstock_error *error);
/* Has the script failed? Then `error` says how. */
int ask_judge(container_ask *self, const carrier_result *result, penstock_error *error);
/* For the callback of a run: 1 if the script did not run to its end, and the job is ended with the reason. */
int ask_has_failed(container_ask *self, const carrier_result *result);
/* Left of the job's time; UINT64_MAX if it has no limit. */
uint64_t ask_remaining_ms(const container_ask *self);

/* container_up.c: a look has ended well. */
void ask_up_seen(container_ask *self);
void ask_up_tick(void *context);

/* container_inside.c */
void ask_log_drop_all(container_ask *self);
script *ask_log_script(const container_ask *self, const container_view *view);
void ask_log_take(const carrier_result *result, penstock_error *error);

#endif

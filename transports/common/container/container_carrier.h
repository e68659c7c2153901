/* SPDX-License-Identifier: MIT */
/**
 * @file container_carrier.h
 * A container as a carrier on top of another one (this machine, an SSH link): scripts run inside it, streams find the
 * way to a port of it.
 *
 * Streams: an open looks at the container if no way is settled yet, and tries the ways of container_paths.h in their
 * order. Nobody listening on the port inside = leg ENDPOINT, class REFUSED, since a published port accepts
 * nevertheless. The first way that connects is settled, and later opens take it at once; when it fails, everything is
 * looked at again, since ports and addresses change with a restart, before the open fails.
 *
 * Thread: the lane's. Nothing is called back before the call that started it returns.
 */
#ifndef TRANSPORTS_CONTAINER_CARRIER_H
#define TRANSPORTS_CONTAINER_CARRIER_H

#include "common/carrier.h"
#include "common/container/container_ask.h"
#include "common/container/container_paths.h"

/** Makes the carrier below for `host`, which outlives it. NULL with `error` on failure. */
typedef carrier *container_below(const penstock_host *host, void *context, penstock_error *error);

/**
 * Makes one over the carrier that `make_below` makes (called once, before this returns); that one gets a host table of
 * ours, because a stream that fails on one way is tried on the next. NULL with `error` if that fails or an option is
 * wrong. `host` and `config` must outlive it. connect: first the one below, then the container, which is started if
 * need be; legs of the one below, then CONTAINER.
 */
carrier *container_carrier_create(const penstock_host *host, const penstock_config *config, container_below *make_below,
                                  void *context, penstock_error *error);

const container_settings *container_carrier_settings(const carrier *self);
/** The newest view. NULL: the container was never looked at. */
const container_view *container_carrier_view(const carrier *self);

/** Somebody who asks for a view. Zeroed by its owner; the carrier's from being asked until its answer. */
typedef struct container_question {
  struct container_question *next;
  int is_up;
  int is_answered;
  penstock_op *op;
  uint64_t deadline_ns;
  container_ask_done *done;
  void *context;
} container_question;

/** The way that is settled, in the words of container_path_name; "" if none is. */
void container_carrier_way(const carrier *self, char *text, size_t size);

/** All ways to the container in `view`, with what has been learnt of them. */
void container_carrier_paths(carrier *self, const container_view *view, container_paths *paths);

/**
 * penstock_way_ext::doubt. The settled way is left out from the next open on, if there is another one: until the
 * container is started anew or has nobody who listens, or all other ways have failed as well. Where `reach` leaves no
 * other, it stays.
 */
int32_t container_carrier_doubt(carrier *self, uint32_t what, penstock_error *error);

/** Has the container been seen to run? Then one that is missing may be on its way back. */
int container_carrier_has_run(const carrier *self);

/** container_ask_look; waits for its turn while others ask, and shares their answer. */
void container_carrier_look(carrier *self, container_question *question, uint64_t timeout_ms, container_ask_done *done,
                            void *context);
/**
 * container_ask_up, likewise. Also an error (class CONFIG) if the profile forbids what is found: a port that is
 * open to other machines, a solver's port that is the gateway's own.
 */
void container_carrier_up(carrier *self, container_question *question, penstock_op *op, uint64_t timeout_ms,
                          container_ask_done *done, void *context);
/** Takes a question back; it is not answered any more. Nothing if it is not asked. */
void container_carrier_forget(carrier *self, container_question *question);
/** container_ask_log. */
void container_carrier_log(carrier *self, const penstock_error *error, carrier_done *done, void *context);

/** Opens the container's own log, as its engine shows it (penstock_exec_ext::open_log). */
void container_carrier_open_log(carrier *self, penstock_open *open, const penstock_command *command,
                                uint64_t deadline_ms);

/** `host` is borrowed; NULL with `error` if there is no way at all (container_paths_report). */
typedef void container_chosen(void *context, const char *host, const penstock_error *error);
/**
 * Finds the way by which a solver that does not run yet will be reached, and with it the address that it should bind
 * (container_paths_bind). A way that only a connect can judge is tried. Returns 0; or PENSTOCK_E_NOMEM, and `done` does
 * not come.
 */
int container_carrier_choose(carrier *self, uint64_t timeout_ms, container_chosen *done, void *context);
/** Takes that back: `done` does not come any more. Nothing if it is not under way. */
void container_carrier_unchoose(carrier *self, const void *context);

#endif

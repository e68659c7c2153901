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
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_CONTAINER_CARRIER_H
#define TRANSPORTS_CONTAINER_CARRIER_H

#include "common/carrier.h"
#include "common/container/container_ask.h"
#include "common/container/container_paths.h"

/**
 * Makes one over `below`, which becomes its own, also on failure. NULL with `error` if `below` is NULL (whose maker has
 * filled in `error`), or an option is wrong. connect: first the one below, then the container, which is started if
 * need be; legs of the one below, then CONTAINER.
 */
carrier *container_carrier_create(carrier *below, const penstock_config *config, penstock_error *error);

const container_settings *container_carrier_settings(const carrier *self);

/** container_ask_look for the runtime; waits for its turn while others ask. The view is kept as the newest. */
void container_carrier_look(carrier *self, uint64_t timeout_ms, container_ask_done *done, void *context);
/** container_ask_up, likewise. */
void container_carrier_up(carrier *self, penstock_op *op, uint64_t timeout_ms, container_ask_done *done, void *context);
/** Asks what was asked for `op` to end early. */
void container_carrier_cancel(carrier *self, penstock_op *op);
/** container_ask_log. */
void container_carrier_log(carrier *self, const penstock_error *error, carrier_done *done, void *context);
/**
 * Finds the way by which a solver that does not run yet will be reached, and with it the address that it should bind
 * (container_paths_bind). A way that only a connect can judge is tried. `done`: `host` is borrowed; NULL with `error`
 * if there is no way at all (container_paths_report).
 */
void container_carrier_choose(carrier *self, penstock_op *op, uint64_t timeout_ms,
                              void (*done)(void *context, const char *host, const penstock_error *error),
                              void *context);

#endif

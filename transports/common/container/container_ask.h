/* SPDX-License-Identifier: MIT */
/**
 * @file container_ask.h
 * The engine's client on a carrier's machine: look at the container, see to it that it runs, put scripts into it. All
 * of it by scripts of sh/ over the carrier below; no value gets into a shell or the client unquoted.
 *
 * Thread: the lane's. Nothing is called back before the call that started it returns.
 */
#ifndef TRANSPORTS_CONTAINER_ASK_H
#define TRANSPORTS_CONTAINER_ASK_H

#include "common/carrier.h"
#include "common/container/container_settings.h"
#include "common/container/container_view.h"
#include "common/script.h"

typedef struct container_ask container_ask;

/** `view` (borrowed) is what was found out, also with an error if it got so far; else NULL. */
typedef void container_ask_done(void *context, const container_view *view, const penstock_error *error);

/** Both are borrowed for its life. NULL if out of memory. */
container_ask *container_ask_create(carrier *below, const container_settings *settings);
/** Calls nothing back; scripts that still run are the carrier's to end, in the same turn of the loop. */
void container_ask_destroy(container_ask *self);

/**
 * Looks: one script, one round trip. A container that does not exist or does not run is no error here. Errors: leg
 * CONTAINER, class CONFIG (no client, no permission, no such context) or TRANSIENT (engine not running or not
 * answering), each with its own next step; or the carrier's. One look or up at a time. It gives up half a
 * second early (or a quarter of the time), so that its words come before the deadline of whoever asked.
 */
void container_ask_look(container_ask *self, uint64_t timeout_ms, container_ask_done *done, void *context);
/**
 * Looks, and sees to it that the container runs: starts, unpauses, brings a compose service up, as the settings allow.
 * Slow steps are told by op_progress for `op`. Done with a RUNNING view, or an error: it does not exist (with what is
 * there, and the `docker run` line), it may not be started, it ends again (with its last log lines), it restarts for
 * ever (likewise).
 */
void container_ask_up(container_ask *self, penstock_op *op, uint64_t timeout_ms, container_ask_done *done,
                      void *context);
/**
 * Asks for an early end: what runs is cancelled, `done` still comes. Nothing if none runs.
 */
void container_ask_cancel(container_ask *self);

/**
 * Fetches the end of the container's own log (20 lines) into `error->detail`, then calls `done` with `error` (copied
 * meanwhile). For a solver that is the container's main process.
 */
void container_ask_log(container_ask *self, const container_view *view, const penstock_error *error, carrier_done *done,
                       void *context);

/**
 * The script, for the carrier below, that runs `body` inside the container by /bin/sh, as the settings' user and in
 * their folder; its output is the body's, between marks of `nonce` (script_wrap). NULL if out of memory.
 */
script *container_ask_inside(const container_ask *self, const container_view *view, const char *body, size_t size,
                             const char *nonce);
/**
 * The error of such a script that did not run to its end: `result` is what the carrier below said. Tells a container
 * that does not run (any more), one without /bin/sh, a user that does not exist in it, an engine that is gone.
 */
void container_ask_inside_error(const container_ask *self, const container_view *view, const carrier_result *result,
                                penstock_error *error);

/**
 * The script, for carrier_ops::open_command of the carrier below, that carries a stream from inside the container to
 * host:port (as seen there) by what the container has: see sh/container_stream.sh. NULL if out of memory.
 */
script *container_ask_stream(const container_ask *self, const container_view *view, const char *host, uint16_t port);
/**
 * The same for a stream that `body`, a script for open_command, carries inside the container, as the settings' user and
 * in their folder. NULL if out of memory.
 */
script *container_ask_command(const container_ask *self, const container_view *view, const char *body, size_t size);
/**
 * A script that makes the end of the container's log (`lines` of it, and with `follow` what comes after them) what is
 * run by sh/exec.sh, which is to follow it. NULL if out of memory.
 */
script *container_ask_log_stream(const container_ask *self, const container_view *view, uint32_t lines, int follow);

#endif

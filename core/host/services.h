/* SPDX-License-Identifier: MIT */
/**
 * @file services.h
 * What the files of core/host share with each other. The slots are documented in penstock/host.h.
 */
#ifndef PS_HOST_SERVICES_H
#define PS_HOST_SERVICES_H

#include "host/host.h"

/** The ps_host behind a table. */
static inline ps_host *ps_host_of(const penstock_host *table) {
  return (ps_host *)table->impl;
}
/** Counts something whose memory refers to the host, and which ps_host_close has to wait for. */
void ps_host_retain(ps_host *host);
/** The same is gone. May call `closed`: the caller touches neither host nor itself afterwards. */
void ps_host_release(ps_host *host);

penstock_watch *ps_watch_start(const penstock_host *table, penstock_socket socket, uint32_t events,
                               void (*callback)(void *context, uint32_t events), void *context);
void ps_watch_set(const penstock_host *table, penstock_watch *watch, uint32_t events);
void ps_watch_stop(const penstock_host *table, penstock_watch *watch);
/** Stops all that are left. */
void ps_watches_close(ps_host *host);

penstock_timer *ps_timer_start(const penstock_host *table, uint64_t delay_ms, uint64_t repeat_ms,
                               void (*callback)(void *context), void *context);
void ps_timer_stop(const penstock_host *table, penstock_timer *timer);
/** Stops all that are left. */
void ps_timers_close(ps_host *host);

int32_t ps_spawn(const penstock_host *table, const penstock_spawn *spawn, penstock_process **process,
                 penstock_error *error);
void ps_process_kill(const penstock_host *table, penstock_process *process, uint32_t force);
/** Kills the groups of all that are left, and reaps them on later turns. */
void ps_processes_close(ps_host *host);

int32_t ps_resolve(const penstock_host *table, const char *name, uint16_t port, uint32_t family,
                   void (*done)(void *context, const penstock_address *addresses, uint32_t count,
                                const penstock_error *error),
                   void *context);
/** Lets go of all that are left. */
void ps_resolves_close(ps_host *host);
/** Puts libuv's `code` for a name that could not be resolved into words. `family`: 0, 4 or 6. */
void ps_resolve_error(int code, const char *name, uint32_t family, penstock_error *error);

int32_t ps_run_job(const penstock_host *table, void (*work)(void *context), void (*done)(void *context), void *context);

#endif

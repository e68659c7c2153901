/* SPDX-License-Identifier: MIT */
/**
 * @file manager.h
 * What starts and watches the gateway as a service: systemd, or whatever speaks as it does. It is told by datagrams how
 * the gateway is, and may pass the listening socket.
 *
 * Both are a few lines here and not libsystemd's: sd_notify(3) and sd_listen_fds(3) promise that what is behind them
 * stays as it is, and say that a program may do it by itself. So every build of ours can be a service, without another
 * library. Thread: the main thread, before there are others: both take what they find out of the environment, since it
 * is not meant for the programs that we run.
 */
#ifndef PS_MANAGER_H
#define PS_MANAGER_H

#include <penstock/sdk.h>

/** One that wants to be told. Opaque. */
typedef struct ps_manager ps_manager;

/** Was this process started by one, or given sockets by one? Takes nothing out of the environment. */
int ps_manager_is_there(void);
/** The one that is there ($NOTIFY_SOCKET); NULL if there is none, or if it cannot be told. */
ps_manager *ps_manager_find(void);
/**
 * Tells it: lines of `NAME=value`, as in sd_notify(3). One that does not read is waited for if `is_needed`, but not for
 * long. Returns 0 or a negative code.
 */
int ps_manager_tell(const ps_manager *manager, const char *lines, int is_needed);
/** It wants a sign of life within this time, again and again, in milliseconds; 0: it does not. */
uint64_t ps_manager_watchdog_ms(const ps_manager *manager);
void ps_manager_free(ps_manager *manager);

/**
 * The listening socket that was passed to us ($LISTEN_FDS): the one that is bound to `address`, else the first. Returns
 * 1 with *listening; 0 if none was passed; or a negative code with `error` if what was passed is of no use. Those
 * beyond the one are closed, and their number is in *others.
 */
int ps_manager_passed(const char *address, penstock_socket *listening, int *others, penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file mux_win.h
 * The channels of mux.h where ssh cannot lend its session, as on Windows: each is an ssh.exe of its own, with a login
 * of its own: `ssh.exe -W host:port` for direct-tcpip, `ssh.exe -T host command` for a session.
 *
 * A channel that there could be no session for is refused with FAR_DENIAL_NO_SESSION (far_denial.h).
 *
 * An ssh.exe says what happens to its channel among its messages (openssh_words.h); that it has ended well, by its exit
 * status. An end of our direction is an end of its input, an end of the far one that of its output, and ssh ends a
 * forwarded connection altogether when the far side has ended its direction. Whatever ends us, ends the program with
 * all that it has started: it is in a job (child_win.h).
 */
#ifndef TRANSPORTS_MUX_WIN_H
#define TRANSPORTS_MUX_WIN_H

#include "common/openssh/mux.h"

/** How to start an ssh. All borrowed, for as long as the mux lives. */
typedef struct mux_programs {
  const char *program;     /**< path of ssh.exe */
  const char *const *argv; /**< its name and options, NULL-terminated */
  const char *host;        /**< whom to log in to, as ssh takes it */
  const char *const *env;  /**< NULL-terminated NAME=value to add to the environment */
  int version;             /**< openssh_version() */
} mux_programs;

/** NULL if there is no memory. */
mux *mux_create_programs(const penstock_host *host, const mux_programs *how, const mux_owner *owner);

#endif

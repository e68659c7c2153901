/* SPDX-License-Identifier: MIT */
/** @file server.h Listening, and a thread for each connection. */
#ifndef DEMO_SERVER_H
#define DEMO_SERVER_H

#include "wire.h"

/** Binds --host and --port. Returns a listening socket, or -1 after saying why as the real solver does. */
int server_bind(const demo_options *options);
/** Serves until `signals` (a signalfd) is readable. Returns the exit code. */
int server_run(demo_solver *solver, int listener, int signals);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file signals.h
 * Who gets the signals that end a gateway or mean something else to it (SIGINT, SIGTERM, SIGHUP, SIGUSR1): the main
 * thread, and nobody while what they do is being changed.
 */
#ifndef PS_SIGNALS_H
#define PS_SIGNALS_H

/** They do not come to this thread, nor to those that it makes; what was sent to the process waits if no other thread
 * takes it. */
void ps_signals_block(void);
/** They come to this thread again. */
void ps_signals_unblock(void);

#endif

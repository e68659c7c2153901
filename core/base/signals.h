/* SPDX-License-Identifier: MIT */
/**
 * @file signals.h
 * Who gets the signals that end a gateway or mean something else to it (SIGINT, SIGTERM, SIGHUP, SIGUSR1): the main
 * thread, and nobody while what they do is being changed. The platform is behind it.
 */
#ifndef PS_SIGNALS_H
#define PS_SIGNALS_H

/** They do not come to this thread, nor to those that it makes; what was sent to the process waits if no other thread
 * takes it. */
void ps_signals_block(void);
/** They come to this thread again. */
void ps_signals_unblock(void);

/** How many a gateway listens to. */
#define PS_GATEWAY_SIGNALS 4
/** They: all but the one that opens the log anew ask for the orderly end, or to read the files anew. */
extern const int ps_gateway_signals[PS_GATEWAY_SIGNALS];
/** Is it the one that opens the log file anew? */
int ps_signals_reopens_log(int number);
/** The system ends the process this long after the signal, in milliseconds, whatever it does; 0: it does not. */
unsigned ps_signals_patience_ms(int number);
/** From now on it has no effect at all. */
void ps_signals_ignore(int number);
/** Ends the process as the signal would have ended it, so that whoever sent it sees that it was obeyed. */
void ps_signals_obey(int number);
/** Makes writing to a broken pipe an error that is returned. */
void ps_signals_prepare(void);

#endif

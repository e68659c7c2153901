/* SPDX-License-Identifier: MIT */
/**
 * @file screen.h
 * The whole terminal as a screen of our own, for as long as a command shows something that changes. The platform is
 * behind it.
 * Thread: the main thread.
 */
#ifndef PS_SCREEN_H
#define PS_SCREEN_H

#include <stddef.h>

/** Takes it: another screen, and keys are not shown. Returns 0, or a negative code: standard output is no terminal.
 */
int ps_screen_enter(void);
/** Gives it back as it was. Harmless if it was not taken. */
void ps_screen_leave(void);
/** Its size. */
void ps_screen_size(size_t *columns, size_t *lines);

/** How many signals concern whoever shows something that changes. */
#define PS_SCREEN_SIGNALS 6
/** They; 0 = one that this system does not have. */
extern const int ps_screen_signals[PS_SCREEN_SIGNALS];
/** One has come. Returns 1 if what is shown is to be painted anew; 0 if it asks for the end. One that suspends the
 * process gives the screen back, and takes it again when it returns. */
int ps_screen_on_signal(int number);

#endif

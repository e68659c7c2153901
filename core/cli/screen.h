/* SPDX-License-Identifier: MIT */
/**
 * @file screen.h
 * The whole terminal as a screen of our own, for as long as a command shows something that changes; and the keys that
 * are pressed meanwhile.
 * Thread: the main thread.
 */
#ifndef PS_SCREEN_H
#define PS_SCREEN_H

#include <stddef.h>

/** Takes it: another screen, keys at once and not shown. Returns 0, or a negative code: standard output is no terminal.
 */
int ps_screen_enter(void);
/** Gives it back as it was. Harmless if it was not taken. */
void ps_screen_leave(void);
/** Its size. */
void ps_screen_size(size_t *columns, size_t *lines);
/** A descriptor that is readable when keys are there; below 0: there is no keyboard. It is a file of its own, so that
 * to make it non-blocking does not concern the shell's. */
int ps_screen_keyboard(void);
/** The keys that were pressed: returns how many bytes; 0: none; below 0: there is no keyboard any more. */
long ps_screen_keys(char *keys, size_t size);
/** Gives it back, and has the process stopped until it is continued; then takes it again. */
void ps_screen_suspend(void);

#endif

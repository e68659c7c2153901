/* SPDX-License-Identifier: MIT */
/**
 * @file keyboard.h
 * The keys that are pressed while the terminal is our screen (screen.h), at once and without Enter. The platform is
 * behind it.
 * Thread: the loop's.
 */
#ifndef PS_KEYBOARD_H
#define PS_KEYBOARD_H

#include <stddef.h>

#include <uv.h>

/** The bytes of keys; `count` below 0: there is no keyboard any more, and nothing more comes. */
typedef void ps_keyboard_heard(void *context, const char *keys, long count);

/** A keyboard that is listened to. */
typedef struct ps_keyboard {
  union {
    uv_handle_t any;
    uv_poll_t poll;
    uv_tty_t tty;
  } handle;
  ps_keyboard_heard *heard;
  void *context;
  int is_open;
  char room[64];
} ps_keyboard;

/** Listens, if there is a keyboard. ps_screen_enter comes before. `self` is zeroed, and stays where it is. */
void ps_keyboard_open(ps_keyboard *self, uv_loop_t *loop, ps_keyboard_heard *heard, void *context);
/** Listens no more; the loop has to turn once again before `self` may go. Harmless if it was not opened. */
void ps_keyboard_close(ps_keyboard *self);

#endif

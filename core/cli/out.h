/* SPDX-License-Identifier: MIT */
/**
 * @file out.h
 * Standard output, line by line, in a way that cannot hold up the gateway: a reader that stops reading (a
 * pager, Ctrl-S) must not stop the listener with it, and one that goes away must not end it.
 * Thread: any, all of it, but start and stop belong to the main thread.
 */
#ifndef PS_OUT_H
#define PS_OUT_H

#include <penstock/sdk.h>

/**
 * From now on a thread of its own writes; lines wait in memory (up to 256 KiB, then they are dropped, and how many is
 * said when the reader is back, as a JSON object if `json`). Before, and if no thread can be had, lines are
 * written at once.
 */
void ps_out_start(int json);
/** Writes what waits, for a second at most, and goes back to writing at once. */
void ps_out_stop(void);

/**
 * This process is one of several that write to the same place: each line begins with `label` ("gpu01: ") from now on,
 * or, if `json`, each object says it as `gateway`. Borrowed. To be called while no thread writes.
 */
void ps_out_label(const char *label, int json);
/** The label; NULL if there is none. */
const char *ps_out_labelled(void);
/** The text with the label before each of its lines, a string to free(); NULL if out of memory. */
char *ps_out_with_label(const char *text);

/** Writes one formatted line; the line's end is added. Nothing happens once nothing can be written any more. */
void ps_out_line(const char *format, ...) PENSTOCK_PRINTF(1, 2);
/** The same for text of any length that is no format. */
void ps_out_text(const char *text);
/** Bytes as they are. */
void ps_out_bytes(const void *data, size_t size);
/** Can nothing be written any more: has the reader gone, or is there no room? */
int ps_out_is_broken(void);
/** What could not be written does not count from now on: this process has more to do than to print. */
void ps_out_excuse(void);
/**
 * The program's last word on what was printed: if some of it could not be written, it says why on standard error, and a
 * success is PS_EXIT_FAILED. A reader that has gone (`| head`) has what it wanted; that is no failure. Returns the exit
 * code.
 */
int ps_out_finish(int exit_code);
/** Shows what is going on: on a terminal in place, over the last such text; else as a line if it is news. */
void ps_out_progress(const char *text);

#endif

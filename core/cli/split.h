/* SPDX-License-Identifier: MIT */
/**
 * @file split.h
 * Where a process cannot be split (Windows), a command that needs one more starts this program anew, with the same
 * line: what split_win.h has. This is what both systems ask. Thread: the main thread.
 */
#ifndef PS_SPLIT_H
#define PS_SPLIT_H

/**
 * Which of the line's gateways, counted from 0, this process was started for by the command that somebody has typed;
 * -1: it is that command itself, or systems split processes here. The first call must come before other processes are
 * started.
 */
int ps_split_own(void);

#endif

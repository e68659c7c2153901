/* SPDX-License-Identifier: MIT */
/**
 * @file hangup.h
 * What SIGHUP means: that the terminal has gone (its window was closed, the line is down), which is the end; or that
 * somebody has sent it, as service managers and people do, so that files are read anew.
 * Thread: the main thread.
 */
#ifndef PS_HANGUP_H
#define PS_HANGUP_H

/** Notes whether there is a terminal that could go. To be called when the process starts to listen to signals. */
void ps_hangup_begin(void);
/** Was the process started so that SIGHUP does nothing to it, as nohup(1) does? */
int ps_hangup_is_ignored(void);
/** Has the terminal gone that there was? */
int ps_hangup_has_come(void);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file task.h
 * A task of Windows' Task Scheduler that starts a gateway when its user logs on: its name and its description. Nothing
 * here needs Windows. Thread: any.
 *
 * Tasks of all users are in one folder, so a name holds who it belongs to: "penstock-PROFILE-MARK". What no file may be
 * called is written %XX.
 */
#ifndef PS_TASK_H
#define PS_TASK_H

#include "base/text.h"

/** What a task is made of. All borrowed, UTF-8. */
typedef struct ps_task {
  const char *user;        /**< whose logon starts it, and as whom it runs: a SID, or a name */
  const char *program;     /**< whole path */
  const char *arguments;   /**< the rest of the command line */
  const char *description; /**< for people */
} ps_task;

/** Size of the mark of a user, with the NUL. */
#define PS_TASK_MARK_SIZE 9
/** 8 hexadecimal digits out of a user's SID. */
void ps_task_mark(char mark[PS_TASK_MARK_SIZE], const char *sid);

/** Adds the name of a profile's task. */
void ps_task_name(ps_text *out, const char *profile, const char *mark);
/** The profile of a task of that name, to free(); NULL if it is none of this user's, or memory is out. */
char *ps_task_profile(const char *name, const char *mark);

/**
 * Adds the task as the Task Scheduler's XML (schema 1.2): at the logon of `user`, with that user's ordinary rights and
 * desktop, on batteries too, without a limit of time, once at a time. Text that is no XML (control characters) becomes
 * "?".
 */
void ps_task_xml(ps_text *out, const ps_task *task);

#endif

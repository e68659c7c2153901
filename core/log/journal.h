/* SPDX-License-Identifier: MIT */
/**
 * @file journal.h
 * The system's own log, for records that are more than a line. On Linux systemd's journal, which is written to by
 * libsystemd; that is looked for when it is needed: a machine that has a journal has it, and no other one has to. On
 * Windows the event log. Thread-safe but for ps_journal_open.
 */
#ifndef PS_LOG_JOURNAL_H
#define PS_LOG_JOURNAL_H

#include "log/line.h"
#include "log/log.h"

/** The format that means it: PS_LOG_JOURNAL, PS_LOG_EVENTS; PS_LOG_TEXT: there is none. */
extern const ps_log_format ps_journal_format;

/** Does what is written to the descriptor end in the journal ($JOURNAL_STREAM says so)? */
int ps_journal_reads(int fd);
/** Makes it ready. Returns 0, or a negative code: there is no libsystemd here, or the system has refused. */
int ps_journal_open(void);
/** Writes a record. `profile` and `transport`, which may be NULL, are part of it. Returns 0 or a negative code. */
int ps_journal_write(const ps_log_record *record, const char *profile, const char *transport);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file journal.h
 * systemd's journal, for records with fields. It is written to by libsystemd, which is looked for when it is needed: a
 * machine that has a journal has it, and no other one has to. Thread-safe but for ps_journal_open.
 */
#ifndef PS_LOG_JOURNAL_H
#define PS_LOG_JOURNAL_H

#include "log/line.h"

/** Does what is written to the descriptor end in the journal ($JOURNAL_STREAM says so)? */
int ps_journal_reads(int fd);
/** Makes it ready. Returns 0, or a negative code: there is no libsystemd here. */
int ps_journal_open(void);
/** Writes a record. `profile` and `transport`, which may be NULL, are fields of it. Returns 0 or a negative code. */
int ps_journal_write(const ps_log_record *record, const char *profile, const char *transport);

#endif

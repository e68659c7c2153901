/* SPDX-License-Identifier: MIT */
/**
 * @file log.h
 * The gateway's log: text or JSON lines, to standard error or a file, or records of systemd's journal or Windows' event
 * log. Thread-safe.
 */
#ifndef PS_LOG_H
#define PS_LOG_H

#include <penstock/sdk.h>

/** How log lines look. */
typedef enum ps_log_format {
  PS_LOG_TEXT,
  PS_LOG_JSON,
  PS_LOG_JOURNAL, /**< no lines: fields, to the journal */
  PS_LOG_EVENTS,  /**< no lines: events of Windows' event log */
  PS_LOG_AUTO     /**< JOURNAL if standard error ends there, and libsystemd is here; else TEXT */
} ps_log_format;

/** Opens the log. `file` NULL = standard error. Levels are enum penstock_log_level. Returns 0, or a negative code with
 * `error`. */
int ps_log_open(const char *file, ps_log_format format, uint32_t level, penstock_error *error);
/** What the lines are about from now on, for a log that has fields: both copied; NULL: nothing in particular. */
void ps_log_about(const char *profile, const char *transport);
/** Opens the file again by its name (after a rotation); if it was standard error too, that follows. */
void ps_log_reopen(void);
/** Writes what is left and closes a file. */
void ps_log_close(void);
/** Would a line of this level be written? For callers whose text is costly to make. */
int ps_log_enabled(uint32_t level);

/**
 * Writes one line. `source` says who speaks ("gateway", a profile's name); control characters in the text
 * are escaped. Before ps_log_open, warnings and errors go to standard error as text.
 */
void ps_log(uint32_t level, const char *source, const char *format, ...) PENSTOCK_PRINTF(3, 4);
/** Writes an error with its leg, next step and detail. */
void ps_log_error(uint32_t level, const char *source, const penstock_error *error);

/** Lines of level WARN that were to be written so far, by this process. */
size_t ps_log_warnings(void);

/** Is it the system's own log, so that there are no lines, nor a file of ours? */
int ps_log_is_of_system(ps_log_format format);
/** The format that a word stands for; AUTO if it is none. */
ps_log_format ps_log_format_parse(const char *name);
/** The word for a level ("info"), and back (0 if unknown). */
const char *ps_log_level_name(uint32_t level);
uint32_t ps_log_level_parse(const char *name);
/** The user's words for a leg ("host-key") and a class ("peer-identity"). Never NULL. */
const char *ps_leg_name(uint32_t leg);
const char *ps_class_name(uint32_t error_class);
/** Back from the words; NONE if they are unknown, or NULL. */
uint32_t ps_leg_parse(const char *name);
uint32_t ps_class_parse(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
#include "log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/journal.h"
#include "log/line.h"
#include "log/ring.h"
#include "log/sink.h"

/* The level is read without the lock, so that a line that is not wanted costs next to nothing. */
static atomic_uint log_level = PENSTOCK_LOG_WARN;
static atomic_size_t warnings;

static struct {
  pthread_mutex_t lock;
  int fd;               /* where lines go */
  char *path;           /* of the file; NULL = standard error */
  ps_log_format format; /* of the lines */
  int colour;
  char *profile; /* what it is about */
  char *transport;
  unsigned long lost; /* lines that could not be written and were not told of yet */
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

static int wants_colour(int fd) {
  const char *none = getenv("NO_COLOR");
  return ps_log_sink_shows_colour(fd) && !(none && none[0]);
}

/* A log that is the system's own, and why it cannot be. Returns 0, or a negative code with `error`. */
static int check_system(const char *file, ps_log_format format, penstock_error *error) {
  int is_journal = format == PS_LOG_JOURNAL;
  const char *name = is_journal ? "the journal" : "Windows' event log";
  if (format != ps_journal_format) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s is not on this system",
                  is_journal ? "systemd's journal" : name);
    penstock_next(error, "set log_format to %stext or json, and log_file to a file",
                  ps_journal_format == PS_LOG_JOURNAL  ? "journal, "
                  : ps_journal_format == PS_LOG_EVENTS ? "eventlog, "
                                                       : "");
  } else if (file) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "a log in %s is in no file: %s", name, file);
    penstock_next(error, "take log_file away, or set log_format to text or json");
  } else if (ps_journal_open() != 0 && is_journal) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                  "there is no libsystemd here to log to the journal");
    penstock_next(error, "install it (libsystemd0), or set log_format to text or json");
  } else if (ps_journal_open() != 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "Windows' event log cannot be opened");
    penstock_next(error, "see whether its service runs (sc.exe query eventlog), or set log_format to text or json");
  } else {
    return PENSTOCK_OK;
  }
  return PENSTOCK_E_FAILED;
}

/* Which format it is in the end. Returns 0, or a negative code with `error`. */
static int settle_format(const char *file, ps_log_format *format, penstock_error *error) {
  if (*format == PS_LOG_AUTO) {
    int is_journal = !file && ps_journal_reads(STDERR_FILENO) && ps_journal_open() == 0;
    *format = is_journal ? PS_LOG_JOURNAL : PS_LOG_TEXT;
  }
  return ps_log_is_of_system(*format) ? check_system(file, *format, error) : PENSTOCK_OK;
}

/* From the one place to the other, with nothing in between: other threads log meanwhile. */
static void take(int fd, char *path, ps_log_format format, int colour, uint32_t level) {
  pthread_mutex_lock(&log_state.lock);
  if (log_state.path) {
    (void)close(log_state.fd);
    free(log_state.path);
  }
  log_state.fd = fd;
  log_state.path = path;
  log_state.format = format;
  log_state.colour = colour;
  atomic_store(&log_level, level);
  pthread_mutex_unlock(&log_state.lock);
}

int ps_log_open(const char *file, ps_log_format format, uint32_t level, penstock_error *error) {
  char *path = NULL;
  int fd = STDERR_FILENO;
  if (settle_format(file, &format, error) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  if (file) {
    path = strdup(file);
    fd = path ? ps_log_sink_open(path) : -1;
    if (fd < 0) {
      int reason = path ? errno : ENOMEM;
      free(path);
      penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot open the log file %s: %s", file,
                    strerror(reason));
      penstock_next(error, "%s",
                    reason == ENOENT ? "create its folder, or set log_file to another place"
                                     : "set log_file to a place that you can write to");
      return PENSTOCK_E_FAILED;
    }
  }
  take(fd, path, format, format == PS_LOG_TEXT && wants_colour(fd), level);
  return 0;
}

void ps_log_about(const char *profile, const char *transport) {
  char *profile_copy = profile ? strdup(profile) : NULL;
  char *transport_copy = transport ? strdup(transport) : NULL;
  pthread_mutex_lock(&log_state.lock);
  free(log_state.profile);
  free(log_state.transport);
  log_state.profile = profile_copy;
  log_state.transport = transport_copy;
  pthread_mutex_unlock(&log_state.lock);
}

void ps_log_reopen(void) {
  int reason = 0;
  char *path = NULL;
  pthread_mutex_lock(&log_state.lock);
  if (log_state.path) {
    int fd = ps_log_sink_open(log_state.path);
    if (fd >= 0) {
      ps_log_sink_move_errors(log_state.fd, fd);
      (void)close(log_state.fd);
      log_state.fd = fd;
      log_state.colour = log_state.format == PS_LOG_TEXT && wants_colour(fd);
    } else {
      reason = errno;
      path = strdup(log_state.path);
    }
  }
  pthread_mutex_unlock(&log_state.lock);
  if (reason != 0) {
    ps_log(PENSTOCK_LOG_ERROR, "gateway", "cannot open the log file %s again (%s): the old one stays in use",
           path ? path : "", strerror(reason));
  }
  free(path);
}

void ps_log_close(void) {
  take(STDERR_FILENO, NULL, PS_LOG_TEXT, 0, PENSTOCK_LOG_WARN);
  ps_log_about(NULL, NULL);
}

int ps_log_enabled(uint32_t level) {
  return level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* Formats and writes one record. The lock is held. */
static int write_record(const ps_log_record *record) {
  ps_text line = {0};
  if (ps_log_is_of_system(log_state.format)) {
    return ps_journal_write(record, log_state.profile, log_state.transport);
  }
  if (log_state.format == PS_LOG_JSON) {
    ps_log_line_json(&line, record);
  } else {
    ps_log_line_text(&line, record, log_state.colour);
  }
  int result = line.no_memory || !line.data ? PENSTOCK_E_NOMEM : ps_log_sink_write(log_state.fd, line.data, line.size);
  free(line.data);
  return result;
}

size_t ps_log_warnings(void) {
  return atomic_load(&warnings);
}

static void write_or_count(ps_log_record *record) {
  if (record->level == PENSTOCK_LOG_WARN) {
    atomic_fetch_add(&warnings, 1);
  }
  (void)clock_gettime(CLOCK_REALTIME, &record->when);
  pthread_mutex_lock(&log_state.lock);
  if (log_state.lost > 0) {
    char text[96];
    (void)snprintf(text, sizeof(text), "%lu log lines were lost: they could not be written", log_state.lost);
    const ps_log_record lost = {
        .when = record->when, .level = PENSTOCK_LOG_WARN, .source = "gateway", .text = text, .error = NULL};
    if (write_record(&lost) == 0) {
      log_state.lost = 0;
    }
  }
  if (write_record(record) != 0) {
    log_state.lost++;
  }
  ps_log_ring_add(record);
  pthread_mutex_unlock(&log_state.lock);
}

void ps_log(uint32_t level, const char *source, const char *format, ...) {
  if (!ps_log_enabled(level)) {
    return;
  }
  int kept_errno = errno;
  char *text = NULL;
  va_list arguments;
  va_start(arguments, format);
  if (vasprintf(&text, format, arguments) < 0) {
    text = NULL;
  }
  va_end(arguments);
  ps_log_record record = {.level = level, .source = source, .text = text ? text : format, .error = NULL};
  write_or_count(&record);
  free(text);
  errno = kept_errno;
}

void ps_log_error(uint32_t level, const char *source, const penstock_error *error) {
  if (ps_log_enabled(level)) {
    int kept_errno = errno;
    ps_log_record record = {.level = level, .source = source, .text = error->what, .error = error};
    write_or_count(&record);
    errno = kept_errno;
  }
}

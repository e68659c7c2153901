/* SPDX-License-Identifier: MIT */
#include "common/process_report.h"

#include <stdlib.h>

#include "common/script.h"

/* What a script said, as far as errors need it; members are "" if they were not said. */
typedef struct facts {
  char *outcome;
  char *path;
  char *pid;
  char *mark;
  char *log;
  char *holder; /* "'nginx' (pid 123, user alice)", or as much of it as is known */
  char there[PROCESS_REPORT_THERE_SIZE];
  const process_report_context *context;
} facts;

static char *value_of(const char *output, size_t size, const char *key) {
  char *value = script_value(output, size, key);
  return value ? value : calloc(1, 1);
}

/* The same for a place within a line. */
static char *word_of(const char *output, size_t size, const char *key) {
  char *value = value_of(output, size, key);
  for (char *at = value; at && (at = strpbrk(at, "\n\t")); at++) {
    *at = '?';
  }
  return value;
}

static char *describe_holder(const char *output, size_t size) {
  char *name = word_of(output, size, "holder_name");
  char *pid = word_of(output, size, "holder_pid");
  char *user = word_of(output, size, "holder_user");
  char text[512] = "";
  if (name && pid && user) {
    if (pid[0]) {
      (void)snprintf(text, sizeof(text), "'%.100s' (pid %.20s%s%.100s)", name[0] ? name : "?", pid,
                     user[0] ? ", user " : "", user);
    } else if (user[0]) {
      (void)snprintf(text, sizeof(text), "a program of user %.100s", user);
    }
  }
  free(name);
  free(pid);
  free(user);
  return strdup(text[0] ? text : "a program that cannot be seen from this account");
}

static void facts_clear(facts *f) {
  free(f->outcome);
  free(f->path);
  free(f->pid);
  free(f->mark);
  free(f->log);
  free(f->holder);
}

static int facts_read(facts *f, const process_report_context *context, const char *output, size_t size) {
  f->context = context;
  process_report_there(context->where, f->there);
  f->outcome = word_of(output, size, "outcome");
  f->path = word_of(output, size, "path");
  f->pid = word_of(output, size, "pid");
  f->mark = word_of(output, size, "mark");
  f->log = value_of(output, size, "log");
  f->holder = describe_holder(output, size);
  return f->outcome && f->path && f->pid && f->mark && f->log && f->holder ? PENSTOCK_OK : PENSTOCK_E_NOMEM;
}

/* The end of a log, since that is where it says what went wrong. */
static void set_detail(penstock_error *error, const char *text) {
  size_t length = strlen(text);
  if (length >= sizeof(error->detail)) {
    text += length - sizeof(error->detail) + 1;
    const char *line = strchr(text, '\n');
    text = line ? line + 1 : text;
    while (((unsigned char)*text & 0xC0) == 0x80) {
      text++;
    }
  }
  (void)snprintf(error->detail, sizeof(error->detail), "%s", text);
}

/* " (penstock.ini:12)", or nothing. */
static const char *place(const char *origin, char text[300]) {
  text[0] = '\0';
  if (origin) {
    (void)snprintf(text, 300, " (%.290s)", origin);
  }
  return text;
}

void process_report_there(const char *where, char text[PROCESS_REPORT_THERE_SIZE]) {
  int is_inside = strncmp(where, "container ", 10) == 0 || strncmp(where, "service ", 8) == 0;
  (void)snprintf(text, PROCESS_REPORT_THERE_SIZE, "%s %s", is_inside ? "in" : "on", where);
  penstock_utf8_trim(text, PROCESS_REPORT_THERE_SIZE);
}

typedef void report(const facts *f, penstock_error *error);

static void report_no_root(const facts *f, penstock_error *error) {
  char at[300];
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "Remote path not found (%s).", f->path);
  penstock_next(error, "Set `root`%s to the solver's folder %s", place(f->context->root_origin, at), f->there);
}

static void report_no_program(const facts *f, penstock_error *error) {
  char at[300];
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "Remote path not found (%s).", f->path);
  penstock_next(error,
                "Neither `root`%s nor the six folders above it hold a solver: build it there, or set `root` (or "
                "`program`) to where it lies %s",
                place(f->context->root_origin, at), f->there);
}

static void report_root_closed(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "The folder %s cannot be entered", f->path);
  penstock_next(error, "Check its permissions %s, as the user who launches the solver there", f->there);
}

static void report_not_program(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "%s is no program that this user can run",
                      f->path);
  penstock_next(error, "Check its permissions %s (chmod +x), or build the solver again", f->there);
}

static void report_root_unwritable(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "The folder %s cannot be written", f->path);
  penstock_next(error,
                "The solver's log and progress file belong there: make it writable %s, or use a copy of the "
                "solver in a folder of your own",
                f->there);
}

static void report_file_unwritable(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "%s cannot be written", f->path);
  penstock_next(error, "It is left from another user or program: remove it %s", f->there);
}

static void report_disk_full(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "The disk that holds %s is full", f->path);
  penstock_next(error, "Free some space %s", f->there);
}

static void report_busy(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT,
                      "Another launch in %s %s is still under way", f->path, f->there);
  penstock_next(error, "Wait for it, or end the other gateway");
}

static void report_not_started(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "%s could not be started %s", f->path,
                      f->there);
  penstock_next(error, "What the shell there said is below");
  set_detail(error, f->log);
}

static void report_port_taken(const facts *f, penstock_error *error) {
  char at[300];
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "Port %u is in use %s, by %s",
                      f->context->port, f->there, f->holder);
  penstock_next(error, "End that program, or set `endpoint`%s to a free port", place(f->context->endpoint_origin, at));
  set_detail(error, f->log);
}

static void report_held(const facts *f, penstock_error *error) {
  char at[300];
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                      "Port %u %s is held by %s, which is no solver", f->context->port, f->there, f->holder);
  penstock_next(error, "End that program, or set `endpoint`%s to a free port", place(f->context->endpoint_origin, at));
}

static void report_ours(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                      "Port %u %s is held by %s, a solver that penstock launched and that does not answer",
                      f->context->port, f->there, f->holder);
  penstock_next(error, "It may be busy or stuck: wait, or end it %s; its log is server.log in its folder", f->there);
}

static void report_unknown(const facts *f, penstock_error *error) {
  char at[300];
  (void)penstock_fail(
      error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
      "Something answers on port %u of the endpoint that is no solver, and no listener of %s is behind it",
      f->context->port, f->context->where);
  penstock_next(error, "Set `endpoint`%s to the solver's own address", place(f->context->endpoint_origin, at));
}

static void report_dead(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
                      "The solver (pid %s) ended before it was ready", f->pid);
  penstock_next(error, "%s %s %s",
                f->log[0] ? "The end of its log is below; all of it is" : "Its log is empty:", f->path, f->there);
  set_detail(error, f->log);
}

static void report_failed(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "The solver's start failed: %.400s",
                      f->mark);
  penstock_next(error, "Its log is %s %s", f->path, f->there);
  set_detail(error, f->log);
}

static void report_no_record(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
                      "The record of the launched solver is gone (%s)", f->path);
  penstock_next(error, "Something %s removed it; the solver is launched again", f->there);
}

static void report_stuck(const facts *f, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT,
                      "The solver (pid %s) could not be ended %s, not even by force", f->pid, f->there);
  penstock_next(error, "It may hang in a driver: look for it with `ps -o pid,stat,wchan -p %s` there", f->pid);
}

static const struct {
  const char *outcome;
  report *report;
} reports[] = {
    {"no_root", report_no_root},
    {"no_program", report_no_program},
    {"root_closed", report_root_closed},
    {"not_program", report_not_program},
    {"root_unwritable", report_root_unwritable},
    {"file_unwritable", report_file_unwritable},
    {"disk_full", report_disk_full},
    {"busy", report_busy},
    {"not_started", report_not_started},
    {"port_taken", report_port_taken},
    {"held", report_held},
    {"ours", report_ours},
    {"unknown", report_unknown},
    {"dead", report_dead},
    {"failed", report_failed},
    {"no_record", report_no_record},
    {"stuck", report_stuck},
};

void process_report(const process_report_context *context, const char *output, size_t size, penstock_error *error) {
  facts f;
  if (facts_read(&f, context, output, size)) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    facts_clear(&f);
    return;
  }
  for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
    if (strcmp(f.outcome, reports[i].outcome) == 0) {
      reports[i].report(&f, error);
      facts_clear(&f);
      return;
    }
  }
  (void)penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_INTERNAL, "A script %s said '%.100s'", f.there,
                      f.outcome);
  facts_clear(&f);
}

/* "(SEGV)" behind a number, if the shell there knows a name. */
static void name_signal(const char *output, size_t size, char text[32]) {
  char *name = word_of(output, size, "signal");
  text[0] = '\0';
  if (name && name[0]) {
    (void)snprintf(text, 32, " (%.20s)", name);
  }
  free(name);
}

uint32_t process_report_end(const process_report_context *context, const char *output, size_t size,
                            penstock_error *error) {
  facts f;
  char name[32];
  int64_t status = script_value_number(output, size, "status");
  uint32_t end = PENSTOCK_END_UNKNOWN;
  if (facts_read(&f, context, output, size) == PENSTOCK_OK && strcmp(f.outcome, "ended") == 0) {
    end = status == 0 ? PENSTOCK_END_CLEAN : PENSTOCK_END_FAILED;
    name_signal(output, size, name);
    if (status > 128) {
      (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                          "the solver (pid %s) was ended by signal %lld%s %s", f.pid, (long long)status - 128, name,
                          f.there);
    } else {
      (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                          "the solver (pid %s) ended with exit status %lld %s", f.pid, (long long)status, f.there);
    }
    penstock_next(error, "%s %s", f.log[0] ? "the end of its log is below; all of it is" : "its log is empty:", f.path);
    set_detail(error, f.log);
  }
  facts_clear(&f);
  return end;
}

void process_report_unasked(const process_report_context *context, const penstock_error *why, penstock_error *error) {
  char at[300];
  char there[PROCESS_REPORT_THERE_SIZE];
  process_report_there(context->where, there);
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                      "Port %u %s is held by something that is no solver. Who it is cannot be asked: %.350s",
                      context->port, there, why->what);
  penstock_next(error, "End that program, or set `endpoint`%s to a free port", place(context->endpoint_origin, at));
  set_detail(error, why->detail);
}

void process_report_timeout(const process_report_context *context, const char *log_file, const char *tail,
                            penstock_error *error) {
  char there[PROCESS_REPORT_THERE_SIZE];
  process_report_there(context->where, there);
  (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "Server startup timed out.");
  penstock_next(error, "It goes on starting; if it needs longer, raise `ready_timeout`. Its log: %s %s",
                log_file ? log_file : "server.log", there);
  set_detail(error, tail && tail[0] ? tail : "(the log is empty)");
}

/* SPDX-License-Identifier: MIT */
#include "common/native/solver_win.h"

#include <stdlib.h>

#include "common/native/ask_win.h"
#include "common/native/ended_win.h"
#include "common/native/ending.h"
#include "common/native/place_win.h"
#include "common/native/who_win.h"
#include "common/win/files_win.h"

/* From the end of a job to that of its processes. */
/* It has so long to end by itself once it was asked. */
#define GRACE_MS         5000
#define KILL_PATIENCE_MS 2000
#define LOOK_EVERY_MS    50
#define MARKS_MOST       65536
/* One that has closed its port may have something left to do. */
#define LAST_WORDS_MS 2000

/* --- validate ------------------------------------------------------------------------------------- */

/* Can files be made there? An access list does not tell all (a disk that is read only does not have one). */
static int check_writable(const layout *found, penstock_error *error) {
  char name[64];
  (void)snprintf(name, sizeof(name), ".penstock-%lu.tmp", GetCurrentProcessId());
  char *path = layout_join(found->root, name);
  wchar_t *wide = path ? files_wide_path(path) : NULL;
  HANDLE file = wide ? CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_NEW,
                                   FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL)
                     : INVALID_HANDLE_VALUE;
  DWORD reason = GetLastError();
  free(path);
  free(wide);
  if (file == INVALID_HANDLE_VALUE && reason != ERROR_FILE_EXISTS) {
    return place_fail(found->root, reason, error);
  }
  if (file != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(file);
  }
  return PENSTOCK_OK;
}

int solver_validate(const solver_settings *settings, penstock_error *error) {
  layout found;
  int result = place_find(settings, &found, error);
  if (result == PENSTOCK_OK) {
    result = check_writable(&found, error);
    layout_clear(&found);
  }
  return result;
}

/* --- ready ---------------------------------------------------------------------------------------- */

/* ", with exit code 3", if that is known. */
static const char *end_of(const record *kept, char *text, size_t size) {
  DWORD code = 0;
  text[0] = '\0';
  if (ended_code(kept, 0, &code)) {
    size_t used = (size_t)snprintf(text, size, ", ");
    ending_words(code, text + used, size - used);
  }
  return text;
}

static int fail_dead(const solver_settings *settings, const layout *found, const record *kept, penstock_error *error) {
  char holder[160];
  char how[160];
  char at[300];
  DWORD pid = who_listens(settings->port);
  if (pid != 0) {
    who_describe(pid, holder, sizeof(holder));
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                        "Port %u is in use on this machine, by %s", settings->port, holder);
    place_add_log(found, kept->log, error);
    penstock_next(error, "End that program, or set `endpoint`%s to a free port",
                  place_origin(settings->endpoint_origin, at));
    return PENSTOCK_E_FAILED;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
                      "The solver (pid %lu) ended before it was ready%s", (unsigned long)kept->pid,
                      end_of(kept, how, sizeof(how)));
  place_add_log(found, kept->log, error);
  return PENSTOCK_E_FAILED;
}

static record_mark read_mark(const layout *found, const record *kept, char *line, size_t size) {
  size_t length = 0;
  char *path = layout_join(found->root, kept->progress);
  char *text = path ? files_read_end(path, MARKS_MOST, &length) : NULL;
  record_mark mark = text ? record_read_mark(text, length, line, size) : RECORD_MARK_NONE;
  free(path);
  free(text);
  return mark;
}

static int look(const solver_settings *settings, const layout *found, const record *kept, int is_late,
                penstock_error *error) {
  char line[400];
  who_solver its;
  int runs = who_find(kept, &its); /* before the mark, which it may leave at the last moment */
  record_mark mark = read_mark(found, kept, line, sizeof(line));
  if (runs) {
    who_close(&its);
  }
  if (mark == RECORD_MARK_FAILED) {
    (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "The solver's start failed: %s", line);
    place_add_log(found, kept->log, error);
    return PENSTOCK_E_FAILED;
  }
  if (!runs) {
    return fail_dead(settings, found, kept, error);
  }
  if (mark == RECORD_MARK_READY) {
    return 1;
  }
  if (is_late) {
    (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "Server startup timed out.");
    place_add_log(found, kept->log, error);
    penstock_next(error, "It goes on starting; if it needs longer, raise `ready_timeout`. Its log is %.300s\\%s",
                  found->root, kept->log);
    return PENSTOCK_E_TIMEOUT;
  }
  return 0;
}

int solver_is_ready(const solver_settings *settings, int is_late, penstock_error *error) {
  layout found;
  record kept;
  int result = place_find(settings, &found, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  if (place_read_record(&found, settings->port, &kept) != 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
                        "The record of the launched solver is gone (%.300s\\.penstock-%u.solver)", found.root,
                        settings->port);
    penstock_next(error, "Something removed it; the solver is launched again");
    result = PENSTOCK_E_FAILED;
  } else {
    result = look(settings, &found, &kept, is_late, error);
  }
  layout_clear(&found);
  return result;
}

/* --- stop ----------------------------------------------------------------------------------------- */

static int is_empty(HANDLE job) {
  JOBOBJECT_BASIC_ACCOUNTING_INFORMATION facts;
  return QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &facts, sizeof(facts), NULL) &&
         facts.ActiveProcesses == 0;
}

/* Everything that it started goes with it: what is left of it would keep its port. */
static int end_all(const who_solver *its, const record *kept, DWORD patience_ms, penstock_error *error) {
  ULONGLONG began_ms = GetTickCount64();
  if (ask_to_end(kept->pid, patience_ms) == 0) {
    ULONGLONG taken_ms = GetTickCount64() - began_ms;
    DWORD left_ms = taken_ms < patience_ms ? patience_ms - (DWORD)taken_ms : 0;
    (void)WaitForSingleObject(its->process, left_ms < GRACE_MS ? left_ms : GRACE_MS);
  }
  (void)TerminateJobObject(its->job, 1);
  for (DWORD waited = 0; waited < KILL_PATIENCE_MS && !is_empty(its->job); waited += LOOK_EVERY_MS) {
    Sleep(LOOK_EVERY_MS);
  }
  if (is_empty(its->job)) {
    return PENSTOCK_OK;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT,
                      "The solver (pid %lu) could not be ended, not even by force", (unsigned long)kept->pid);
  penstock_next(error, "It may hang in a driver: look at it in the Task Manager");
  return PENSTOCK_E_FAILED;
}

int solver_stop(const solver_settings *settings, DWORD patience_ms, penstock_error *error) {
  layout found;
  record kept;
  who_solver its;
  int result = PENSTOCK_OK;
  if (!settings->root || place_find(settings, &found, error) != PENSTOCK_OK) {
    return PENSTOCK_OK; /* without its folder none was launched */
  }
  if (place_read_record(&found, settings->port, &kept) == 0 && who_find(&kept, &its)) {
    if (its.job) {
      result = end_all(&its, &kept, patience_ms, error);
    } else {
      (void)penstock_fail(
          error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_REFUSED,
          "The solver (pid %lu) is left running: its job, which proves that penstock launched it, is gone",
          (unsigned long)kept.pid);
      penstock_next(error, "End it in the Task Manager if it is yours");
      result = PENSTOCK_E_FAILED;
    }
    who_close(&its);
  }
  layout_clear(&found);
  return result;
}

/* --- identify ------------------------------------------------------------------------------------- */

/* Is it the solver that we launched, or what that one started? */
static int is_ours(const solver_settings *settings, DWORD pid) {
  layout found;
  record kept;
  who_solver its;
  penstock_error unused;
  int is_its = 0;
  if (!settings->root || place_find(settings, &found, &unused) != PENSTOCK_OK) {
    return 0;
  }
  if (place_read_record(&found, settings->port, &kept) == 0 && who_find(&kept, &its)) {
    is_its = its.job && who_holds(its.job, pid);
    who_close(&its);
  }
  layout_clear(&found);
  return is_its;
}

void solver_identify(const solver_settings *settings, penstock_error *error) {
  char holder[160];
  char at[300];
  DWORD pid = who_listens(settings->port);
  if (pid == 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                        "Something answers at %s:%u that is no solver, and no listener of this machine is behind it",
                        settings->host, settings->port);
    penstock_next(error, "Set `endpoint`%s to the solver's own address", place_origin(settings->endpoint_origin, at));
    return;
  }
  who_describe(pid, holder, sizeof(holder));
  if (is_ours(settings, pid)) {
    (void)penstock_fail(
        error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
        "Port %u on this machine is held by %s, a solver that penstock launched and that does not answer",
        settings->port, holder);
    penstock_next(error, "It may be busy or stuck: wait, or end it; its log is server.log in its folder");
    return;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                      "Port %u on this machine is held by %s, which is no solver", settings->port, holder);
  penstock_next(error, "End that program, or set `endpoint`%s to a free port",
                place_origin(settings->endpoint_origin, at));
}

/* --- how it ended --------------------------------------------------------------------------------- */

void solver_look_for(const solver_settings *settings) {
  layout found;
  record kept;
  who_solver its;
  penstock_error unused;
  if (!settings->root || place_find(settings, &found, &unused) != PENSTOCK_OK) {
    return;
  }
  if (place_read_record(&found, settings->port, &kept) == 0 && who_find(&kept, &its)) {
    ended_watch(&kept, its.process);
    who_close(&its);
  }
  layout_clear(&found);
}

uint32_t solver_end(const solver_settings *settings, penstock_error *error) {
  layout found;
  record kept;
  char how[160];
  DWORD code = 0;
  uint32_t end = PENSTOCK_END_UNKNOWN;
  if (!settings->root || place_find(settings, &found, error) != PENSTOCK_OK) {
    return end;
  }
  if (place_read_record(&found, settings->port, &kept) == 0 && ended_code(&kept, LAST_WORDS_MS, &code)) {
    end = code == 0 ? PENSTOCK_END_CLEAN : PENSTOCK_END_FAILED;
    ending_words(code, how, sizeof(how));
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "the solver (pid %lu) ended %s",
                        (unsigned long)kept.pid, how);
    place_add_log(&found, kept.log, error);
  }
  layout_clear(&found);
  return end;
}

/* --- check ---------------------------------------------------------------------------------------- */

static void tell_python(const layout *found, const solver_settings *settings, const penstock_check_sink *sink) {
  penstock_error problem;
  switch (found->kind) {
  case LAYOUT_DEV:
    sink->found(sink->context, "python", "build-win-native\\python, as it is built");
    break;
  case LAYOUT_BUNDLE:
    sink->found(sink->context, "python", "python, as it is distributed");
    break;
  case LAYOUT_VENV:
    if (found->venv) {
      sink->found(sink->context, "python", found->venv);
    } else if (settings->venv) {
      (void)penstock_fail(&problem, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
                          "There is no Python environment at %.300s (no Scripts\\python.exe)", settings->venv);
      penstock_next(&problem, "Make one by `python -m venv`, or set `venv` to where it is");
      sink->problem(sink->context, PENSTOCK_LOG_WARN, &problem);
    }
    break;
  case LAYOUT_PLAIN:
    break;
  }
}

static void tell_process(const layout *found, uint16_t port, const penstock_check_sink *sink) {
  char text[80];
  record kept;
  who_solver its;
  if (place_read_record(found, port, &kept) != 0 || !who_find(&kept, &its)) {
    return;
  }
  (void)snprintf(text, sizeof(text), "pid %lu%s", (unsigned long)kept.pid,
                 its.job ? "" : ", not proven to be launched by penstock");
  sink->found(sink->context, "running", text);
  who_close(&its);
}

int solver_check(const solver_settings *settings, const penstock_check_sink *sink, penstock_error *error) {
  layout found;
  if (!settings->root) {
    sink->found(sink->context, "solver", "none is launched, as there is no `root`");
    return PENSTOCK_OK;
  }
  if (place_find(settings, &found, error) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  sink->found(sink->context, "folder", found.root);
  sink->found(sink->context, "program", found.program);
  tell_python(&found, settings, sink);
  tell_process(&found, settings->port, sink);
  int result = check_writable(&found, error);
  layout_clear(&found);
  return result;
}

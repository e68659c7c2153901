/* SPDX-License-Identifier: MIT */
#include "common/native/place_win.h"

#include <stdlib.h>

#include "common/win/files_win.h"
#include "win/reason.h"

#define LOG_LINES 20

const char *place_origin(const char *origin, char text[300]) {
  text[0] = '\0';
  if (origin) {
    (void)snprintf(text, 300, " (%.290s)", origin);
  }
  return text;
}

int place_fail(const char *path, DWORD reason, penstock_error *error) {
  char text[160];
  ps_reason(reason, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH,
                      reason == ERROR_DISK_FULL ? PENSTOCK_CLASS_TRANSIENT : PENSTOCK_CLASS_CONFIG,
                      "%.300s cannot be written: %s", path, text);
  penstock_next(error,
                "The solver's log, its progress file and its record belong there: make it writable for this user, or "
                "use a copy of the solver in a folder of your own");
  return PENSTOCK_E_FAILED;
}

static int fail_layout(const solver_settings *settings, const layout *found, layout_result result,
                       penstock_error *error) {
  char at[300];
  switch (result) {
  case LAYOUT_NO_FOLDER:
    (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "The folder %.300s does not exist",
                        found->place);
    penstock_next(error, "Set `root`%s to the solver's folder", place_origin(settings->root_origin, at));
    break;
  case LAYOUT_NO_PROGRAM:
    (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG, "There is no solver at %.300s",
                        found->place);
    penstock_next(error,
                  "Neither `root`%s nor the six folders above it hold target\\release\\ppf-cts-server.exe, "
                  "bin\\ppf-cts-server.exe or ppf-cts-server.exe: set `root` (or `program`) to where it lies",
                  place_origin(settings->root_origin, at));
    break;
  case LAYOUT_NO_PYTHON:
    (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
                        "Embedded Python not found in %.200s or %.200s", found->place, found->other_place);
    penstock_next(error, "Install the solver again, or build it with its Python");
    break;
  default:
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    break;
  }
  return PENSTOCK_E_FAILED;
}

int place_find(const solver_settings *settings, layout *found, penstock_error *error) {
  if (!settings->root) {
    memset(found, 0, sizeof(*found));
    (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG,
                        "No solver answers at %s:%u, and the profile does not say where to launch one", settings->host,
                        settings->port);
    penstock_next(error, "Set `root` to the solver's folder, or `launch = never` and start it yourself");
    return PENSTOCK_E_FAILED;
  }
  layout_result result = settings->is_plain ? layout_find_venv(found, settings->root, settings->program, settings->venv,
                                                               files_exists, NULL)
                                            : layout_find(found, settings->root, settings->program, files_exists, NULL);
  if (result == LAYOUT_FOUND) {
    return PENSTOCK_OK;
  }
  int code = fail_layout(settings, found, result, error);
  layout_clear(found);
  return code;
}

/* Path of the record, to free(). */
static char *record_path(const layout *found, uint16_t port) {
  char name[64];
  (void)snprintf(name, sizeof(name), ".penstock-%u.solver", port);
  return layout_join(found->root, name);
}

int place_read_record(const layout *found, uint16_t port, record *kept) {
  size_t size = 0;
  char *path = record_path(found, port);
  char *text = path ? files_read_end(path, 4096, &size) : NULL;
  int result = text ? record_read(text, size, kept) : -1;
  free(path);
  free(text);
  return result;
}

int place_write_record(const layout *found, uint16_t port, const record *kept, penstock_error *error) {
  char text[512];
  char *path = record_path(found, port);
  int size = record_write(kept, text, sizeof(text));
  DWORD reason = path && size > 0 ? files_write(path, text, (size_t)size) : ERROR_NOT_ENOUGH_MEMORY;
  int result = reason == 0 ? PENSTOCK_OK : place_fail(path ? path : found->root, reason, error);
  free(path);
  return result;
}

void place_add_log(const layout *found, const char *log, penstock_error *error) {
  size_t size = 0;
  const char *begin = "";
  char *path = layout_join(found->root, log);
  char *text = path ? files_read_end(path, sizeof(error->detail) - 1, &size) : NULL;
  if (text) {
    (void)record_tail(text, size, LOG_LINES, &begin);
  }
  (void)snprintf(error->detail, sizeof(error->detail), "%s", begin[0] ? begin : "(the log is empty)");
  penstock_next(error, "%s %.400s",
                text && begin[0] ? "The end of its log is below; all of it is" : "Its log:", path ? path : log);
  free(path);
  free(text);
}

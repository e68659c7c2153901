/* SPDX-License-Identifier: MIT */
/*
 * The gateway runs in a process that was started anew (split_win.h), at the same console until it lets go of it: so it
 * can ask, and is told of Ctrl-C.
 */
#include "cli/background.h"

#include "cli/cli.h"
#include "cli/split_win.h"
#include "log/sink.h"
#include "win/reason.h"
#include "win/wide.h"

/* Said by the gateway that has let go. */
#define GONE 'g'

const char ps_background_kill[] = "taskkill /f /pid";
const char ps_background_show_log[] = "Windows' event log, source penstock (eventvwr; Windows Logs, "
                                      "Application)";

static int runs_it;

/* --- the log -------------------------------------------------------------------------------------- */

/* The folder is the user's own, whose access list new files take over. */
static int make_file(const char *path) {
  wchar_t *wide = ps_wide(path);
  if (!wide) {
    errno = ENOMEM;
    return -1;
  }
  ps_wide_make_folders(wide);
  free(wide);
  int fd = ps_log_sink_open(path);
  if (fd >= 0) {
    (void)close(fd);
  }
  return fd >= 0 ? 0 : -1;
}

char *ps_background_log(const char *profile, penstock_error *error) {
  const char *base = getenv("LOCALAPPDATA");
  ps_text path = {0};
  if (!base || !base[0]) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "there is no folder for the log: LOCALAPPDATA is not set");
    penstock_next(error, "set log_file, or --log-file");
    return NULL;
  }
  for (; *base; base++) {
    ps_text_add(&path, *base == '\\' ? "/" : base, 1);
  }
  ps_text_adds(&path, "/penstock/log/");
  ps_background_file_name(&path, profile);
  ps_text_adds(&path, ".log");
  if (path.no_memory || !path.data) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  } else if (make_file(path.data) == 0) {
    return path.data;
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot open the log file %s: %s", path.data,
                        strerror(errno));
    penstock_next(error, "set log_file, or --log-file, to a place that you can write to");
  }
  free(path.data);
  return NULL;
}

/* --- two processes -------------------------------------------------------------------------------- */

/* Until it says that it goes on by itself, or has ended. Returns whether it has ended. */
static int wait_for(HANDLE words) {
  char said = 0;
  DWORD count = 0;
  while (ReadFile(words, &said, 1, &count, NULL) && count == 1) {
    if (said == GONE) {
      return 0;
    }
  }
  return 1;
}

int ps_background_begin(size_t index, int *exit_code, int *has_ended, penstock_error *error) {
  ps_split_child child;
  char why[128];
  if (ps_split_own() == (int)index) {
    runs_it = 1;
    return 1;
  }
  ps_split_leave_keys_to_children(NULL);
  DWORD reason = ps_split_start(index, 0, &child);
  if (reason != 0) {
    ps_split_take_keys_back();
    ps_reason(reason, why, sizeof(why));
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start another process: %s", why);
  }
  *has_ended = wait_for(child.words);
  *exit_code = PS_EXIT_OK;
  if (*has_ended) {
    (void)WaitForSingleObject(child.process, INFINITE);
    *exit_code = ps_split_outcome(child.process, why, sizeof(why));
    if (why[0]) {
      (void)fprintf(stderr, "penstock up: %s\n", why);
    }
  }
  ps_split_take_keys_back();
  (void)CloseHandle(child.words);
  (void)CloseHandle(child.process);
  return 0;
}

static void point_at(int number, DWORD which, const char *path) {
  int fd = path ? ps_log_sink_open(path) : -1;
  fd = fd >= 0 ? fd : open("NUL", O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    (void)_dup2(fd, number); /* closes what was there, so that whoever reads it sees the end */
    (void)close(fd);
    HANDLE handle = (HANDLE)_get_osfhandle(number);
    (void)SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0);
    (void)SetStdHandle(which, handle);
  }
}

void ps_background_let_go(const char *log) {
  if (!runs_it) {
    return;
  }
  runs_it = 0;
  point_at(0, STD_INPUT_HANDLE, NULL);
  point_at(1, STD_OUTPUT_HANDLE, NULL);
  point_at(2, STD_ERROR_HANDLE, log);
  (void)FreeConsole(); /* whoever is at a console ends with its window */
  ps_split_say(GONE);
  ps_split_end_words();
}

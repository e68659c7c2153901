/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/native/ended_win.h"
#include "common/native/environment_win.h"
#include "common/native/place_win.h"
#include "common/native/runner_win.h"
#include "common/native/who_win.h"
#include "common/random.h"
#include "common/win/files_win.h"
#include "win/process.h"
#include "win/reason.h"

/* Another gateway may be launching in this folder: it is waited for so long. */
#define LOCK_PATIENCE_MS 5000

/* --- one launch at a time ------------------------------------------------------------------------- */

/* A mutex for each folder, whoever asks. NULL with `error`. */
static HANDLE lock_folder(const layout *found, penstock_error *error) {
  wchar_t name[64];
  uint64_t number = UINT64_C(0xcbf29ce484222325); /* FNV-1a of the path, in one case */
  for (const char *at = found->root; *at; at++) {
    unsigned char c = (unsigned char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
    number = (number ^ c) * UINT64_C(0x100000001b3);
  }
  (void)swprintf(name, 64, L"Global\\penstock-launch-%016llx", (unsigned long long)number);
  HANDLE mutex = CreateMutexW(NULL, FALSE, name);
  DWORD waited = mutex ? WaitForSingleObject(mutex, LOCK_PATIENCE_MS) : WAIT_FAILED;
  if (waited == WAIT_OBJECT_0 || waited == WAIT_ABANDONED) {
    return mutex;
  }
  if (mutex) {
    (void)CloseHandle(mutex);
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT,
                      "Another launch in %.300s is still under way", found->root);
  penstock_next(error, "Wait for it, or end the other gateway");
  return NULL;
}

static void unlock_folder(HANDLE mutex) {
  (void)ReleaseMutex(mutex);
  (void)CloseHandle(mutex);
}

/* --- jobs that end with us ------------------------------------------------------------------------ */

/* One of them. It is kept until this process ends or the solver does, whichever is first. */
typedef struct own_job {
  HANDLE job;
  HANDLE process;
} own_job;

/* Waits for the solver's end: what it started goes too then, as it would where the solver alone has the job. */
static DWORD WINAPI watch_solver(void *context) {
  own_job *self = context;
  (void)WaitForSingleObject(self->process, INFINITE);
  (void)TerminateJobObject(self->job, 1);
  (void)CloseHandle(self->job);
  (void)CloseHandle(self->process);
  free(self);
  return 0;
}

/* Takes over the job. If nobody can wait for the solver's end, the handle is kept all the same: that is what counts. */
static void keep_until_the_end(HANDLE job, HANDLE process) {
  own_job *self = calloc(1, sizeof(*self));
  HANDLE thread = NULL;
  if (self &&
      DuplicateHandle(GetCurrentProcess(), process, GetCurrentProcess(), &self->process, SYNCHRONIZE, FALSE, 0)) {
    self->job = job;
    thread = CreateThread(NULL, 65536, watch_solver, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  }
  if (thread) {
    (void)CloseHandle(thread);
    return;
  }
  if (self && self->process) {
    (void)CloseHandle(self->process);
  }
  free(self);
}

/* --- the process ---------------------------------------------------------------------------------- */

/* The solver's words, to free(); those in it are borrowed. NULL if memory is out. */
static const char **make_words(const solver_settings *settings, const layout *found, const record *kept,
                               const char *port) {
  size_t count = 0;
  while (settings->args[count]) {
    count++;
  }
  const char **words = calloc(count + 9, sizeof(*words));
  size_t used = 0;
  if (!words) {
    return NULL;
  }
  words[used++] = found->program;
  words[used++] = "--host";
  words[used++] = settings->host;
  words[used++] = "--port";
  words[used++] = port;
  words[used++] = "--progress-file";
  words[used++] = kept->progress;
  if (settings->debug) {
    words[used++] = "--debug";
  }
  for (size_t i = 0; i < count; i++) {
    words[used++] = settings->args[i];
  }
  return words;
}

static int make_runner(runner *made, const solver_settings *settings, const layout *found, const record *kept,
                       const wchar_t *environment, penstock_error *error) {
  char port[8];
  (void)snprintf(port, sizeof(port), "%u", settings->port);
  const char **words = environment ? make_words(settings, found, kept, port) : NULL;
  *made = (runner){0};
  int result = words ? runner_make(made, words, environment, error)
                     : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  free(words);
  return result;
}

static DWORD open_streams(ps_process *how, const layout *found, const record *kept) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  char *path = layout_join(found->root, kept->log);
  how->output = how->errors = path ? files_open_log(path) : INVALID_HANDLE_VALUE;
  DWORD reason = how->output == INVALID_HANDLE_VALUE ? GetLastError() : 0;
  free(path);
  how->input =
      CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
  return reason;
}

static int fail_start(const layout *found, DWORD reason, penstock_error *error) {
  char text[160];
  ps_reason(reason, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT, "%.300s could not be started: %s",
                      found->program, text);
  penstock_next(error, "Start it by hand to see what Windows says of it");
  return PENSTOCK_E_FAILED;
}

/* Puts the suspended process into its job, writes the record, and lets it run. */
static int set_off(const solver_settings *settings, const layout *found, HANDLE job, const PROCESS_INFORMATION *made,
                   record *kept, penstock_error *error) {
  HANDLE theirs = NULL;
  kept->pid = made->dwProcessId;
  kept->start = who_start(made->hProcess);
  if (!AssignProcessToJobObject(job, made->hProcess) ||
      (settings->keep &&
       !DuplicateHandle(GetCurrentProcess(), job, made->hProcess, &theirs, 0, FALSE, DUPLICATE_SAME_ACCESS))) {
    DWORD reason = GetLastError();
    (void)TerminateProcess(made->hProcess, 1);
    return fail_start(found, reason, error);
  }
  int result = place_write_record(found, settings->port, kept, error);
  if (result == PENSTOCK_OK && ResumeThread(made->hThread) == (DWORD)-1) {
    result = fail_start(found, GetLastError(), error);
  }
  if (result != PENSTOCK_OK) {
    (void)TerminateJobObject(job, 1);
  }
  return result;
}

static void close_streams(const ps_process *how) {
  if (how->input != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(how->input);
  }
  if (how->output != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(how->output);
  }
}

/* Starts what `how` says, whose streams are open. */
static int start_in_job(const solver_settings *settings, const layout *found, const ps_process *how, record *kept,
                        penstock_error *error) {
  PROCESS_INFORMATION made = {0};
  wchar_t name[64];
  who_job_name(kept->token, name);
  HANDLE job = ps_process_make_job(name);
  DWORD reason = job ? ps_process_create(how, &made) : GetLastError();
  int result = reason ? fail_start(found, reason, error) : set_off(settings, found, job, &made, kept, error);
  if (result == PENSTOCK_OK) {
    ended_watch(kept, made.hProcess);
  }
  if (result == PENSTOCK_OK && !settings->keep) {
    keep_until_the_end(job, made.hProcess);
  } else if (job) {
    (void)CloseHandle(job);
  }
  if (made.hProcess) {
    (void)CloseHandle(made.hProcess);
    (void)CloseHandle(made.hThread);
  }
  return result;
}

static int start_solver(const solver_settings *settings, const layout *found, record *kept, penstock_error *error) {
  runner made;
  wchar_t *folder = files_wide_path(found->root);
  wchar_t *environment = environment_make(settings, found, NULL);
  int result = make_runner(&made, settings, found, kept, environment, error);
  ps_process how = {.program = made.program,
                    .line = made.line,
                    .environment = environment,
                    .folder = folder,
                    .input = INVALID_HANDLE_VALUE,
                    .output = INVALID_HANDLE_VALUE,
                    .leaves_job = 1};
  DWORD reason = result == PENSTOCK_OK ? open_streams(&how, found, kept) : 0;
  if (reason != 0) {
    char *log = layout_join(found->root, kept->log);
    result = place_fail(log ? log : found->root, reason, error);
    free(log);
  } else if (result == PENSTOCK_OK) {
    result = folder ? start_in_job(settings, found, &how, kept, error) : fail_start(found, ERROR_OUTOFMEMORY, error);
  }
  close_streams(&how);
  runner_clear(&made);
  free(environment);
  free(folder);
  return result;
}

/* --- the launch ----------------------------------------------------------------------------------- */

static int make_token(char token[RECORD_TOKEN_SIZE]) {
  unsigned char bytes[(RECORD_TOKEN_SIZE - 1) / 2];
  if (random_bytes(bytes, sizeof(bytes)) != PENSTOCK_OK) {
    return -1;
  }
  for (size_t i = 0; i < sizeof(bytes); i++) {
    (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
  }
  return 0;
}

/* What the solver before left in its job may still hold its socket. */
static void end_leftovers(const record *before) {
  wchar_t name[64];
  who_job_name(before->token, name);
  HANDLE job = OpenJobObjectW(JOB_OBJECT_TERMINATE, FALSE, name);
  if (job) {
    (void)TerminateJobObject(job, 1);
    (void)CloseHandle(job);
  }
}

/* Does another solver that we know run in this folder? */
static int has_neighbour(const layout *found, uint16_t port) {
  WIN32_FIND_DATAW entry;
  int is_there = 0;
  char *pattern = layout_join(found->root, ".penstock-*.solver");
  wchar_t *wide = pattern ? files_wide_path(pattern) : NULL;
  HANDLE search = wide ? FindFirstFileW(wide, &entry) : INVALID_HANDLE_VALUE;
  free(pattern);
  free(wide);
  if (search == INVALID_HANDLE_VALUE) {
    return 0;
  }
  do {
    record other;
    who_solver its;
    unsigned long number = wcstoul(entry.cFileName + wcslen(L".penstock-"), NULL, 10);
    if (number == 0 || number == port || number > UINT16_MAX ||
        place_read_record(found, (uint16_t)number, &other) != 0 || !who_find(&other, &its)) {
      continue;
    }
    who_close(&its);
    is_there = 1;
  } while (!is_there && FindNextFileW(search, &entry));
  (void)FindClose(search);
  return is_there;
}

/* A second solver in the same folder gets files of its own. The log of the solver before says why that one ended. */
static int prepare_files(const layout *found, uint16_t port, record *kept, penstock_error *error) {
  char suffix[16] = "";
  char old_name[RECORD_NAME_SIZE + 4];
  if (has_neighbour(found, port)) {
    (void)snprintf(suffix, sizeof(suffix), "-%u", port);
  }
  (void)snprintf(kept->log, sizeof(kept->log), "server%s.log", suffix);
  (void)snprintf(kept->progress, sizeof(kept->progress), "progress%s.log", suffix);
  (void)snprintf(old_name, sizeof(old_name), "%s.1", kept->log);
  char *progress = layout_join(found->root, kept->progress);
  char *log = layout_join(found->root, kept->log);
  char *old = layout_join(found->root, old_name);
  wchar_t *wide_progress = progress ? files_wide_path(progress) : NULL;
  wchar_t *wide_log = log ? files_wide_path(log) : NULL;
  wchar_t *wide_old = old ? files_wide_path(old) : NULL;
  int result = wide_progress && wide_log && wide_old ? PENSTOCK_OK : PENSTOCK_E_NOMEM;
  if (result != PENSTOCK_OK) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
  } else if (!DeleteFileW(wide_progress) && GetLastError() != ERROR_FILE_NOT_FOUND) {
    result = place_fail(progress, GetLastError(), error);
  } else {
    (void)MoveFileExW(wide_log, wide_old,
                      MOVEFILE_REPLACE_EXISTING); /* if it cannot be, the new words follow the old */
  }
  free(progress);
  free(log);
  free(old);
  free(wide_progress);
  free(wide_log);
  free(wide_old);
  return result;
}

static int launch_locked(const solver_settings *settings, const layout *found, char *told, size_t size,
                         penstock_error *error) {
  char holder[160];
  char at[300];
  record kept;
  who_solver its;
  if (place_read_record(found, settings->port, &kept) == 0) {
    if (who_find(&kept, &its)) {
      ended_watch(&kept, its.process);
      who_close(&its);
      (void)snprintf(told, size, "runs already, pid %lu", (unsigned long)kept.pid);
      return PENSTOCK_OK;
    }
    end_leftovers(&kept);
  }
  DWORD pid = who_listens(settings->port);
  if (pid != 0) {
    who_describe(pid, holder, sizeof(holder));
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                        "Port %u is in use on this machine, by %s", settings->port, holder);
    penstock_next(error, "End that program, or set `endpoint`%s to a free port",
                  place_origin(settings->endpoint_origin, at));
    return PENSTOCK_E_FAILED;
  }
  memset(&kept, 0, sizeof(kept));
  if (make_token(kept.token) != 0) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "The system gives no random numbers");
  }
  int result = prepare_files(found, settings->port, &kept, error);
  result = result == PENSTOCK_OK ? start_solver(settings, found, &kept, error) : result;
  (void)snprintf(told, size, "pid %lu in %s", (unsigned long)kept.pid, found->root);
  return result;
}

int solver_launch(const solver_settings *settings, char *told, size_t size, penstock_error *error) {
  layout found;
  int result = place_find(settings, &found, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  HANDLE mutex = lock_folder(&found, error);
  result = PENSTOCK_E_FAILED;
  if (mutex) {
    result = launch_locked(settings, &found, told, size, error);
    unlock_folder(mutex);
  }
  layout_clear(&found);
  return result;
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/native/place_win.h"
#include "common/native/who_win.h"
#include "common/random.h"
#include "common/win/command.h"
#include "common/win/files_win.h"

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

static HANDLE make_job(const char *token) {
  wchar_t name[64];
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
      .BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE}};
  who_job_name(token, name);
  HANDLE job = CreateJobObjectW(NULL, name);
  if (job && !SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits))) {
    (void)CloseHandle(job);
    job = NULL;
  }
  return job;
}

/* --- the environment ------------------------------------------------------------------------------ */

static int by_name(const void *left, const void *right) {
  return _wcsicmp(*(wchar_t *const *)left, *(wchar_t *const *)right);
}

static int is_set_in(char *const *list, const char *entry) {
  for (size_t i = 0; list[i]; i++) {
    if (command_same_variable(list[i], entry)) {
      return 1;
    }
  }
  return 0;
}

typedef struct entries {
  wchar_t **items;
  size_t count;
  size_t room;
  size_t length; /* characters of all, each with its NUL */
  int failed;
} entries;

static void add_entry(entries *list, const char *text) {
  wchar_t *wide = files_wide(text);
  if (!wide || list->count == list->room) {
    list->failed = 1;
    free(wide);
    return;
  }
  list->length += wcslen(wide) + 1;
  list->items[list->count++] = wide;
}

/* A value of our own environment in UTF-8, to free(); NULL if it is not set. */
static char *own_variable(const wchar_t *name) {
  DWORD size = GetEnvironmentVariableW(name, NULL, 0);
  wchar_t *wide = size > 0 ? calloc(size, sizeof(*wide)) : NULL;
  char *text = NULL;
  if (wide && GetEnvironmentVariableW(name, wide, size) < size) {
    int room = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    text = malloc((size_t)room);
    if (text) {
      (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, room, NULL, NULL);
    }
  }
  free(wide);
  return text;
}

/* Ours, in its place what the folder needs, and in place of both what the profile says. */
static void collect(entries *list, const solver_settings *settings, char *const *own) {
  wchar_t *block = GetEnvironmentStringsW();
  for (const wchar_t *entry = block; entry && *entry; entry += wcslen(entry) + 1) {
    int size = WideCharToMultiByte(CP_UTF8, 0, entry, -1, NULL, 0, NULL, NULL);
    char *text = malloc((size_t)size);
    if (text) {
      (void)WideCharToMultiByte(CP_UTF8, 0, entry, -1, text, size, NULL, NULL);
      if (text[0] == '=' || (!is_set_in(own, text) && !is_set_in(settings->env, text))) {
        add_entry(list, text);
      }
    }
    free(text);
  }
  if (block) {
    (void)FreeEnvironmentStringsW(block);
  }
  for (size_t i = 0; own[i]; i++) {
    if (!is_set_in(settings->env, own[i])) {
      add_entry(list, own[i]);
    }
  }
  for (size_t i = 0; settings->env[i]; i++) {
    add_entry(list, settings->env[i]);
  }
}

static size_t count_own(void) {
  size_t count = 0;
  wchar_t *block = GetEnvironmentStringsW();
  for (const wchar_t *entry = block; entry && *entry; entry += wcslen(entry) + 1) {
    count++;
  }
  if (block) {
    (void)FreeEnvironmentStringsW(block);
  }
  return count;
}

/* As CreateProcessW() wants it, sorted; to free(). NULL if memory is out. */
static wchar_t *make_environment(const solver_settings *settings, const layout *found) {
  char *own[LAYOUT_ENTRIES + 1];
  char *path = own_variable(L"PATH");
  char *python_path = own_variable(L"PYTHONPATH");
  entries list = {.room = count_own() + LAYOUT_ENTRIES + 1024};
  wchar_t *block = NULL;
  list.items = calloc(list.room, sizeof(*list.items));
  if (list.items && layout_environment(found, path, python_path, own) == 0) {
    collect(&list, settings, own);
    for (size_t i = 0; own[i]; i++) {
      free(own[i]);
    }
    block = list.failed ? NULL : calloc(list.length + 1, sizeof(*block));
  }
  if (block) {
    wchar_t *at = block;
    qsort(list.items, list.count, sizeof(*list.items), by_name);
    for (size_t i = 0; i < list.count; i++) {
      memcpy(at, list.items[i], (wcslen(list.items[i]) + 1) * sizeof(*at));
      at += wcslen(list.items[i]) + 1;
    }
  }
  for (size_t i = 0; i < list.count; i++) {
    free(list.items[i]);
  }
  free(list.items);
  free(path);
  free(python_path);
  return block;
}

/* --- the process ---------------------------------------------------------------------------------- */

/* The solver's words as a line, to free(). */
static wchar_t *make_line(const solver_settings *settings, const layout *found, const record *kept) {
  char port[8];
  size_t count = 0;
  while (settings->args[count]) {
    count++;
  }
  const char **words = calloc(count + 9, sizeof(*words));
  size_t used = 0;
  if (!words) {
    return NULL;
  }
  (void)snprintf(port, sizeof(port), "%u", settings->port);
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
  char *line = command_line(words);
  wchar_t *wide = line ? files_wide(line) : NULL;
  free(words);
  free(line);
  return wide;
}

/* What a process is started with. */
typedef struct start {
  wchar_t *program;
  wchar_t *line;
  wchar_t *environment;
  wchar_t *folder;
  HANDLE input;
  HANDLE output;
} start;

/* Suspended, so that it starts nothing before it is in its job, and with nothing of ours but two handles. Returns 0 or
 * an error of Windows. */
static DWORD create(const start *how, DWORD flags, PROCESS_INFORMATION *made) {
  STARTUPINFOEXW info = {.StartupInfo = {.cb = sizeof(info), .dwFlags = STARTF_USESTDHANDLES}};
  HANDLE handles[] = {how->input, how->output};
  SIZE_T size = 0;
  DWORD reason = 0;
  info.StartupInfo.hStdInput = how->input;
  info.StartupInfo.hStdOutput = info.StartupInfo.hStdError = how->output;
  (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
  info.lpAttributeList = malloc(size);
  if (!info.lpAttributeList || !InitializeProcThreadAttributeList(info.lpAttributeList, 1, 0, &size)) {
    free(info.lpAttributeList);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  flags |= CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
  if (!UpdateProcThreadAttribute(info.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles, sizeof(handles),
                                 NULL, NULL) ||
      !CreateProcessW(how->program, how->line, NULL, NULL, TRUE, flags, how->environment, how->folder,
                      &info.StartupInfo, made)) {
    reason = GetLastError();
  }
  DeleteProcThreadAttributeList(info.lpAttributeList);
  free(info.lpAttributeList);
  return reason;
}

static DWORD open_streams(start *how, const layout *found, const record *kept) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  char *path = layout_join(found->root, kept->log);
  how->output = path ? files_open_log(path) : INVALID_HANDLE_VALUE;
  DWORD reason = how->output == INVALID_HANDLE_VALUE ? GetLastError() : 0;
  free(path);
  how->input =
      CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
  return reason;
}

/* Our own job, such as a terminal's, would take the solver with it: it leaves that one if it may. */
static DWORD create_outside(const start *how, PROCESS_INFORMATION *made) {
  DWORD reason = create(how, CREATE_BREAKAWAY_FROM_JOB, made);
  return reason == ERROR_ACCESS_DENIED ? create(how, 0, made) : reason;
}

static int fail_start(const layout *found, DWORD reason, penstock_error *error) {
  char text[160];
  files_reason(reason, text, sizeof(text));
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

static int start_solver(const solver_settings *settings, const layout *found, record *kept, penstock_error *error) {
  PROCESS_INFORMATION made = {0};
  start how = {files_wide_path(found->program),
               make_line(settings, found, kept),
               make_environment(settings, found),
               files_wide_path(found->root),
               INVALID_HANDLE_VALUE,
               INVALID_HANDLE_VALUE};
  HANDLE job = make_job(kept->token);
  int result;
  DWORD reason = open_streams(&how, found, kept);
  if (reason != 0) {
    char *log = layout_join(found->root, kept->log);
    result = place_fail(log ? log : found->root, reason, error);
    free(log);
  } else {
    reason = how.program && how.line && how.environment && how.folder && job ? create_outside(&how, &made)
                                                                             : ERROR_NOT_ENOUGH_MEMORY;
    result = reason ? fail_start(found, reason, error) : set_off(settings, found, job, &made, kept, error);
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
  if (how.input != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(how.input);
  }
  if (how.output != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(how.output);
  }
  free(how.program);
  free(how.line);
  free(how.environment);
  free(how.folder);
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

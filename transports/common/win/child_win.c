/* SPDX-License-Identifier: MIT */
#include "common/win/child_win.h"

#include <stdlib.h>

#include "common/win/command.h"
#include "common/win/files_win.h"
#include "win/program.h"

/* --- the environment ------------------------------------------------------------------------------ */

static int by_name(const void *left, const void *right) {
  return _wcsicmp(*(wchar_t *const *)left, *(wchar_t *const *)right);
}

/* Do both entries set the same variable? Case does not count. One that begins with a `=` (a drive's folder) is none. */
static int is_same(const wchar_t *entry, const wchar_t *other) {
  const wchar_t *end = wcschr(entry + 1, L'=');
  size_t length = end ? (size_t)(end - entry) + 1 : wcslen(entry);
  return _wcsnicmp(entry, other, length) == 0;
}

static int is_among(const wchar_t *entry, wchar_t *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (is_same(list[i], entry)) {
      return 1;
    }
  }
  return 0;
}

/* Entries one after the other, sorted, as CreateProcessW() wants them. */
static wchar_t *join(wchar_t **list, size_t count) {
  size_t length = 1;
  for (size_t i = 0; i < count; i++) {
    length += wcslen(list[i]) + 1;
  }
  wchar_t *block = calloc(length + 1, sizeof(*block));
  wchar_t *at = block;
  qsort(list, count, sizeof(*list), by_name);
  for (size_t i = 0; block && i < count; i++) {
    size_t size = wcslen(list[i]) + 1;
    memcpy(at, list[i], size * sizeof(*at));
    at += size;
  }
  return block;
}

/* Ours with `added` in the place of what has the same names. */
static wchar_t *merge(wchar_t *const *added, size_t count) {
  wchar_t *ours = GetEnvironmentStringsW();
  size_t room = count;
  for (const wchar_t *entry = ours; entry && *entry; entry += wcslen(entry) + 1) {
    room++;
  }
  wchar_t **list = calloc(room + 1, sizeof(*list));
  wchar_t *block = NULL;
  size_t used = 0;
  if (ours && list) {
    for (wchar_t *entry = ours; *entry; entry += wcslen(entry) + 1) {
      if (!is_among(entry, added, count)) {
        list[used++] = entry;
      }
    }
    for (size_t i = 0; i < count; i++) {
      list[used++] = added[i];
    }
    block = join(list, used);
  }
  free(list);
  if (ours) {
    (void)FreeEnvironmentStringsW(ours);
  }
  return block;
}

/* To free(); NULL if memory is out. */
static wchar_t *make_environment(const char *const *env) {
  size_t count = 0;
  while (env && env[count]) {
    count++;
  }
  wchar_t **added = calloc(count + 1, sizeof(*added));
  int failed = !added;
  for (size_t i = 0; !failed && i < count; i++) {
    added[i] = files_wide(env[i]);
    failed = !added[i];
  }
  wchar_t *block = failed ? NULL : merge(added, count);
  for (size_t i = 0; added && i < count; i++) {
    free(added[i]);
  }
  free(added);
  return block;
}

/* --- the program ---------------------------------------------------------------------------------- */

static char *to_utf8(const wchar_t *wide) {
  int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  char *text = malloc((size_t)size + 1);
  if (text) {
    (void)WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
  }
  return text;
}

char *child_find(const char *name) {
  wchar_t *wide = files_wide(name);
  for (wchar_t *at = wide; at && *at; at++) {
    *at = *at == L'/' ? L'\\' : *at;
  }
  wchar_t *path = wide ? ps_program_in_path(wide) : NULL;
  char *found = path ? to_utf8(path) : NULL;
  free(wide);
  free(path);
  return found;
}

HANDLE child_open_nothing(void) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  return CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
}

/* --- starting ------------------------------------------------------------------------------------- */

/* What CreateProcessW() is given. */
typedef struct start {
  wchar_t *program;
  wchar_t *line;
  wchar_t *environment;
  HANDLE handles[3];
} start;

/* Suspended: it starts nothing before it is in its job. Returns 0 or an error of Windows. */
static DWORD create(start *how, PROCESS_INFORMATION *made) {
  const DWORD flags = CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
  STARTUPINFOEXW info = {.StartupInfo = {.cb = sizeof(info), .dwFlags = STARTF_USESTDHANDLES}};
  /* No handle may be in the list twice. */
  SIZE_T count = how->handles[1] == how->handles[2] ? 2 : 3;
  SIZE_T size = 0;
  DWORD reason = 0;
  info.StartupInfo.hStdInput = how->handles[0];
  info.StartupInfo.hStdOutput = how->handles[1];
  info.StartupInfo.hStdError = how->handles[2];
  (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
  info.lpAttributeList = malloc(size);
  if (!info.lpAttributeList || !InitializeProcThreadAttributeList(info.lpAttributeList, 1, 0, &size)) {
    free(info.lpAttributeList);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  if (!UpdateProcThreadAttribute(info.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, how->handles,
                                 count * sizeof(HANDLE), NULL, NULL) ||
      !CreateProcessW(how->program, how->line, NULL, NULL, TRUE, flags, how->environment, NULL, &info.StartupInfo,
                      made)) {
    reason = GetLastError();
  }
  DeleteProcThreadAttributeList(info.lpAttributeList);
  free(info.lpAttributeList);
  return reason;
}

static HANDLE make_job(void) {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
      .BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE}};
  HANDLE job = CreateJobObjectW(NULL, NULL);
  if (job && !SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits))) {
    (void)CloseHandle(job);
    job = NULL;
  }
  return job;
}

/* Puts the suspended process into the job, and lets it run. */
static DWORD set_off(const PROCESS_INFORMATION *made, HANDLE job) {
  DWORD reason = 0;
  if (!AssignProcessToJobObject(job, made->hProcess) || ResumeThread(made->hThread) == (DWORD)-1) {
    reason = GetLastError();
    (void)TerminateProcess(made->hProcess, 1);
    (void)CloseHandle(made->hProcess);
  }
  (void)CloseHandle(made->hThread);
  return reason;
}

DWORD child_start(const child_command *command, HANDLE input, HANDLE output, HANDLE error_output, child_process *made) {
  PROCESS_INFORMATION started = {0};
  char *found = command->program ? NULL : child_find(command->argv[0]);
  char *words = command->line ? NULL : command_line(command->argv);
  const char *program = command->program ? command->program : found;
  const char *line = command->line ? command->line : words;
  start how = {program ? files_wide_path(program) : NULL,
               line ? files_wide(line) : NULL,
               make_environment(command->env),
               {input, output, error_output}};
  DWORD reason = program ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_NOT_FOUND;
  made->process = NULL;
  made->job = make_job();
  /* Of a batch file, cmd.exe would take the words apart by rules of its own. */
  if (how.program && ps_program_is_batch(how.program)) {
    reason = ERROR_BAD_EXE_FORMAT;
  } else if (how.program && how.line && how.environment && made->job) {
    reason = create(&how, &started);
    reason = reason ? reason : set_off(&started, made->job);
  }
  free(found);
  free(words);
  free(how.program);
  free(how.line);
  free(how.environment);
  if (reason == 0) {
    made->process = started.hProcess;
  } else {
    child_close(made);
  }
  return reason;
}

/* --- the end -------------------------------------------------------------------------------------- */

int child_has_ended(const child_process *child, int *code) {
  DWORD status = 0;
  *code = -1;
  if (WaitForSingleObject(child->process, 0) != WAIT_OBJECT_0) {
    return 0;
  }
  if (GetExitCodeProcess(child->process, &status)) {
    *code = (int)status;
  }
  return 1;
}

void child_kill(const child_process *child) {
  (void)TerminateJobObject(child->job, 1);
}

void child_close(child_process *child) {
  if (child->job) {
    (void)CloseHandle(child->job);
    child->job = NULL;
  }
  if (child->process) {
    (void)CloseHandle(child->process);
    child->process = NULL;
  }
}

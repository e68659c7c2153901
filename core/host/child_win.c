/* SPDX-License-Identifier: MIT */
#include "host/child_win.h"

#include <stdlib.h>

#include "base/command_line.h"
#include "base/text.h"
#include "net/net_win.h"
#include "win/program.h"
#include "win/wide.h"

/* --- the environment ------------------------------------------------------------------------------ */

/* Names are the same whatever their case. An entry that begins with a `=` (a drive's folder) is none of these. */
static int same_name(const wchar_t *entry, const wchar_t *other) {
  const wchar_t *end = wcschr(entry + 1, L'=');
  size_t length = end ? (size_t)(end - entry) + 1 : wcslen(entry);
  return _wcsnicmp(entry, other, length) == 0;
}

static int is_replaced(const wchar_t *entry, wchar_t *const *added, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (same_name(added[i], entry)) {
      return 1;
    }
  }
  return 0;
}

static int by_name(const void *left, const void *right) {
  return _wcsicmp(*(wchar_t *const *)left, *(wchar_t *const *)right);
}

/* Our environment, with `added` in place of what has the same names, as CreateProcessW() wants it: sorted. */
static wchar_t *merge_environment(wchar_t **added, size_t count) {
  wchar_t *ours = GetEnvironmentStringsW();
  size_t entries = count;
  size_t length = 1;
  for (wchar_t *entry = ours; entry && *entry; entry += wcslen(entry) + 1) {
    entries++;
    length += wcslen(entry) + 1;
  }
  for (size_t i = 0; i < count; i++) {
    length += wcslen(added[i]) + 1;
  }
  wchar_t **list = calloc(entries + 1, sizeof(*list));
  wchar_t *block = calloc(length + 1, sizeof(*block));
  size_t used = 0;
  for (wchar_t *entry = ours; list && entry && *entry; entry += wcslen(entry) + 1) {
    if (!is_replaced(entry, added, count)) {
      list[used++] = entry;
    }
  }
  for (size_t i = 0; list && i < count; i++) {
    list[used++] = added[i];
  }
  if (list && block) {
    wchar_t *at = block;
    qsort(list, used, sizeof(*list), by_name);
    for (size_t i = 0; i < used; i++) {
      size_t size = wcslen(list[i]) + 1;
      memcpy(at, list[i], size * sizeof(*at));
      at += size;
    }
  } else {
    free(block);
    block = NULL;
  }
  free(list);
  if (ours) {
    (void)FreeEnvironmentStringsW(ours);
  }
  return block;
}

static wchar_t *environment_of(const ps_child *child) {
  size_t count = 0;
  while (child->env && child->env[count]) {
    count++;
  }
  wchar_t **added = calloc(count + 1, sizeof(*added));
  int failed = !added;
  for (size_t i = 0; !failed && i < count; i++) {
    added[i] = ps_wide(child->env[i]);
    failed = !added[i];
  }
  wchar_t *block = failed ? NULL : merge_environment(added, count);
  for (size_t i = 0; added && i < count; i++) {
    free(added[i]);
  }
  free(added);
  return block;
}

/* --- the program ---------------------------------------------------------------------------------- */

static wchar_t *find_program(const char *name) {
  wchar_t *wide = ps_wide(name);
  for (wchar_t *at = wide; at && *at; at++) {
    *at = *at == L'/' ? L'\\' : *at;
  }
  wchar_t *path = wide ? ps_program_in_path(wide) : NULL;
  free(wide);
  return path;
}

static int32_t program_failed(const char *name, DWORD reason, penstock_error *error) {
  char text[160];
  ps_net_reason((int)reason, text, sizeof(text));
  switch (reason) {
  case ERROR_FILE_NOT_FOUND:
  case ERROR_PATH_NOT_FOUND:
    penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG,
                  strpbrk(name, "/\\") ? "there is no program '%s'" : "the program '%s' was not found in PATH", name);
    penstock_next(error, "install it, or correct its path");
    return PENSTOCK_E_NOT_FOUND;
  case ERROR_DIRECTORY:
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot start '%s' in its folder: %s", name, text);
    penstock_next(error, "create the folder, or correct its path");
    return PENSTOCK_E_FAILED;
  case ERROR_NOT_ENOUGH_MEMORY:
  case ERROR_NO_SYSTEM_RESOURCES:
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start '%s': %s", name, text);
    penstock_next(error, "a limit of this machine is reached: end other programs");
    return PENSTOCK_E_LIMIT;
  case ERROR_BAD_EXE_FORMAT:
    penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "'%s' is no program of this machine", name);
    penstock_next(error, "name a program (.exe); a batch file is run by cmd.exe (cmd /c FILE)");
    return PENSTOCK_E_FAILED;
  default:
    penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "cannot start '%s': %s", name, text);
    penstock_next(error, "check that the file is a program for this machine");
    return PENSTOCK_E_FAILED;
  }
}

/* --- starting ------------------------------------------------------------------------------------- */

/* Suspended, so that it can start nothing before it is in the job. Returns 0 or an error of Windows. */
static DWORD create(const ps_child *child, const wchar_t *path, wchar_t *line, wchar_t *environment,
                    const wchar_t *folder, HANDLE job, PROCESS_INFORMATION *made) {
  STARTUPINFOEXW start = {.StartupInfo = {.cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES}};
  HANDLE handles[] = {child->input, child->output, child->error_output};
  SIZE_T size = 0;
  DWORD reason = 0;
  start.StartupInfo.hStdInput = child->input;
  start.StartupInfo.hStdOutput = child->output;
  start.StartupInfo.hStdError = child->error_output;
  (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
  start.lpAttributeList = malloc(size);
  if (!start.lpAttributeList || !InitializeProcThreadAttributeList(start.lpAttributeList, 1, 0, &size)) {
    free(start.lpAttributeList);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  if (!UpdateProcThreadAttribute(start.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles, sizeof(handles),
                                 NULL, NULL) ||
      !CreateProcessW(path, line, NULL, NULL, TRUE,
                      CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
                      environment, folder, &start.StartupInfo, made)) {
    reason = GetLastError();
  } else if (!AssignProcessToJobObject(job, made->hProcess) || ResumeThread(made->hThread) == (DWORD)-1) {
    reason = GetLastError();
    (void)TerminateProcess(made->hProcess, 1);
    (void)CloseHandle(made->hProcess);
    (void)CloseHandle(made->hThread);
  } else {
    (void)CloseHandle(made->hThread);
  }
  DeleteProcThreadAttributeList(start.lpAttributeList);
  free(start.lpAttributeList);
  return reason;
}

int32_t ps_child_start(const ps_child *child, HANDLE *process, HANDLE *job, penstock_error *error) {
  PROCESS_INFORMATION made = {0};
  char *narrow = ps_command_line(child->argv);
  wchar_t *line = narrow ? ps_wide(narrow) : NULL;
  wchar_t *environment = environment_of(child);
  wchar_t *folder = child->cwd ? ps_wide(child->cwd) : NULL;
  wchar_t *path = find_program(child->argv[0]);
  DWORD reason = path ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_NOT_FOUND;
  *process = NULL;
  *job = CreateJobObjectW(NULL, NULL);
  /* Of a batch file, cmd.exe would take the arguments apart by rules of its own. */
  if (path && ps_program_is_batch(path)) {
    reason = ERROR_BAD_EXE_FORMAT;
  } else if (path && line && environment && *job && (folder || !child->cwd)) {
    reason = create(child, path, line, environment, folder, *job, &made);
  }
  free(narrow);
  free(line);
  free(environment);
  free(folder);
  free(path);
  if (reason != 0) {
    if (*job) {
      (void)CloseHandle(*job);
      *job = NULL;
    }
    return program_failed(child->argv[0], reason, error);
  }
  *process = made.hProcess;
  return PENSTOCK_OK;
}

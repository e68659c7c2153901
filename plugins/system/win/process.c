/* SPDX-License-Identifier: MIT */
#include "win/process.h"

#include "win/program.h"
#include "win/wide.h"

wchar_t *ps_process_find(const char *name) {
  wchar_t *wide = ps_wide(name);
  for (wchar_t *at = wide; at && *at; at++) {
    *at = *at == L'/' ? L'\\' : *at;
  }
  wchar_t *path = wide ? ps_program_in_path(wide) : NULL;
  free(wide);
  return path;
}

/* --- starting ------------------------------------------------------------------------------------- */

/* The system wants each handle once. Returns how many there are. */
static size_t list_handles(const ps_process *how, HANDLE handles[3]) {
  size_t count = 0;
  handles[count++] = how->input;
  if (how->output != how->input) {
    handles[count++] = how->output;
  }
  if (how->errors != how->output && how->errors != how->input) {
    handles[count++] = how->errors;
  }
  return count;
}

static DWORD create(const ps_process *how, DWORD flags, PROCESS_INFORMATION *made) {
  STARTUPINFOEXW info = {.StartupInfo = {.cb = sizeof(info), .dwFlags = STARTF_USESTDHANDLES}};
  HANDLE handles[3];
  size_t count = list_handles(how, handles);
  SIZE_T size = 0;
  DWORD reason = 0;
  info.StartupInfo.hStdInput = how->input;
  info.StartupInfo.hStdOutput = how->output;
  info.StartupInfo.hStdError = how->errors;
  (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
  info.lpAttributeList = malloc(size);
  if (!info.lpAttributeList || !InitializeProcThreadAttributeList(info.lpAttributeList, 1, 0, &size)) {
    free(info.lpAttributeList);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  flags |= CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT;
  if (!UpdateProcThreadAttribute(info.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles,
                                 count * sizeof(handles[0]), NULL, NULL) ||
      !CreateProcessW(how->program, how->line, NULL, NULL, TRUE, flags, how->environment, how->folder,
                      &info.StartupInfo, made)) {
    reason = GetLastError();
  }
  DeleteProcThreadAttributeList(info.lpAttributeList);
  free(info.lpAttributeList);
  return reason;
}

DWORD ps_process_create(const ps_process *how, PROCESS_INFORMATION *made) {
  if (ps_program_is_batch(how->program)) {
    return ERROR_BAD_EXE_FORMAT;
  }
  DWORD reason = create(how, how->leaves_job ? CREATE_BREAKAWAY_FROM_JOB : 0, made);
  return reason == ERROR_ACCESS_DENIED && how->leaves_job ? create(how, 0, made) : reason;
}

DWORD ps_process_set_off(PROCESS_INFORMATION *made, HANDLE job) {
  DWORD reason = 0;
  if (!AssignProcessToJobObject(job, made->hProcess) || ResumeThread(made->hThread) == (DWORD)-1) {
    reason = GetLastError();
    (void)TerminateProcess(made->hProcess, 1);
    (void)CloseHandle(made->hProcess);
    made->hProcess = NULL;
  }
  (void)CloseHandle(made->hThread);
  made->hThread = NULL;
  return reason;
}

HANDLE ps_process_make_job(const wchar_t *name) {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
      .BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE}};
  HANDLE job = CreateJobObjectW(NULL, name);
  if (job && !SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits))) {
    DWORD reason = GetLastError();
    (void)CloseHandle(job);
    SetLastError(reason);
    job = NULL;
  }
  return job;
}

/* SPDX-License-Identifier: MIT */
#include "common/win/child_win.h"

#include <stdlib.h>

#include "command_line.h"
#include "common/win/files_win.h"
#include "win/environment.h"
#include "win/process.h"
#include "win/wide.h"

char *child_find(const char *name) {
  wchar_t *path = ps_process_find(name);
  char *found = path ? ps_narrow(path) : NULL;
  free(path);
  return found;
}

HANDLE child_open_nothing(void) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  return CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
}

DWORD child_start(const child_command *command, HANDLE input, HANDLE output, HANDLE error_output, child_process *made) {
  PROCESS_INFORMATION started = {0};
  char *found = command->program ? NULL : child_find(command->argv[0]);
  char *words = command->line ? NULL : ps_command_line(command->argv);
  const char *program = command->program ? command->program : found;
  const char *line = command->line ? command->line : words;
  wchar_t *path = program ? files_wide_path(program) : NULL;
  ps_process how = {.program = path,
                    .line = line ? ps_wide(line) : NULL,
                    .environment = ps_environment(command->env),
                    .input = input,
                    .output = output,
                    .errors = error_output};
  DWORD reason = program ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_NOT_FOUND;
  made->process = NULL;
  made->job = ps_process_make_job(NULL);
  if (how.program && how.line && how.environment && made->job) {
    reason = ps_process_create(&how, &started);
    reason = reason ? reason : ps_process_set_off(&started, made->job);
  }
  free(found);
  free(words);
  free(path);
  free(how.line);
  free(how.environment);
  if (reason == 0) {
    made->process = started.hProcess;
  } else {
    child_close(made);
  }
  return reason;
}

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

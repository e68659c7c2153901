/* SPDX-License-Identifier: MIT */
#include "host/child_win.h"

#include <stdlib.h>

#include "command_line.h"
#include "win/environment.h"
#include "win/process.h"
#include "win/reason.h"
#include "win/wide.h"

static int32_t program_failed(const char *name, DWORD reason, penstock_error *error) {
  char text[160];
  ps_reason(reason, text, sizeof(text));
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

int32_t ps_child_start(const ps_child *child, HANDLE *process, HANDLE *job, penstock_error *error) {
  PROCESS_INFORMATION made = {0};
  char *line = ps_command_line(child->argv);
  wchar_t *path = ps_process_find(child->argv[0]);
  wchar_t *folder = child->cwd ? ps_wide(child->cwd) : NULL;
  ps_process how = {.program = path,
                    .line = line ? ps_wide(line) : NULL,
                    .environment = ps_environment(child->env),
                    .folder = folder,
                    .input = child->input,
                    .output = child->output,
                    .errors = child->error_output};
  DWORD reason = path ? ERROR_NOT_ENOUGH_MEMORY : ERROR_FILE_NOT_FOUND;
  *process = NULL;
  *job = CreateJobObjectW(NULL, NULL);
  if (path && how.line && how.environment && *job && (folder || !child->cwd)) {
    reason = ps_process_create(&how, &made);
    reason = reason ? reason : ps_process_set_off(&made, *job);
  }
  free(line);
  free(path);
  free(folder);
  free(how.line);
  free(how.environment);
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

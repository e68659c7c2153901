/* SPDX-License-Identifier: MIT */
/*
 * Only somebody at the same console can press Ctrl-C, a process has one console at most, and ours is the user's. So a
 * process without one is started for it: rundll32.exe, which calls a function of this library.
 */
#include "common/native/ask_win.h"

#include <stdio.h>
#include <stdlib.h>

#include <penstock/base.h>

/** Called by rundll32.exe, in a process of its own: `line` is the number of the process to ask. */
PENSTOCK_EXPORT void CALLBACK penstock_ask_to_end(HWND window, HINSTANCE instance, LPSTR line, int show);
void CALLBACK penstock_ask_to_end(HWND window, HINSTANCE instance, LPSTR line, int show) {
  (void)window;
  (void)instance;
  (void)show;
  (void)FreeConsole();
  /* Everybody at that console gets it, ourselves too. */
  if (AttachConsole((DWORD)strtoul(line, NULL, 10)) && SetConsoleCtrlHandler(NULL, TRUE)) {
    ExitProcess(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) ? 0 : 1);
  }
  ExitProcess(1);
}

int ask_to_end(DWORD pid, DWORD patience_ms) {
  wchar_t system[MAX_PATH];
  wchar_t library[MAX_PATH];
  wchar_t line[2 * MAX_PATH + 64];
  STARTUPINFOW info = {.cb = sizeof(info)};
  PROCESS_INFORMATION made;
  HMODULE self = NULL;
  DWORD code = 1;
  if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                          (LPCWSTR)(uintptr_t)penstock_ask_to_end, &self) ||
      GetModuleFileNameW(self, library, MAX_PATH) >= MAX_PATH ||
      GetSystemDirectoryW(system, MAX_PATH) >= MAX_PATH - 16) {
    return -1;
  }
  (void)swprintf(line, sizeof(line) / sizeof(line[0]), L"\"%ls\\rundll32.exe\" \"%ls\",penstock_ask_to_end %lu", system,
                 library, pid);
  wcscat(system, L"\\rundll32.exe");
  if (!CreateProcessW(system, line, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &info, &made)) {
    return -1;
  }
  /* It takes some milliseconds, or seconds on a busy machine. One that comes too late must not ask somebody else. */
  if (WaitForSingleObject(made.hProcess, patience_ms) != WAIT_OBJECT_0) {
    (void)TerminateProcess(made.hProcess, 1);
  }
  int asked = GetExitCodeProcess(made.hProcess, &code) && code == 0;
  (void)CloseHandle(made.hProcess);
  (void)CloseHandle(made.hThread);
  return asked ? 0 : -1;
}

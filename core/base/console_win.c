/* SPDX-License-Identifier: MIT */
#include "base/console_win.h"

#define PATIENCE_MS 200

static DWORD WINAPI add_handler(void *handler) {
  (void)SetConsoleCtrlHandler((PHANDLER_ROUTINE)(uintptr_t)handler, TRUE);
  return 0;
}

static DWORD WINAPI remove_handler(void *handler) {
  (void)SetConsoleCtrlHandler((PHANDLER_ROUTINE)(uintptr_t)handler, FALSE);
  return 0;
}

void ps_console_handler(PHANDLER_ROUTINE handler, BOOL add) {
  HANDLE thread = CreateThread(NULL, 0, add ? add_handler : remove_handler, (void *)(uintptr_t)handler, 0, NULL);
  if (thread) {
    (void)WaitForSingleObject(thread, PATIENCE_MS);
    (void)CloseHandle(thread);
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * press PID WHAT: what the system does to a program of a console, by the thread that it starts in it for that:
 * `ctrl-c`, `ctrl-break`, `close` (its window), `logoff`, `shutdown`. Or what it does to itself: `abort`, by that
 * function of its C library. Ends with 0 once the thread runs.
 */
#include <windows.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name;
  const char *library;
  const char *function;
  uintptr_t argument;
} known[] = {
    {"ctrl-c", "kernelbase.dll", "CtrlRoutine", CTRL_C_EVENT},
    {"ctrl-break", "kernelbase.dll", "CtrlRoutine", CTRL_BREAK_EVENT},
    {"close", "kernelbase.dll", "CtrlRoutine", CTRL_CLOSE_EVENT},
    {"logoff", "kernelbase.dll", "CtrlRoutine", CTRL_LOGOFF_EVENT},
    {"shutdown", "kernelbase.dll", "CtrlRoutine", CTRL_SHUTDOWN_EVENT},
    {"abort", "msvcrt.dll", "abort", 0},
};

int main(int argc, char **argv) {
  for (size_t i = 0; argc == 3 && i < sizeof(known) / sizeof(known[0]); i++) {
    if (strcmp(argv[2], known[i].name) == 0) {
      HMODULE library = LoadLibraryA(known[i].library);
      FARPROC function = library ? GetProcAddress(library, known[i].function) : NULL;
      HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)strtoul(argv[1], NULL, 10));
      /* Libraries of the system are in the same place in each process. */
      HANDLE thread = function && process
                          ? CreateRemoteThread(process, NULL, 0, (LPTHREAD_START_ROUTINE)(uintptr_t)function,
                                               (void *)known[i].argument, 0, NULL)
                          : NULL;
      if (!thread) {
        fprintf(stderr, "error %lu\n", GetLastError());
      }
      return thread ? 0 : 1;
    }
  }
  return 2;
}

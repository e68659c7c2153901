/* SPDX-License-Identifier: MIT */
/* crash PID: ends the process as an access violation would end it (Wine's taskkill ends one as if all were well). */
#include <stdlib.h>

#include <windows.h>

int main(int argc, char **argv) {
  HANDLE process = argc > 1 ? OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)strtoul(argv[1], NULL, 10)) : NULL;
  return process && TerminateProcess(process, (UINT)EXCEPTION_ACCESS_VIOLATION) ? 0 : 1;
}

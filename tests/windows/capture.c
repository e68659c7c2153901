/* SPDX-License-Identifier: MIT */
/*
 * capture PROGRAM WORD...: runs it with a pipe of Windows as its standard output and error, passes on what comes until
 * the pipe ends, and ends as it has ended. A pipe of Linux would be held, unseen by Windows, by whatever Wine starts.
 */
#include <stdio.h>
#include <wchar.h>

#include <windows.h>

/* What is behind the first word of a line. */
static wchar_t *skip_word(wchar_t *line) {
  wchar_t stop = *line == L'"' ? L'"' : L' ';
  wchar_t *end = wcschr(line + 1, stop);
  end = end ? end + 1 : line + wcslen(line);
  return end + wcsspn(end, L" ");
}

int main(void) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  STARTUPINFOW start = {.cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES};
  PROCESS_INFORMATION made;
  HANDLE ends[2];
  char block[4096];
  DWORD count = 0;
  DWORD code = 1;
  HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
  if (!CreatePipe(&ends[0], &ends[1], &inherited, 0) || !SetHandleInformation(ends[0], HANDLE_FLAG_INHERIT, 0) ||
      !SetHandleInformation(out, HANDLE_FLAG_INHERIT, 0)) {
    return 99;
  }
  start.hStdInput =
      CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, OPEN_EXISTING, 0, NULL);
  start.hStdOutput = start.hStdError = ends[1];
  if (!CreateProcessW(NULL, skip_word(GetCommandLineW()), NULL, NULL, TRUE, 0, NULL, NULL, &start, &made)) {
    return 99;
  }
  (void)CloseHandle(ends[1]);
  while (ReadFile(ends[0], block, sizeof(block), &count, NULL) && count > 0) {
    (void)WriteFile(out, block, count, &count, NULL);
  }
  (void)WaitForSingleObject(made.hProcess, INFINITE);
  (void)GetExitCodeProcess(made.hProcess, &code);
  return (int)code;
}

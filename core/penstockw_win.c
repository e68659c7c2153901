/* SPDX-License-Identifier: MIT */
/*
 * penstockw WORD...: runs penstock.exe, beside it, with the same words and without a window; ends as that ends. It is a
 * program of Windows' desktop itself, so that the Task Scheduler, or a link in the start menu, opens no console for it.
 *
 * After a crash of `up` it starts it again, as systemd does elsewhere (packaging/systemd): the Task Scheduler's own
 * setting for that is for tasks that do not start at all. What only the user can mend ends it: the wrong command line
 * or profile, a refused login, a host's key that is unknown or has changed (penstock --help lists the exit codes).
 */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <windows.h>

#define LONGEST 32768
/* Between two starts; doubled each time until it has run for a while. */
#define PAUSE_LEAST_MS  1000u
#define PAUSE_MOST_MS   300000u
#define RAN_WELL_MS     60000u
#define EXIT_CANNOT_RUN 1u

/* What is behind the first word of a command line, which is the program's name. */
static const wchar_t *skip_name(const wchar_t *line) {
  const wchar_t *end = *line == L'"' ? wcschr(line + 1, L'"') : wcspbrk(line, L" \t");
  end = end && *line == L'"' ? end + 1 : end;
  return end ? end + wcsspn(end, L" \t") : L"";
}

static int is_up(const wchar_t *words) {
  size_t size = wcscspn(words, L" \t");
  return size == 2 && wcsncmp(words, L"up", 2) == 0;
}

static int is_for_the_user(DWORD code) {
  static const DWORD codes[] = {0, 2, 3, 5, 6};
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
    if (code == codes[i]) {
      return 1;
    }
  }
  return 0;
}

/* Returns whether it has run, and how it has ended. */
static int run(const wchar_t *program, const wchar_t *words, DWORD *code) {
  STARTUPINFOW start = {.cb = sizeof(start)};
  PROCESS_INFORMATION made;
  size_t size = wcslen(program) + wcslen(words) + 4;
  wchar_t *line = calloc(size, sizeof(*line));
  int has_run = 0;
  if (line) {
    (void)swprintf(line, size, L"\"%ls\" %ls", program, words);
    has_run = CreateProcessW(program, line, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &start, &made) != 0;
  }
  free(line);
  if (has_run) {
    (void)CloseHandle(made.hThread);
    (void)WaitForSingleObject(made.hProcess, INFINITE);
    (void)GetExitCodeProcess(made.hProcess, code);
    (void)CloseHandle(made.hProcess);
  }
  return has_run;
}

int main(void) {
  static wchar_t program[LONGEST];
  const wchar_t *words = skip_name(GetCommandLineW());
  DWORD length = GetModuleFileNameW(NULL, program, LONGEST - 16);
  wchar_t *name = length > 0 && length < LONGEST - 16 ? wcsrchr(program, L'\\') : NULL;
  DWORD pause_ms = PAUSE_LEAST_MS;
  if (!name) {
    return EXIT_CANNOT_RUN;
  }
  (void)wcscpy(name + 1, L"penstock.exe");
  for (;;) {
    DWORD code = EXIT_CANNOT_RUN;
    ULONGLONG begun = GetTickCount64();
    if (!run(program, words, &code) || !is_up(words) || is_for_the_user(code)) {
      return (int)code;
    }
    if (GetTickCount64() - begun >= RAN_WELL_MS) {
      pause_ms = PAUSE_LEAST_MS;
    }
    Sleep(pause_ms);
    pause_ms = pause_ms * 2 > PAUSE_MOST_MS ? PAUSE_MOST_MS : pause_ms * 2;
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * endsession PID [cancel]: tells the process' hidden window what Windows tells it when the user logs off, and with
 * `cancel` that somebody has said no. Ends with 0 if the window has answered the question with yes and then, without
 * `cancel`, not given the answer that would let Windows end it at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

/* core/service/session_win.c */
#define WINDOW_CLASS L"penstock-session"
#define PATIENCE_MS  10000

static HWND find(DWORD wanted) {
  HWND window = NULL;
  DWORD pid = 0;
  while ((window = FindWindowExW(NULL, window, WINDOW_CLASS, NULL)) != NULL) {
    (void)GetWindowThreadProcessId(window, &pid);
    if (pid == wanted) {
      return window;
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  DWORD_PTR answer = 0;
  HWND window = argc > 1 ? find((DWORD)strtoul(argv[1], NULL, 10)) : NULL;
  int cancel = argc > 2 && strcmp(argv[2], "cancel") == 0;
  if (!window) {
    (void)fprintf(stderr, "no window of that process\n");
    return 2;
  }
  if (!SendMessageTimeoutW(window, WM_QUERYENDSESSION, 0, (LPARAM)ENDSESSION_LOGOFF, 0, PATIENCE_MS, &answer) ||
      !answer) {
    (void)fprintf(stderr, "it does not agree\n");
    return 3;
  }
  LRESULT answered =
      SendMessageTimeoutW(window, WM_ENDSESSION, !cancel, (LPARAM)ENDSESSION_LOGOFF, 0, PATIENCE_MS, &answer);
  return !answered == !cancel ? 0 : 4;
}

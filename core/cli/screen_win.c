/* SPDX-License-Identifier: MIT */
#include "cli/screen.h"

#include <signal.h>
#include <string.h>
#include <uv.h>

#include <penstock/sdk.h>

#include "cli/term.h"

/* Another screen without a cursor, and back to the one that there was. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static int is_taken;

/* That keys are not shown is the keyboard's mode, which keyboard_win.c sets. */
int ps_screen_enter(void) {
  if (!ps_term_is_terminal(PS_STDOUT)) {
    return PENSTOCK_E_FAILED;
  }
  is_taken = 1;
  (void)ps_term_write(PS_STDOUT, ENTER, strlen(ENTER));
  return PENSTOCK_OK;
}

void ps_screen_leave(void) {
  if (is_taken) {
    is_taken = 0;
    (void)ps_term_write(PS_STDOUT, LEAVE, strlen(LEAVE));
  }
}

/* Of the window, not of what can be scrolled back to. */
void ps_screen_size(size_t *columns, size_t *lines) {
  CONSOLE_SCREEN_BUFFER_INFO info;
  int is_known = GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &info) != 0;
  int width = is_known ? info.srWindow.Right - info.srWindow.Left + 1 : 0;
  int height = is_known ? info.srWindow.Bottom - info.srWindow.Top + 1 : 0;
  *columns = width > 0 ? (size_t)width : 80;
  *lines = height > 0 ? (size_t)height : 24;
}

/* libuv makes them of what the console tells. There is no stopping of processes. */
const int ps_screen_signals[PS_SCREEN_SIGNALS] = {SIGINT, SIGBREAK, SIGHUP, SIGTERM, SIGWINCH, 0};

int ps_screen_on_signal(int number) {
  return number == SIGWINCH;
}

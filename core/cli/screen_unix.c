/* SPDX-License-Identifier: MIT */
#include "cli/screen.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <penstock/sdk.h>

#include "cli/term.h"

/* Another screen without a cursor, and back to the one that there was. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static int is_taken;
static int has_keys;
static struct termios before;

int ps_screen_enter(void) {
  if (!ps_term_is_terminal(PS_STDOUT)) {
    return PENSTOCK_E_FAILED;
  }
  has_keys = tcgetattr(STDIN_FILENO, &before) == 0;
  if (has_keys) {
    struct termios raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* ISIG stays: Ctrl-C is a signal as ever */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    has_keys = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
  }
  is_taken = 1;
  (void)ps_term_write(PS_STDOUT, ENTER, strlen(ENTER));
  return PENSTOCK_OK;
}

void ps_screen_leave(void) {
  if (!is_taken) {
    return;
  }
  is_taken = 0;
  (void)ps_term_write(PS_STDOUT, LEAVE, strlen(LEAVE));
  if (has_keys) {
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  }
}

void ps_screen_size(size_t *columns, size_t *lines) {
  struct winsize size;
  int is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  *columns = is_known && size.ws_col > 0 ? size.ws_col : 80;
  *lines = is_known && size.ws_row > 0 ? size.ws_row : 24;
}

const int ps_screen_signals[PS_SCREEN_SIGNALS] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};

static void suspend(void) {
  ps_screen_leave();
  (void)kill(getpid(), SIGSTOP);
  (void)ps_screen_enter();
}

int ps_screen_on_signal(int number) {
  if (number == SIGTSTP) {
    suspend();
  }
  return number == SIGTSTP || number == SIGWINCH;
}

/* SPDX-License-Identifier: MIT */
#include "host/ask_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "host/prompt.h"

typedef struct terminal {
  int fd;
  int cancel_fd;
  int changed; /* `before` is to be restored */
  struct termios before;
} terminal;

/* Waits for the terminal, or for the end of the question. */
static int32_t wait_for(const terminal *tty, short events) {
  struct pollfd list[2] = {{.fd = tty->fd, .events = events}, {.fd = tty->cancel_fd, .events = POLLIN}};
  while (poll(list, 2, -1) < 0) {
    if (errno != EINTR) {
      return PENSTOCK_E_FAILED;
    }
  }
  return list[1].revents ? PENSTOCK_E_CANCELLED : PENSTOCK_OK;
}

static int32_t show(const terminal *tty, const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t count = write(tty->fd, text, left);
    if (count > 0) {
      text += count;
      left -= (size_t)count;
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) {
      return PENSTOCK_E_UNSUPPORTED;
    }
    int32_t result = wait_for(tty, POLLOUT);
    if (result != PENSTOCK_OK) {
      return result;
    }
  }
  return PENSTOCK_OK;
}

/* One byte of the line. PENSTOCK_E_CANCELLED for the end of input, UNSUPPORTED if the terminal went away from us. */
static int32_t read_byte(const terminal *tty, char *byte) {
  for (;;) {
    int32_t result = wait_for(tty, POLLIN);
    if (result != PENSTOCK_OK) {
      return result;
    }
    ssize_t count = read(tty->fd, byte, 1);
    if (count == 1) {
      return PENSTOCK_OK;
    }
    if (count == 0) {
      return PENSTOCK_E_CANCELLED;
    }
    if (errno != EAGAIN && errno != EINTR) {
      return PENSTOCK_E_UNSUPPORTED;
    }
  }
}

/* A whole line, also if it is too long: what is left of it must not answer the next question. */
static int32_t read_line(const terminal *tty, char *line, size_t size) {
  size_t used = 0;
  int too_long = 0;
  int32_t result = PENSTOCK_OK;
  char byte = 0;
  while ((result = read_byte(tty, &byte)) == PENSTOCK_OK && byte != '\n') {
    if (used + 1 < size) {
      line[used++] = byte;
    } else {
      too_long = 1;
    }
  }
  ps_wipe(&byte, sizeof(byte));
  line[used] = '\0';
  if (result == PENSTOCK_OK && too_long) {
    result = PENSTOCK_E_LIMIT;
  }
  if (result != PENSTOCK_OK) {
    ps_wipe(line, size);
  }
  return result;
}

/*
 * Not for us: no terminal, or one whose foreground is another's, where reading stops the whole process. With
 * both signals blocked in this thread it is an error instead, should that become so later on.
 */
static int open_terminal(terminal *tty) {
  tty->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (tty->fd < 0) {
    return -1;
  }
  if (tcgetpgrp(tty->fd) != getpgrp() || tcgetattr(tty->fd, &tty->before) != 0) {
    (void)close(tty->fd);
    return -1;
  }
  return 0;
}

static void set_modes(terminal *tty, int secret) {
  struct termios modes = tty->before;
  modes.c_lflag |= ICANON | ISIG;
  modes.c_iflag |= ICRNL;
  /* Ctrl-Z would leave the shell with a terminal that does not echo. */
  modes.c_cc[VSUSP] = _POSIX_VDISABLE;
  if (secret) {
    modes.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    /* What was typed before the question was seen is no answer to it. */
    (void)tcflush(tty->fd, TCIFLUSH);
  }
  /* Not TCSAFLUSH: it waits for the output, which Ctrl-S may have stopped. */
  tty->changed = tcsetattr(tty->fd, TCSANOW, &modes) == 0;
}

static void close_terminal(terminal *tty) {
  /* In the background, the modes are the shell's, which has restored its own. */
  if (tty->changed && tcgetpgrp(tty->fd) == getpgrp()) {
    (void)tcsetattr(tty->fd, TCSANOW, &tty->before);
  }
  (void)close(tty->fd);
}

static int32_t confirm(const terminal *tty, const char *question) {
  char line[16];
  int32_t result = show(tty, question);
  while (result == PENSTOCK_OK) {
    result = show(tty, " (yes/no) ");
    result = result == PENSTOCK_OK ? read_line(tty, line, sizeof(line)) : result;
    if (result == PENSTOCK_OK && (strcasecmp(line, "yes") == 0 || strcasecmp(line, "y") == 0)) {
      return PENSTOCK_OK;
    }
    if (result == PENSTOCK_OK && (strcasecmp(line, "no") == 0 || strcasecmp(line, "n") == 0)) {
      return PENSTOCK_E_CANCELLED;
    }
    if (result == PENSTOCK_OK || result == PENSTOCK_E_LIMIT) {
      result = show(tty, "Please type 'yes' or 'no':");
    }
  }
  return result;
}

static int32_t ask(const terminal *tty, uint32_t kind, const char *question, char *answer, size_t answer_size) {
  if (kind == PENSTOCK_PROMPT_CONFIRM) {
    return confirm(tty, question);
  }
  size_t length = strlen(question);
  int32_t result = show(tty, question);
  if (result == PENSTOCK_OK && length > 0 && question[length - 1] != ' ') {
    result = show(tty, " ");
  }
  return result == PENSTOCK_OK ? read_line(tty, answer, answer_size) : result;
}

int32_t ps_ask_terminal(int cancel_fd, uint32_t kind, const char *question, char *answer, size_t answer_size) {
  terminal tty = {.fd = -1, .cancel_fd = cancel_fd};
  sigset_t job_control;
  sigset_t before;
  (void)sigemptyset(&job_control);
  (void)sigaddset(&job_control, SIGTTIN);
  (void)sigaddset(&job_control, SIGTTOU);
  (void)pthread_sigmask(SIG_BLOCK, &job_control, &before);
  int32_t result = PENSTOCK_E_UNSUPPORTED;
  if (open_terminal(&tty) == 0) {
    set_modes(&tty, kind == PENSTOCK_PROMPT_SECRET);
    /* A secret that would be shown is not asked for. */
    if (tty.changed || kind != PENSTOCK_PROMPT_SECRET) {
      result = ask(&tty, kind, question, answer, answer_size);
    }
    if (kind == PENSTOCK_PROMPT_SECRET || result == PENSTOCK_E_CANCELLED) {
      (void)show(&tty, "\n");
    }
    close_terminal(&tty);
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

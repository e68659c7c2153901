/* SPDX-License-Identifier: MIT */
#include "service/hangup.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static pid_t session; /* whose terminal there was; 0: none */

static int has_terminal(void) {
  int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) {
    return 0;
  }
  (void)close(fd);
  return 1;
}

void ps_hangup_begin(void) {
  session = has_terminal() ? getsid(0) : 0;
}

int ps_hangup_is_ignored(void) {
  struct sigaction action;
  return sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* Whoever has taken another session since (`up -d`) has let go of the terminal by itself. */
int ps_hangup_has_come(void) {
  return session != 0 && session == getsid(0) && !has_terminal();
}

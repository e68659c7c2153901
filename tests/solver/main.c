/* SPDX-License-Identifier: MIT */
/* The demo solver: starts, reports its progress, serves, stops, as the real solver does. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

/* Appends a line to the progress file. */
static int report(const demo_options *options, const char *line) {
  FILE *file = fopen(options->progress_file, "ae");
  if (!file || fprintf(file, "%s\n", line) < 0 || fclose(file) != 0) {
    (void)fprintf(stderr, "Error: cannot write %s: %s\n", options->progress_file, strerror(errno));
    return -1;
  }
  return 0;
}

/* SIGTERM and SIGINT arrive on a descriptor instead of by handler. */
static int signal_descriptor(void) {
  sigset_t set;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGTERM);
  (void)sigaddset(&set, SIGINT);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
    return -1;
  }
  return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Waits, -1 = for ever; returns 1 if a signal ended it. */
static int wait_signal(int signals, double seconds) {
  struct pollfd entry = {.fd = signals, .events = POLLIN};
  return poll(&entry, 1, seconds < 0 ? -1 : (int)(seconds * 1000)) != 0;
}

/* As the real solver's helpers do: a child that holds the listening socket, so that ending us leaves the port taken. */
static void start_child(int signals) {
  (void)fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    (void)wait_signal(signals, -1);
    _exit(0);
  }
  if (child < 0) {
    (void)fprintf(stderr, "Error: cannot start the child: %s\n", strerror(errno));
  } else {
    (void)printf("child %ld holds the listening socket\n", (long)child);
  }
}

static void say_address(int listener) {
  struct sockaddr_storage name;
  socklen_t size = sizeof(name);
  memset(&name, 0, sizeof(name));
  (void)getsockname(listener, (struct sockaddr *)&name, &size);
  in_port_t port =
      name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port : ((struct sockaddr_in *)&name)->sin_port;
  (void)printf("Listening on port %u\n", (unsigned)ntohs(port));
}

/* The faults that strike before the port is bound. Returns -1 to go on, else the exit code. */
static int start_faults(const demo_options *options, int signals) {
  const demo_faults *faults = &options->faults;
  if (faults->slow_start_s > 0 && wait_signal(signals, faults->slow_start_s)) {
    return 0;
  }
  if (faults->never_ready) {
    (void)wait_signal(signals, -1);
    return 0;
  }
  if (faults->fail_start) {
    (void)fprintf(stderr, "Error: demo fault: the start fails\n");
    (void)report(options, "SERVER_FAILED: demo fault");
    return 1;
  }
  if (faults->die_start) {
    (void)fprintf(stderr, "Error: demo fault: the solver dies as it starts\n");
    return 1;
  }
  return -1;
}

static int run(const demo_options *options) {
  demo_solver solver = {.options = options};
  int signals = signal_descriptor();
  if (signals < 0) {
    (void)fprintf(stderr, "Error: signalfd: %s\n", strerror(errno));
    return 1;
  }
  if (unlink(options->progress_file) != 0 && errno != ENOENT) {
    (void)fprintf(stderr, "Error: cannot delete %s: %s\n", options->progress_file, strerror(errno));
    return 1;
  }
  if (report(options, "SERVER_STARTING") != 0) {
    return 1;
  }
  int code = start_faults(options, signals);
  if (code >= 0) {
    return code;
  }
  int listener = server_bind(options);
  if (listener < 0) {
    return 1;
  }
  if (store_open(&solver.store, options->data_dir) != 0) {
    (void)fprintf(stderr, "Error: cannot use the data folder %s: %s\n", options->data_dir, strerror(errno));
    (void)report(options, "SERVER_FAILED: no data folder");
    return 1;
  }
  if (options->child) {
    start_child(signals);
  }
  say_address(listener);
  if (report(options, "SERVER_READY") != 0) {
    return 1;
  }
  code = server_run(&solver, listener, signals);
  store_close(&solver.store);
  (void)printf("Stopped\n");
  return code;
}

int main(int argc, char **argv) {
  demo_options options;
  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  int code = options_read(&options, argc, argv);
  return code >= 0 ? code : run(&options);
}

/* SPDX-License-Identifier: MIT */
/**
 * @file spawn_rig.h
 * Child processes of a host on a loop that the test turns, and a folder for what they leave.
 */
#ifndef SPAWN_RIG_H
#define SPAWN_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host.h"
#include "host/run.h"

#define UNUSED __attribute__((unused))

static uv_loop_t loop;
static ps_host host;
static const penstock_host *h;
static int closed;
static char folder[64];

typedef struct ended {
  int calls;
  int32_t code;
  int32_t signal;
  uint32_t timed_out;
  char output[8192];
  size_t output_size;
  char error_output[1024];
} ended;

UNUSED static void on_done(void *context, const penstock_exit *exit) {
  ended *self = context;
  assert_int_equal(exit->struct_size, sizeof(*exit));
  assert_int_equal(exit->output[exit->output_size], '\0');
  assert_int_equal(exit->error_output[exit->error_output_size], '\0');
  self->calls++;
  self->code = exit->code;
  self->signal = exit->signal;
  self->timed_out = exit->timed_out;
  self->output_size = exit->output_size;
  (void)snprintf(self->output, sizeof(self->output), "%s", exit->output);
  (void)snprintf(self->error_output, sizeof(self->error_output), "%s", exit->error_output);
}

UNUSED static void on_closed(void *context) {
  (void)context;
  closed++;
}

UNUSED static void run_until(const int *flag) {
  while (!*flag) {
    assert_true(uv_run(&loop, UV_RUN_ONCE) || *flag);
  }
}

UNUSED static int setup(void **state) {
  (void)state;
  closed = 0;
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  h = &host.table;
  (void)snprintf(folder, sizeof(folder), "/tmp/penstock-spawn-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return 0;
}

UNUSED static int teardown(void **state) {
  (void)state;
  char command[128];
  if (!host.closing) {
    ps_host_close(&host, on_closed, NULL);
  }
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(closed, 1);
  assert_int_equal(uv_loop_close(&loop), 0);
  (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
  return system(command); // NOLINT(cert-env33-c): the folder is our own
}

UNUSED static penstock_process *start_with(penstock_spawn spawn, ended *end, const char *script) {
  const char *argv[] = {"sh", "-c", script, NULL};
  penstock_process *process = NULL;
  penstock_error error;
  spawn.struct_size = (uint32_t)sizeof(spawn);
  spawn.argv = spawn.argv ? spawn.argv : argv;
  spawn.capture_limit = spawn.capture_limit ? spawn.capture_limit : 4096;
  spawn.done = on_done;
  spawn.context = end;
  if (h->spawn(h, &spawn, &process, &error) != PENSTOCK_OK) {
    print_error("%s\n", error.what);
    fail();
  }
  assert_non_null(process);
  assert_int_equal(end->calls, 0);
  return process;
}

UNUSED static penstock_process *start(ended *end, const char *script) {
  return start_with((penstock_spawn){0}, end, script);
}

UNUSED static double seconds_since(uint64_t start_ns) {
  return (double)(uv_hrtime() - start_ns) / 1e9;
}

/* Waits for a line in the file that a child writes. The only events here are the child's own. */
UNUSED static long read_number(const char *name) {
  char path[128];
  char text[32] = "";
  (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_true(read(fd, text, sizeof(text) - 1) > 0);
  (void)close(fd);
  return strtol(text, NULL, 10);
}

UNUSED static void make_fifo(const char *name, char path[128]) {
  (void)snprintf(path, 128, "%s/%s", folder, name);
  assert_int_equal(mkfifo(path, 0600), 0);
}

/* Does the process end within this time? A killed one takes a moment. */
UNUSED static int ends_within(pid_t pid, int milliseconds) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) {
    assert_int_equal(errno, ESRCH);
    return 1;
  }
  struct pollfd list = {.fd = fd, .events = POLLIN};
  int count = poll(&list, 1, milliseconds);
  (void)close(fd);
  return count == 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

/* SPDX-License-Identifier: MIT */
/* Who holds a port that is taken, and what to do when it is a container engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/listener.h"
#include "net/net.h"

#define NOBODY 65534

static penstock_socket held;
static char address[64];

static int setup(void **state) {
  penstock_error error;
  (void)state;
  return ps_net_listen("127.0.0.1:0", &held, address, sizeof(address), &error);
}

static int teardown(void **state) {
  (void)state;
  ps_net_close(held);
  return 0;
}

static uint16_t held_port(void) {
  return (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

static void refused(penstock_error *error) {
  penstock_socket second;
  char bound[64];
  assert_int_equal(ps_net_listen(address, &second, bound, sizeof(bound), error), PENSTOCK_E_FAILED);
  assert_int_equal(error->leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error->error_class, PENSTOCK_CLASS_REFUSED);
}

static void test_another_program_is_named(void **state) {
  penstock_error error;
  char wanted[128];
  (void)state;
  refused(&error);
  (void)snprintf(wanted, sizeof(wanted), "Port %u is in use by 'test_port_owner' (pid %d)", held_port(), getpid());
  assert_string_equal(error.what, wanted);
  assert_non_null(strstr(error.next, "end that program"));
}

static void test_what_publishes_ports_of_containers_is_known(void **state) {
  static const char *const names[] = {"docker-proxy", "rootlessport", "com.docker.backend", "conmon"};
  penstock_error error;
  char before[16];
  (void)state;
  assert_int_equal(prctl(PR_GET_NAME, before), 0);
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    assert_int_equal(prctl(PR_SET_NAME, names[i]), 0);
    refused(&error);
    assert_non_null(strstr(error.next, "a container publishes this port"));
    assert_non_null(strstr(error.next, "-p 127.0.0.1:19090:9090"));
    assert_non_null(strstr(error.next, "listen ="));
    assert_null(strstr(error.next, "end that program"));
  }
  assert_int_equal(prctl(PR_SET_NAME, before), 0);
}

static void test_a_socket_unit_is_known(void **state) {
  penstock_error error;
  char before[16];
  (void)state;
  assert_int_equal(prctl(PR_GET_NAME, before), 0);
  assert_int_equal(prctl(PR_SET_NAME, "systemd"), 0);
  refused(&error);
  assert_non_null(strstr(error.next, "systemctl --user stop penstock.socket"));
  assert_int_equal(ps_listener_try(address, &error), PENSTOCK_OK);
  assert_int_equal(prctl(PR_SET_NAME, before), 0);
  assert_int_equal(ps_listener_try(address, &error), PENSTOCK_E_FAILED);
}

/* This program again, as Docker's forwarder: with its name, its words, and the listener that it has inherited. */
static pid_t start_forwarder(const char *protocol, uint16_t port, int ready) {
  char text[8];
  (void)snprintf(text, sizeof(text), "%u", port);
  pid_t pid = fork();
  if (pid == 0) {
    (void)dup2(ready, STDOUT_FILENO);
    (void)dup((int)held); /* without its close-on-exec */
    (void)execl("/proc/self/exe", "/usr/bin/docker-proxy", "-proto", protocol, "-host-ip", "127.0.0.1", "-host-port",
                text, "-container-ip", "172.17.0.2", "-container-port", "9090", (char *)NULL);
    _exit(127);
  }
  assert_true(pid > 0);
  return pid;
}

static void be_forwarder(void) {
  (void)prctl(PR_SET_DUMPABLE, 0); /* so that what it has open cannot be read, as that of root's */
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)write(STDOUT_FILENO, "x", 1);
  for (;;) {
    (void)pause();
  }
}

/* Asks as a user who may not read what root's processes have open. Returns what the process of that user found. */
static int known_to_another_user(uint16_t port, pid_t forwarder) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0) {
    ps_port_owner owner;
    char wanted[32];
    if (geteuid() == 0 && setuid(NOBODY) != 0) {
      _exit(2);
    }
    (void)snprintf(wanted, sizeof(wanted), "(pid %d)", forwarder);
    _exit(ps_net_port_owner(port, &owner) == 0 && owner.publishes_containers && strstr(owner.text, wanted) ? 0 : 1);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void test_a_forwarder_of_root_is_known_by_its_command_line(void **state) {
  static const struct {
    const char *protocol;
    int other_port;
    int found;
  } cases[] = {{"tcp", 0, 0}, {"udp", 0, 1}, {"tcp", 1, 1}};
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    int ready[2];
    char byte;
    assert_int_equal(setup(NULL), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = start_forwarder(cases[i].protocol, (uint16_t)(held_port() - cases[i].other_port), ready[1]);
    ps_net_close(held); /* from now on the forwarder is its only holder */
    assert_int_equal(close(ready[1]), 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(close(ready[0]), 0);
    assert_int_equal(known_to_another_user(held_port(), pid), cases[i].found);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
  }
}

int main(int argc, char **argv) {
  (void)argc;
  if (strcmp(argv[0], "/usr/bin/docker-proxy") == 0) {
    be_forwarder();
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_another_program_is_named, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_socket_unit_is_known, setup, teardown),
      cmocka_unit_test_setup_teardown(test_what_publishes_ports_of_containers_is_known, setup, teardown),
      cmocka_unit_test(test_a_forwarder_of_root_is_known_by_its_command_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

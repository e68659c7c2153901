/* SPDX-License-Identifier: MIT */
/* The client's end of the control socket, before servers that say what the test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/gateways.h"

#define GREETING "{\"penstock\":\"9\",\"protocol\":1,\"gateway\":{\"profile\":\"lab\"},\"more\":1}\n"

static char path[64];
static int listener;

/* What the server says to its one client, a line for each that it hears beyond the first; then it closes, if it is not
 * to stay. */
typedef struct script {
  const char *lines[4];
  int stays;
  pthread_t thread;
  char heard[1024];
} script;

static void *serve(void *argument) {
  script *self = argument;
  int fd = accept(listener, NULL, NULL);
  char byte;
  size_t size = 0;
  for (size_t i = 0; i < 4 && self->lines[i]; i++) {
    (void)send(fd, self->lines[i], strlen(self->lines[i]), MSG_NOSIGNAL);
    while (self->lines[i + 1] && recv(fd, &byte, 1, 0) == 1 && byte != '\n' && size + 1 < sizeof(self->heard)) {
      self->heard[size++] = byte;
    }
  }
  while (self->stays && recv(fd, &byte, 1, 0) == 1) {
  }
  close(fd);
  return NULL;
}

static int begin(void **state) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)state;
  (void)snprintf(path, sizeof(path), "/tmp/pst-client-%d.sock", (int)getpid());
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 4);
}

static int end(void **state) {
  (void)state;
  close(listener);
  return unlink(path);
}

/* Connects to a server with this script; returns what ps_control_client_open does. */
static int open_to(script *self, ps_control_client *client, int timeout_ms, penstock_error *error) {
  assert_int_equal(pthread_create(&self->thread, NULL, serve, self), 0);
  return ps_control_client_open(client, path, timeout_ms, error);
}

static void close_to(script *self, ps_control_client *client) {
  ps_control_client_close(client);
  assert_int_equal(pthread_join(self->thread, NULL), 0);
}

static void test_who_does_not_greet_is_no_gateway(void **state) {
  (void)state;
  const size_t long_size = (size_t)2 * 1024 * 1024;
  char *long_line = malloc(long_size + 1);
  memset(long_line, '{', long_size);
  long_line[long_size] = '\0';
  const struct {
    script script;
    int code;
    const char *words;
  } cases[] = {
      {{.lines = {"SSH-2.0-x\r\n"}}, PENSTOCK_E_FAILED, "is no gateway"},
      {{.lines = {"[1]\n"}}, PENSTOCK_E_FAILED, "is no gateway"},
      {{.lines = {"{}\n"}}, PENSTOCK_E_FAILED, "is no gateway"},
      {{.lines = {long_line}}, PENSTOCK_E_FAILED, "is no gateway"},
      {{.lines = {"{\"penst"}}, PENSTOCK_E_CANCELLED, "closed"},
      {{.lines = {""}}, PENSTOCK_E_CANCELLED, "closed"},
      {{.lines = {"{\"penst"}, .stays = 1}, PENSTOCK_E_TIMEOUT, "does not answer"},
      {{.lines = {"{\"protocol\":2,\"gateway\":{}}\n"}}, PENSTOCK_E_FAILED, "version 2"},
      {{.lines = {"{\"id\":null,\"error\":{\"code\":\"busy\",\"what\":\"full up\",\"next\":\"wait\"}}\n"}},
       PENSTOCK_E_FAILED,
       "full up"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    script self = cases[i].script;
    ps_control_client client;
    penstock_error error;
    int code = open_to(&self, &client, cases[i].code == PENSTOCK_E_TIMEOUT ? 100 : 5000, &error);
    assert_int_equal(code, cases[i].code);
    assert_non_null(strstr(error.what, cases[i].words));
    assert_true(error.next[0] != '\0');
    assert_int_equal(client.pid, getpid()); /* whatever it says, it is known who it is */
    close_to(&self, &client);
  }
  free(long_line);
}

static void test_events_before_the_answer_are_kept(void **state) {
  (void)state;
  script self = {.lines = {GREETING, "{\"event\":\"a\"}\n{\"id\":7,\"result\":0}\n{\"event\":\"b\"}\n"
                                     "{\"id\":1,\"result\":{\"x\":1}}\n{\"event\":\"c\"}\n"}};
  ps_control_client client;
  penstock_error error;
  json_t *result = NULL;
  assert_int_equal(open_to(&self, &client, 5000, &error), 0);
  assert_int_equal(ps_control_client_ask(&client, "status", json_pack("{s:i}", "n", 3), 5000, &result, &error), 0);
  assert_int_equal(json_integer_value(json_object_get(result, "x")), 1);
  json_decref(result);
  for (const char *kind = "abc"; *kind; kind++) {
    json_t *event = NULL;
    assert_int_equal(ps_control_client_next(&client, 5000, &event, &error), 0);
    assert_int_equal(json_string_value(json_object_get(event, "event"))[0], *kind);
    json_decref(event);
  }
  json_t *none = NULL;
  assert_int_equal(ps_control_client_next(&client, 5000, &none, &error), PENSTOCK_E_CANCELLED);
  assert_int_equal(ps_control_client_wait(&client, 5000), 0);
  close_to(&self, &client);
  assert_string_equal(self.heard, "{\"id\":1,\"request\":\"status\",\"n\":3}");
}

static void test_a_refusal_is_told_in_its_words(void **state) {
  (void)state;
  static const struct {
    const char *id;
    const char *code; /* and what there is more */
    uint32_t leg;
    uint32_t error_class;
    int result;
    int exit_code;
  } cases[] = {
      {"1", "unknown-request", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_REFUSED, PENSTOCK_E_FAILED, PS_EXIT_FAILED},
      {"1", "of-tomorrow", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_REFUSED, PENSTOCK_E_FAILED, PS_EXIT_FAILED},
      {"1", "failed", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_REFUSED, PENSTOCK_E_FAILED, PS_EXIT_FAILED},
      {"1", "stopping", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CANCELLED, PENSTOCK_E_FAILED, PS_EXIT_FAILED},
      {"1", "bad-value", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CONFIG, PENSTOCK_E_INVALID, PS_EXIT_USAGE},
      {"1", "bad-profile", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CONFIG, PENSTOCK_E_FAILED, PS_EXIT_CONFIG},
      {"1", "swapping", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED, PS_EXIT_UNREACHABLE},
      {"1", "solver-busy", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED, PS_EXIT_UNREACHABLE},
      {"1", "not-connected", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED, PS_EXIT_UNREACHABLE},
      {"null", "busy", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED, PS_EXIT_UNREACHABLE},
      {"null", "too-slow", PENSTOCK_LEG_NONE, PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED, PS_EXIT_UNREACHABLE},
      {"1", "not-served\",\"leg\":\"auth\",\"class\":\"auth", PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, PENSTOCK_E_FAILED,
       PS_EXIT_AUTH},
      {"1", "not-served\",\"leg\":\"local\",\"class\":\"refused", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
       PENSTOCK_E_FAILED, PS_EXIT_PORT},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char line[256];
    (void)snprintf(line, sizeof(line), "{\"id\":%s,\"error\":{\"code\":\"%s\",\"what\":\"no\",\"next\":\"else\"}}\n",
                   cases[i].id, cases[i].code);
    script self = {.lines = {GREETING, line}};
    ps_control_client client;
    penstock_error error;
    json_t *result = NULL;
    assert_int_equal(open_to(&self, &client, 5000, &error), 0);
    int code = ps_control_client_ask(&client, "x", NULL, 5000, &result, &error);
    assert_int_equal(code, cases[i].result);
    assert_null(result);
    assert_string_equal(error.what, "no");
    assert_string_equal(error.next, "else");
    assert_int_equal(error.leg, cases[i].leg);
    assert_int_equal(error.error_class, cases[i].error_class);
    assert_int_equal(ps_gateway_exit_code(&error, code), cases[i].exit_code);
    assert_int_equal(client.is_refused, cases[i].id[0] == '1'); /* else it is said to the client, of no request */
    close_to(&self, &client);
  }
}

/* The request has gone out, and nobody says what has become of it. */
static void test_an_answer_that_is_lost_is_no_refusal(void **state) {
  (void)state;
  script self = {.lines = {GREETING, ""}};
  ps_control_client client;
  penstock_error error;
  json_t *result = NULL;
  assert_int_equal(open_to(&self, &client, 5000, &error), 0);
  assert_int_equal(ps_control_client_ask(&client, "x", NULL, 5000, &result, &error), PENSTOCK_E_CANCELLED);
  assert_int_equal(client.is_refused, 0);
  close_to(&self, &client);
}

/* A gateway that is there at once in the place of another one is not the one whose end is waited for. */
static void test_the_end_of_one_is_not_waited_for_at_another(void **state) {
  (void)state;
  for (int is_other = 0; is_other <= 1; is_other++) {
    script first = {.lines = {GREETING}};
    script second = {.lines = {GREETING}, .stays = 1};
    ps_gateway_found gateway = {0};
    penstock_error error;
    (void)snprintf(gateway.path, sizeof(gateway.path), "%s", path);
    assert_int_equal(open_to(&first, &gateway.client, 5000, &error), 0);
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    gateway.client.pid += is_other ? 1 : 0;
    assert_int_equal(pthread_create(&second.thread, NULL, serve, &second), 0);
    int code = ps_gateway_wait_for_end(&gateway, is_other ? 20000 : 500);
    assert_int_equal(code, is_other ? PENSTOCK_OK : PENSTOCK_E_TIMEOUT);
    close_to(&second, &gateway.client);
  }
}

static void test_it_does_not_wait_for_ever(void **state) {
  (void)state;
  script self = {.lines = {GREETING}, .stays = 1};
  ps_control_client client;
  penstock_error error;
  json_t *result = NULL;
  assert_int_equal(open_to(&self, &client, 5000, &error), 0);
  assert_int_equal(ps_control_client_ask(&client, "x", NULL, 50, &result, &error), PENSTOCK_E_TIMEOUT);
  assert_int_equal(ps_control_client_next(&client, 50, &result, &error), PENSTOCK_E_TIMEOUT);
  assert_int_equal(ps_control_client_wait(&client, 50), PENSTOCK_E_TIMEOUT);
  close_to(&self, &client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_who_does_not_greet_is_no_gateway),
      cmocka_unit_test(test_events_before_the_answer_are_kept),
      cmocka_unit_test(test_a_refusal_is_told_in_its_words),
      cmocka_unit_test(test_an_answer_that_is_lost_is_no_refusal),
      cmocka_unit_test(test_the_end_of_one_is_not_waited_for_at_another),
      cmocka_unit_test(test_it_does_not_wait_for_ever),
  };
  return cmocka_run_group_tests(tests, begin, end);
}

/* SPDX-License-Identifier: MIT */
/* The log of a gateway as it is shown, before a gateway that says what the test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/gateway_log.h"

static char path[64];
static int listener;

/* What it says: an entry for each line that it hears, the first as its greeting. Then it ends. */
typedef struct script {
  const char *lines[8];
  char heard[1024];
} script;

static void *serve(void *argument) {
  script *self = argument;
  int fd = accept(listener, NULL, NULL);
  char byte;
  size_t size = 0;
  for (size_t i = 0; i < 8 && self->lines[i]; i++) {
    (void)send(fd, self->lines[i], strlen(self->lines[i]), MSG_NOSIGNAL);
    while (self->lines[i + 1] && recv(fd, &byte, 1, 0) == 1 && byte != '\n' && size + 1 < sizeof(self->heard)) {
      self->heard[size++] = byte;
    }
  }
  close(listener);
  (void)unlink(path);
  close(fd);
  return NULL;
}

/* What the command prints. */
static char *shown(script *self, long lines, int follow, int json) {
  pthread_t thread;
  penstock_error error;
  ps_gateway_found gateway = {0};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char file[] = "/tmp/pst-log-XXXXXX";
  static char text[4096];
  (void)snprintf(path, sizeof(path), "/tmp/pst-log-%d.sock", (int)getpid());
  (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
  (void)snprintf(gateway.path, sizeof(gateway.path), "%s", path);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(listen(listener, 4), 0);
  assert_int_equal(pthread_create(&thread, NULL, serve, self), 0);
  assert_int_equal(ps_control_client_open(&gateway.client, path, 20000, &error), 0);
  int saved = dup(STDOUT_FILENO);
  int out = mkstemp(file);
  (void)fflush(stdout);
  assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
  int exit_code = ps_show_gateway_log(&gateway, lines, follow, json);
  assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
  assert_int_equal(exit_code, 0);
  ssize_t size = pread(out, text, sizeof(text) - 1, 0);
  assert_true(size >= 0);
  text[size] = '\0';
  close(out);
  close(saved);
  (void)unlink(file);
  ps_control_client_close(&gateway.client);
  assert_int_equal(pthread_join(thread, NULL), 0);
  return text;
}

#define GREETING "{\"penstock\":\"9\",\"protocol\":1,\"gateway\":{\"profile\":\"lab\"}}\n"
#define LINE(number, level, text)                                                                                      \
  "{\"number\":" #number ",\"ts\":\"2026-01-31T12:00:00.000Z\",\"level\":\"" level                                     \
  "\",\"source\":\"lab\",\"msg\":\"" text "\"}"
#define EVENT(number, text)                                                                                            \
  "{\"event\":\"log\",\"seq\":9,\"time\":\"x\",\"number\":" #number                                                    \
  ",\"ts\":\"2026-01-31T12:00:01.000Z\",\"level\":\"info\",\"source\":\"lab\",\"msg\":\"" text "\"}\n"

static void test_the_last_lines(void **state) {
  (void)state;
  script self = {
      .lines = {
          GREETING,
          "{\"id\":1,\"result\":{\"last\":4,\"lines\":[" LINE(
              3, "info",
              "up\\u001b[2J") ","
                              "{\"number\":4,\"ts\":\"t\",\"level\":\"warn\",\"source\":\"lab\",\"msg\":\"gone\","
                              "\"leg\":\"tcp\",\"class\":\"transient\",\"next\":\"look\",\"detail\":\"a\\nb\"}]}}\n"}};
  assert_string_equal(shown(&self, 7, 0, 0), "2026-01-31T12:00:00.000Z info  lab: up\\x1b[2J\n"
                                             "t warn  lab: [tcp, transient] gone\n"
                                             "    next: look\n"
                                             "    | a\n"
                                             "    | b\n");
  assert_non_null(strstr(self.heard, "\"lines\":7"));
}

/* Lines that come while the last ones are on their way are shown once, and those that were lost on the way are asked
 * for again. */
static void test_following(void **state) {
  (void)state;
  script self = {
      .lines = {GREETING, "{\"id\":1,\"result\":{\"events\":[\"log\"],\"seq\":1}}\n" EVENT(4, "four"),
                "{\"id\":2,\"result\":{\"last\":4,\"lines\":[" LINE(3, "info", "three") "," LINE(
                    4, "info", "four") "]}}\n" EVENT(5, "five") "{\"event\":\"lost\",\"seq\":9,\"lost\":9}\n",
                "{\"id\":3,\"result\":{\"last\":9,\"lines\":[" LINE(5, "info", "five") "," LINE(
                    8, "error", "eight") "]}}\n" EVENT(9, "nine")}};
  assert_string_equal(shown(&self, 1000, 1, 0), "2026-01-31T12:00:00.000Z info  lab: three\n"
                                                "2026-01-31T12:00:00.000Z info  lab: four\n"
                                                "2026-01-31T12:00:01.000Z info  lab: five\n"
                                                "(2 lines are missing here: the gateway does not have them any more)\n"
                                                "2026-01-31T12:00:00.000Z error lab: eight\n"
                                                "2026-01-31T12:00:01.000Z info  lab: nine\n");
  assert_non_null(strstr(self.heard, "\"lines\":500"));
}

static void test_for_programs(void **state) {
  (void)state;
  script self = {
      .lines = {GREETING, "{\"id\":1,\"result\":{\"events\":[\"log\"],\"seq\":1}}\n",
                "{\"id\":2,\"result\":{\"last\":3,\"lines\":[" LINE(3, "info", "three") "]}}\n" EVENT(4, "four")}};
  char *text = shown(&self, 0, 1, 1);
  json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
  json_t *second = json_loads(strchr(text, '\n'), 0, NULL);
  assert_int_equal(json_integer_value(json_object_get(first, "number")), 3);
  assert_string_equal(json_string_value(json_object_get(second, "msg")), "four");
  assert_int_equal(json_object_size(first), 5);
  assert_int_equal(json_object_size(second), 5); /* it looks like any other */
  json_decref(first);
  json_decref(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_last_lines),
      cmocka_unit_test(test_following),
      cmocka_unit_test(test_for_programs),
  };
  (void)setenv("NO_COLOR", "1", 1);
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A gateway that is to use another profile: what is taken, what is left, what fails, and the end in between. */
#include "gateway_rig.h"

#include <dirent.h>
#include <sys/resource.h>
#include <uv.h>

#include "control/client.h"
#include "control/place.h"

static char folder[64];
static const char *other_listen; /* of the other profile; NULL = the same */
static const char *other_peers;
static const char *first_hold; /* of the first profile; NULL = the usual one */
static atomic_int found, released;

static int begin(void **state) {
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-use-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
  return begin_server(state);
}

static int end(void **state) {
  assert_int_equal(rmdir(folder), 0);
  return end_server(state);
}

static void release(void *owner) {
  released++;
  ps_settings_free(owner);
}

/* Any name but "none" is a profile on the fake transport. */
static int find(void *context, const char *name, ps_gateway_profile *profile, penstock_error *error) {
  static const char *const same[][2] = {{"transport", "fake"}, {"prewarm", "0"}, {"stop_timeout", "2s"}};
  ps_problems problems = {0};
  (void)context;
  if (strcmp(name, "none") == 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "no profile 'none'");
    return PENSTOCK_E_NOT_FOUND;
  }
  ps_settings *settings = ps_settings_defaults("other", &fake_transport);
  for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
    assert_int_equal(ps_settings_set(settings, same[i][0], same[i][1], "test", &problems), 0);
  }
  assert_int_equal(ps_settings_set(settings, "listen", other_listen ? other_listen : "127.0.0.1:0", "test", &problems),
                   0);
  assert_int_equal(ps_settings_set(settings, "peers", other_peers ? other_peers : "any", "test", &problems), 0);
  ps_problems_clear(&problems);
  found++;
  *profile = (ps_gateway_profile){
      .name = "other", .transport = &fake_transport, .settings = settings, .release = release, .owner = settings};
  return PENSTOCK_OK;
}

static void run_with(void (*what)(run *self), int point) {
  run self = {.act = what, .point = AT_SERVING, .control = 1, .find = find};
  if (point == AT_LISTENING) {
    self.point = AT_LISTENING;
  }
  if (first_hold) {
    set(&self, "hold", first_hold);
  }
  go(&self);
  assert_int_equal(self.result, 0);
  assert_int_equal(found, released); /* nothing that was borrowed is held */
}

static void reset(void) {
  fake_reset();
  found = 0;
  released = 0;
  other_listen = NULL;
  other_peers = NULL;
  first_hold = NULL;
}

/* --- the client --------------------------------------------------------------------------------- */

static void connect_control(const run *self, ps_control_client *client) {
  char path[PS_CONTROL_PATH_SIZE];
  penstock_error error;
  (void)snprintf(path, sizeof(path), "%s/test@%u.sock", folder, self->port);
  while (ps_control_client_open(client, path, 5000, &error) != 0) {
    (void)usleep(1000);
  }
}

/* Asks to use "other"; NULL with `error` if that is refused. */
static json_t *use_it(ps_control_client *client, const char *name, int drain_ms, penstock_error *error) {
  json_t *result = NULL;
  json_t *fields = json_pack("{s:s}", "profile", name);
  if (drain_ms >= 0) {
    (void)json_object_set_new(fields, "drain_ms", json_integer(drain_ms));
  }
  (void)ps_control_client_ask(client, "use", fields, 20000, &result, error);
  return result;
}

/* Returns how many streams may go on. */
static json_int_t use_well(ps_control_client *client, int drain_ms) {
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *result = use_it(client, "other", drain_ms, &error);
  if (!result) {
    (void)fprintf(stderr, "%s\n", error.what);
  }
  assert_non_null(result);
  assert_string_equal(json_string_value(json_object_get(result, "profile")), "other");
  json_int_t streams = json_integer_value(json_object_get(result, "streams"));
  json_decref(result);
  return streams;
}

static json_t *status(ps_control_client *client) {
  json_t *result = NULL;
  penstock_error error;
  assert_int_equal(ps_control_client_ask(client, "status", NULL, 5000, &result, &error), 0);
  return result;
}

/* Asks until so many profiles drain. */
static void wait_for_draining(ps_control_client *client, size_t count) {
  size_t now = SIZE_MAX;
  uint64_t end_ns = uv_hrtime() + UINT64_C(20000000000);
  while (now != count && uv_hrtime() < end_ns) {
    json_t *answer = status(client);
    now = json_array_size(json_object_get(answer, "draining"));
    json_decref(answer);
    (void)usleep(1000);
  }
  assert_int_equal(now, count);
}

/* Have so many streams sent what begin_stream sends? */
static int have_begun(ps_control_client *client, size_t count) {
  json_t *result = NULL;
  penstock_error error;
  assert_int_equal(ps_control_client_ask(client, "streams", NULL, 5000, &result, &error), 0);
  const json_t *rows = json_object_get(result, "streams");
  size_t begun = 0;
  for (size_t i = 0; i < json_array_size(rows); i++) {
    begun += json_integer_value(json_object_get(json_array_get(rows, i), "up_bytes")) == 4 ? 1 : 0;
  }
  json_decref(result);
  return begun == count;
}

/* A connection that the solver has, and that goes on; then there are `count` of them. Returns its descriptor. */
static int begin_stream(const run *self, ps_control_client *client, size_t count) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {.tv_sec = 20};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(send(fd, "TCMD", 4, MSG_NOSIGNAL), 4);
  while (!have_begun(client, count)) {
    (void)usleep(1000);
  }
  return fd;
}

/* Ends what begin_stream began. Returns what `recv` says of the answer. */
static ssize_t end_stream(int fd) {
  char answer[256];
  (void)shutdown(fd, SHUT_WR);
  ssize_t count = recv(fd, answer, sizeof(answer), 0);
  close(fd);
  return count;
}

static void *ask_and_tell(void *argument) {
  const run *self = argument;
  assert_int_equal(ask(self), 1);
  return NULL;
}

/* --- tests -------------------------------------------------------------------------------------- */

static void take_another(run *self) {
  ps_control_client client;
  connect_control(self, &client);
  int fd = begin_stream(self, &client, 1);
  assert_int_equal(use_well(&client, -1), 1);
  assert_int_equal(fake.connects, 2);
  assert_int_equal(ask(self), 1);
  json_t *answer = status(&client);
  assert_string_equal(json_string_value(json_object_get(answer, "profile")), "other");
  assert_string_equal(json_string_value(json_object_get(answer, "state")), "up");
  const json_t *left = json_array_get(json_object_get(answer, "draining"), 0);
  assert_string_equal(json_string_value(json_object_get(left, "profile")), "test");
  assert_int_equal(json_integer_value(json_object_get(left, "streams")), 1);
  json_decref(answer);
  assert_true(end_stream(fd) > 0); /* it was never touched */
  wait_for_draining(&client, 0);
  assert_int_equal(ask(self), 1);
  answer = status(&client);
  assert_true(json_integer_value(json_object_get(answer, "streams_ended")) >= 2); /* those of both */
  json_decref(answer);
  ps_control_client_close(&client);
}

static void test_streams_go_on_beside_the_new_one(void **state) {
  (void)state;
  reset();
  fake.side_by_side = 1;
  run_with(take_another, AT_SERVING);
  assert_int_equal(fake.stops, 0); /* the solver is not ended with the profile */
}

static void drain_for_a_moment(run *self) {
  ps_control_client client;
  connect_control(self, &client);
  int fd = begin_stream(self, &client, 1);
  assert_int_equal(use_well(&client, 50), 1);
  wait_for_draining(&client, 0);
  assert_int_equal(end_stream(fd), -1); /* a reset, no end that could be taken for an answer */
  assert_int_equal(ask(self), 1);
  ps_control_client_close(&client);
}

static void test_what_does_not_end_in_time_is_aborted(void **state) {
  (void)state;
  reset();
  fake.side_by_side = 1;
  run_with(drain_for_a_moment, AT_SERVING);
}

/* A client whose stream the old one cannot open is the new one's, and then nothing keeps the old one. */
static void lose_the_last_open(run *self) {
  ps_control_client client;
  pthread_t waits;
  connect_control(self, &client);
  fake.late_leg = PENSTOCK_LEG_STREAM;
  fake.late_opens = 1;
  assert_int_equal(pthread_create(&waits, NULL, ask_and_tell, self), 0);
  while (fake.late_opens == 1) {
    (void)usleep(1000);
  }
  assert_int_equal(use_well(&client, 3600000), 1);
  (void)pthread_join(waits, NULL);
  wait_for_draining(&client, 0);
  ps_control_client_close(&client);
}

static void test_an_open_that_fails_is_the_new_ones(void **state) {
  (void)state;
  reset();
  run_with(lose_the_last_open, AT_SERVING);
}

/* Its `hold` is over by then: that is no reason to refuse it, since another one serves. */
static void test_an_open_that_fails_late_is_the_new_ones(void **state) {
  (void)state;
  reset();
  first_hold = "1s";
  run_with(lose_the_last_open, AT_SERVING);
}

/* Like a user who gives no pass phrase: the gateway does not stop for that. */
static void cancel_it(run *self) {
  static const char request[] = "{\"id\": 1, \"request\": \"use\", \"profile\": \"other\"}\n";
  ps_control_client client;
  penstock_error error;
  json_t *line = NULL;
  connect_control(self, &client);
  fake.error_leg = PENSTOCK_LEG_AUTH;
  fake.error_class = PENSTOCK_CLASS_CANCELLED;
  fake.connect = FAKE_FAIL;
  assert_int_equal(send((int)client.socket, request, strlen(request), MSG_NOSIGNAL), strlen(request));
  assert_int_equal(ps_control_client_next(&client, 10000, &line, &error), 0);
  assert_string_equal(json_string_value(json_object_get(json_object_get(line, "error"), "code")), "not-served");
  json_decref(line);
  assert_int_equal(ask(self), 1);
  ps_control_client_close(&client);
}

static void test_a_cancelled_one_is_not_the_end(void **state) {
  (void)state;
  reset();
  run_with(cancel_it, AT_SERVING);
}

static size_t count_descriptors(void) {
  size_t count = 0;
  DIR *folder_of_them = opendir("/proc/self/fd");
  assert_non_null(folder_of_them);
  while (readdir(folder_of_them)) {
    count++;
  }
  (void)closedir(folder_of_them);
  return count;
}

/* With no more descriptors than there are and a few: whatever it is that cannot be had, nothing is left open. */
static void want_descriptors(run *self) {
  ps_control_client client;
  penstock_error error = {.struct_size = sizeof(error)};
  struct rlimit usual;
  int failures = 0;
  connect_control(self, &client);
  assert_int_equal(ask(self), 1);
  fake_server_settle();
  size_t before = count_descriptors();
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
  fake.error_leg = PENSTOCK_LEG_TCP;
  fake.error_class = PENSTOCK_CLASS_TRANSIENT;
  fake.connect = FAKE_FAIL; /* it needs none for the rest of the way */
  int lowest = dup(0);      /* the lowest number that is free */
  (void)close(lowest);
  for (rlim_t more = 0; more < 64 && error.leg != PENSTOCK_LEG_TCP; more++) {
    const struct rlimit scarce = {(rlim_t)lowest + more, usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &scarce), 0);
    assert_null(use_it(&client, "other", -1, &error));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    failures++;
  }
  assert_true(failures > 3);
  assert_int_equal(error.leg, PENSTOCK_LEG_TCP);
  while (fake.destroys + 1 < fake.connects) {
    (void)usleep(1000);
  }
  uint64_t end_ns = uv_hrtime() + UINT64_C(20000000000);
  while (count_descriptors() > before && uv_hrtime() < end_ns) {
    (void)usleep(1000);
  }
  assert_int_equal(count_descriptors(), before);
  ps_control_client_close(&client);
}

static void test_a_failed_one_leaves_no_descriptor(void **state) {
  (void)state;
  reset();
  fake.side_by_side = 1;
  run_with(want_descriptors, AT_SERVING);
}

static void fail_to_take(run *self) {
  static const struct {
    uint32_t leg;
    uint32_t class_of_error;
  } cases[] = {{PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH}, {PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT}};
  ps_control_client client;
  penstock_error error = {.struct_size = sizeof(error)};
  connect_control(self, &client);
  int fd = begin_stream(self, &client, 1);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    fake.error_leg = cases[i].leg;
    fake.error_class = cases[i].class_of_error;
    fake.connect = FAKE_FAIL;
    assert_null(use_it(&client, "other", -1, &error));
    assert_int_equal(error.leg, cases[i].leg);
    assert_int_equal(error.error_class, cases[i].class_of_error);
    json_t *answer = status(&client);
    assert_int_equal(json_array_size(json_object_get(answer, "draining")), 0); /* it has nothing to finish */
    assert_string_equal(json_string_value(json_object_get(answer, "profile")), "test");
    assert_string_equal(json_string_value(json_object_get(answer, "state")), "up");
    assert_true(json_is_null(json_object_get(answer, "swap")));
    json_decref(answer);
    assert_int_equal(ask(self), 1);
  }
  fake.connect = FAKE_OK;
  assert_true(end_stream(fd) > 0);
  assert_int_equal(use_well(&client, -1), 0); /* one that failed is in nobody's way */
  ps_control_client_close(&client);
}

static void test_the_old_one_goes_on_if_the_new_one_fails(void **state) {
  (void)state;
  reset();
  fake.side_by_side = 1;
  run_with(fail_to_take, AT_SERVING);
}

static void refuse_to_begin(run *self) {
  ps_control_client client;
  penstock_error error = {.struct_size = sizeof(error)};
  connect_control(self, &client);
  assert_null(use_it(&client, "none", -1, &error));
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  other_listen = "127.0.0.1:1";
  assert_null(use_it(&client, "other", -1, &error));
  assert_non_null(strstr(error.what, "listens on 127.0.0.1:1"));
  assert_int_equal(fake.connects, 1);
  assert_int_equal(ask(self), 1);
  ps_control_client_close(&client);
}

static void test_a_wrong_profile_changes_nothing(void **state) {
  (void)state;
  reset();
  run_with(refuse_to_begin, AT_SERVING);
}

/* The first one hangs: a connection waits until the other one serves. */
static void save_who_waits(run *self) {
  ps_control_client client;
  pthread_t waits;
  connect_control(self, &client);
  assert_int_equal(pthread_create(&waits, NULL, ask_and_tell, self), 0);
  json_int_t held = 0;
  while (held == 0 || fake.connects == 0) {
    json_t *answer = status(&client);
    held = json_integer_value(json_object_get(answer, "held"));
    json_decref(answer);
  }
  fake.connect = FAKE_OK;
  (void)use_well(&client, -1);
  (void)pthread_join(waits, NULL);
  ps_control_client_close(&client);
}

static void test_who_waits_is_given_to_the_new_one(void **state) {
  (void)state;
  reset();
  fake.connect = FAKE_NEVER; /* of the first one */
  run_with(save_who_waits, AT_LISTENING);
}

/* One that hangs is in the way of another one, not of the end. */
static void end_while_it_comes(run *self) {
  static const char request[] = "{\"id\": 1, \"request\": \"use\", \"profile\": \"other\"}\n";
  ps_control_client client;
  ps_control_client second;
  penstock_error error = {.struct_size = sizeof(error)};
  pthread_t waits;
  connect_control(self, &client);
  connect_control(self, &second);
  fake.connect = FAKE_NEVER;
  assert_int_equal(send((int)client.socket, request, strlen(request), MSG_NOSIGNAL), strlen(request));
  while (fake.connects < 2) {
    (void)usleep(1000);
  }
  assert_null(use_it(&second, "other", -1, &error));
  assert_non_null(strstr(error.what, "already"));
  json_t *answer = status(&second);
  assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "swap"), "profile")), "other");
  json_decref(answer);
  assert_int_equal(pthread_create(&waits, NULL, ask_and_tell, self), 0); /* it serves on meanwhile */
  (void)pthread_join(waits, NULL);
  (void)kill(getpid(), SIGTERM);
  json_t *line = NULL;
  assert_int_equal(ps_control_client_next(&client, 10000, &line, &error), 0);
  assert_string_equal(json_string_value(json_object_get(json_object_get(line, "error"), "code")), "stopping");
  json_decref(line);
  ps_control_client_close(&second);
  ps_control_client_close(&client);
}

static void test_the_end_comes_while_another_one_comes(void **state) {
  (void)state;
  reset();
  run_with(end_while_it_comes, AT_SERVING);
}

/* A login may take minutes: what the others have carried is known all the same. */
static void figures_while_it_logs_in(run *self) {
  static const char request[] = "{\"id\": 1, \"request\": \"use\", \"profile\": \"other\"}\n";
  ps_control_client client;
  ps_control_client second;
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *line = NULL;
  connect_control(self, &client);
  connect_control(self, &second);
  fake.login = 1;
  assert_int_equal(send((int)client.socket, request, strlen(request), MSG_NOSIGNAL), strlen(request));
  while (fake.connects < 2) {
    (void)usleep(1000);
  }
  json_t *answer = status(&second);
  assert_true(json_is_object(json_object_get(answer, "swap")));
  assert_true(json_is_integer(json_object_get(answer, "up_bytes")));
  json_decref(answer);
  fake.login = 0;
  assert_int_equal(ps_control_client_next(&client, 10000, &line, &error), 0);
  assert_non_null(json_object_get(line, "result"));
  json_decref(line);
  ps_control_client_close(&second);
  ps_control_client_close(&client);
}

static void test_figures_are_known_while_another_one_logs_in(void **state) {
  (void)state;
  reset();
  run_with(figures_while_it_logs_in, AT_SERVING);
}

static void end_while_one_leaves(run *self) {
  ps_control_client client;
  connect_control(self, &client);
  int fd = begin_stream(self, &client, 1);
  assert_int_equal(use_well(&client, 3600000), 1);
  int second = begin_stream(self, &client, 2);
  (void)kill(getpid(), SIGTERM);
  assert_true(end_stream(fd) > 0); /* within stop_timeout */
  assert_true(end_stream(second) > 0);
  assert_int_equal(ps_control_client_wait(&client, 10000), 0);
  ps_control_client_close(&client);
}

static void test_the_end_drains_both(void **state) {
  (void)state;
  reset();
  fake.side_by_side = 1;
  run_with(end_while_one_leaves, AT_SERVING);
}

static atomic_int is_over;

/* Nobody may be lost, again and again, with streams all the while; keys that are read anew may differ. */
static void *ask_always(void *argument) {
  const run *self = argument;
  while (!is_over) {
    assert_int_equal(ask(self), 1);
  }
  return NULL;
}

static void swap_often(run *self) {
  enum { CLIENTS = 4 };
  ps_control_client client;
  pthread_t asking[CLIENTS];
  penstock_error error;
  connect_control(self, &client);
  for (int i = 0; i < CLIENTS; i++) {
    assert_int_equal(pthread_create(&asking[i], NULL, ask_always, self), 0);
  }
  for (int i = 0; i < 100; i++) {
    json_t *result = NULL;
    other_peers = i % 2 ? "own" : "any";
    while (!result) { /* too many may drain */
      result = use_it(&client, "other", 10000, &error);
    }
    json_decref(result);
  }
  is_over = 1;
  for (int i = 0; i < CLIENTS; i++) {
    (void)pthread_join(asking[i], NULL);
  }
  wait_for_draining(&client, 0);
  ps_control_client_close(&client);
}

static void test_nobody_is_lost_in_a_hundred_swaps(void **state) {
  (void)state;
  reset();
  fake.side_by_side = 1;
  run_with(swap_often, AT_SERVING);
  assert_int_equal(found, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_streams_go_on_beside_the_new_one),
      cmocka_unit_test(test_what_does_not_end_in_time_is_aborted),
      cmocka_unit_test(test_an_open_that_fails_is_the_new_ones),
      cmocka_unit_test(test_an_open_that_fails_late_is_the_new_ones),
      cmocka_unit_test(test_a_cancelled_one_is_not_the_end),
      cmocka_unit_test(test_a_failed_one_leaves_no_descriptor),
      cmocka_unit_test(test_the_old_one_goes_on_if_the_new_one_fails),
      cmocka_unit_test(test_a_wrong_profile_changes_nothing),
      cmocka_unit_test(test_who_waits_is_given_to_the_new_one),
      cmocka_unit_test(test_the_end_comes_while_another_one_comes),
      cmocka_unit_test(test_figures_are_known_while_another_one_logs_in),
      cmocka_unit_test(test_the_end_drains_both),
      cmocka_unit_test(test_nobody_is_lost_in_a_hundred_swaps),
  };
  return cmocka_run_group_tests(tests, begin, end);
}

/* SPDX-License-Identifier: MIT */
/* Files that are read anew: what is the same, what counts at once, what needs a new connection, and what fails. */
#include "gateway_rig.h"

#include <sys/resource.h>

#include "config/settings.h"
#include "control/client.h"
#include "control/place.h"

static char folder[64];
static _Atomic(const char *) hold, depth, peers, level, fault; /* what is in the files; NULL = the default */
static atomic_int read_so_far, released;
static _Atomic(const char *) logs_at;     /* the log's level, as it counts */
static atomic_int told, told_not, relogs; /* reloads, by what the gateway's events say of them */
static int ends;                          /* a stop ends the solver */

static int begin(void **state) {
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-reload-XXXXXX");
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

/* [gateway], with the log's level. */
static ps_settings *make_common(void) {
  ps_problems problems = {0};
  ps_settings *common = ps_settings_create("gateway", &ps_gateway_table, NULL, &problems);
  assert_int_equal(ps_settings_set(common, "log_level", level ? level : "info", "test", &problems), 0);
  ps_problems_clear(&problems);
  return common;
}

static int relog(void *context, const ps_settings *common, penstock_error *error) {
  static const char *const levels[] = {"info", "debug", "trace"};
  (void)context;
  (void)error;
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(ps_settings_string(common, "log_level"), levels[i]) == 0) {
      logs_at = levels[i];
    }
  }
  relogs++;
  return PENSTOCK_OK;
}

static void on_reload(void *context, const ps_reload_event *event) {
  (void)context;
  *(event->error ? &told_not : &told) += 1;
}

static const ps_gateway_events with_reload = {.listening = on_listening,
                                              .serving = on_serving,
                                              .state = on_state,
                                              .leg = on_leg,
                                              .progress = on_progress,
                                              .reload = on_reload};

static int reread(void *context, const char *name, ps_gateway_profile *found, ps_settings **common,
                  penstock_error *error) {
  run made = {0};
  const run *self = context;
  *common = NULL;
  if (fault) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s", fault);
  }
  set(&made, "stop_timeout", "2s");
  set(&made, "hold", hold ? hold : "20s");
  set(&made, "depth", depth ? depth : "3");
  set(&made, "description", "of this reading");
  set(&made, "peers", peers ? peers : "any");
  read_so_far++;
  *common = self->common ? make_common() : NULL;
  *found = (ps_gateway_profile){.name = name,
                                .transport = &fake_transport,
                                .settings = made.settings,
                                .release = release,
                                .owner = made.settings};
  return PENSTOCK_OK;
}

static void run_with(void (*what)(run *self)) {
  run self = {.act = what, .point = AT_SERVING, .control = 1, .reread = reread, .events = &with_reload};
  fake_reset();
  fake.side_by_side = 1;
  fake.stop_ends = ends;
  hold = depth = peers = level = fault = NULL;
  read_so_far = released = told = told_not = relogs = 0;
  set(&self, "description", "of this reading");
  ps_settings *common = make_common();
  self.common = common;
  self.relog = relog;
  logs_at = "info";
  go(&self);
  ps_settings_free(common);
  assert_int_equal(self.result, 0);
  assert_int_equal(read_so_far, released); /* nothing is held that nobody needs */
}

static void connect_control(const run *self, ps_control_client *client) {
  char path[PS_CONTROL_PATH_SIZE];
  penstock_error error;
  (void)snprintf(path, sizeof(path), "%s/test@%u.sock", folder, self->port);
  while (ps_control_client_open(client, path, 5000, &error) != 0) {
    (void)usleep(1000);
  }
}

/* Returns how many keys have changed, and whether the profile has connected anew; -1 if it was refused. */
static int reload(ps_control_client *client, int *connected, penstock_error *error) {
  json_t *result = NULL;
  if (ps_control_client_ask(client, "reload", NULL, 20000, &result, error) != 0) {
    return -1;
  }
  int count = (int)json_array_size(json_object_get(result, "changes"));
  *connected = json_is_true(json_object_get(result, "connected"));
  json_decref(result);
  return count;
}

static void change_live_keys(run *self) {
  ps_control_client client;
  penstock_error error;
  int connected = 0;
  connect_control(self, &client);
  assert_int_equal(reload(&client, &connected, &error), 0);
  assert_int_equal(read_so_far, released);
  assert_int_equal(ask(self), 1);
  assert_int_equal(fake.depth, 3);
  hold = "5s";
  depth = "7";
  assert_int_equal(reload(&client, &connected, &error), 2);
  assert_false(connected);
  assert_int_equal(read_so_far, released + 1);
  assert_int_equal(reload(&client, &connected, &error), 0);
  assert_int_equal(ask(self), 1);
  assert_int_equal(fake.depth, 7); /* the instance that there was sees it */
  assert_int_equal(fake.connects, 1);
  ps_control_client_close(&client);
}

static void test_live_keys_count_without_a_reconnect(void **state) {
  (void)state;
  run_with(change_live_keys);
}

static void await_held(int count) {
  while (read_so_far - released != count) {
    (void)usleep(1000);
  }
}

static void reload_for_days(run *self) {
  ps_control_client client;
  penstock_error error;
  json_t *result = NULL;
  int connected = 0;
  connect_control(self, &client);
  for (int i = 0; i < 20; i++) {
    hold = i % 2 ? "11s" : "12s";
    assert_int_equal(reload(&client, &connected, &error), 1);
  }
  await_held(1); /* what counts now */
  fake.keeps_words = 1;
  assert_int_equal(ps_control_client_ask(&client, "reconnect", NULL, 5000, &result, &error), 0);
  json_decref(result);
  while (self->servings < 2) {
    (void)usleep(1000);
  }
  for (int i = 0; i < 20; i++) {
    hold = i % 2 ? "11s" : "12s";
    assert_int_equal(reload(&client, &connected, &error), 1);
  }
  await_held(2); /* and what the transport has a text of */
  fake.keeps_words = 0;
  result = NULL;
  assert_int_equal(ps_control_client_ask(&client, "reconnect", NULL, 5000, &result, &error), 0);
  json_decref(result);
  await_held(1);
  assert_int_equal(ask(self), 1);
  assert_int_equal(fake.words_lost, 0);
  ps_control_client_close(&client);
}

static void test_settings_that_nobody_reads_are_freed(void **state) {
  (void)state;
  run_with(reload_for_days);
}

static void change_another_key(run *self) {
  ps_control_client client;
  penstock_error error;
  int connected = 0;
  connect_control(self, &client);
  peers = "own";
  depth = "9";
  assert_int_equal(reload(&client, &connected, &error), 2);
  assert_true(connected);
  assert_int_equal(fake.connects, 2);
  assert_int_equal(ask(self), 1);
  assert_int_equal(fake.depth, 9);
  ps_control_client_close(&client);
}

static void test_other_keys_connect_anew(void **state) {
  (void)state;
  run_with(change_another_key);
}

/* Whoever has stopped the solver does not want it launched by the way. */
static void change_while_stopped(run *self) {
  ps_control_client client;
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *result = NULL;
  int connected = 0;
  connect_control(self, &client);
  assert_int_equal(ps_control_client_ask(&client, "solver_stop", NULL, 20000, &result, &error), 0);
  json_decref(result);
  peers = "own";
  assert_int_equal(reload(&client, &connected, &error), -1);
  assert_non_null(strstr(error.what, "would launch the solver that was stopped"));
  assert_non_null(strstr(error.next, "penstock use test"));
  peers = "any";
  hold = "5s"; /* what counts at once is no matter of the solver */
  assert_int_equal(reload(&client, &connected, &error), 1);
  assert_false(connected);
  assert_int_equal(fake.connects, 1);
  ps_control_client_close(&client);
}

static void test_a_solver_that_was_stopped_is_not_launched_by_a_reload(void **state) {
  (void)state;
  ends = 1;
  run_with(change_while_stopped);
  ends = 0;
  assert_int_equal(fake.launches, 0);
}

static void change_nothing(run *self) {
  ps_control_client client;
  penstock_error error = {.struct_size = sizeof(error)};
  int connected = 0;
  connect_control(self, &client);
  depth = "7";
  fault = "penstock.ini:7: `hold` is wrong";
  assert_int_equal(reload(&client, &connected, &error), -1);
  assert_string_equal(error.what, fault);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  fault = NULL;
  peers = "own";
  fake.error_leg = PENSTOCK_LEG_AUTH;
  fake.error_class = PENSTOCK_CLASS_AUTH;
  fake.connect = FAKE_FAIL;
  assert_int_equal(reload(&client, &connected, &error), -1);
  assert_int_equal(error.leg, PENSTOCK_LEG_AUTH);
  fake.connect = FAKE_OK;
  assert_int_equal(ask(self), 1);
  assert_int_equal(fake.depth, 3); /* nor the half of it */
  peers = NULL;
  assert_int_equal(reload(&client, &connected, &error), 1);
  assert_int_equal(ask(self), 1);
  assert_int_equal(fake.depth, 7);
  ps_control_client_close(&client);
}

static void test_what_fails_changes_nothing(void **state) {
  (void)state;
  run_with(change_nothing);
}

/* [gateway] counts at once, and is taken back if the profile, connected anew in the same reload, does not serve. */
static void change_the_log_too(run *self) {
  ps_control_client client;
  penstock_error error = {.struct_size = sizeof(error)};
  int connected = 0;
  connect_control(self, &client);
  level = "debug";
  peers = "own";
  fake.error_leg = PENSTOCK_LEG_TCP;
  fake.error_class = PENSTOCK_CLASS_TRANSIENT;
  fake.connect = FAKE_FAIL;
  assert_int_equal(reload(&client, &connected, &error), -1);
  assert_string_equal(logs_at, "info");
  assert_int_equal(relogs, 2);
  fake.connect = FAKE_OK;
  assert_int_equal(reload(&client, &connected, &error), 2); /* it has not been forgotten */
  assert_true(connected);
  assert_string_equal(logs_at, "debug");
  level = "trace";
  assert_int_equal(reload(&client, &connected, &error), 1);
  assert_string_equal(logs_at, "trace");
  assert_int_equal(relogs, 4);
  ps_control_client_close(&client);
}

static void test_the_log_is_as_before_if_the_profile_fails(void **state) {
  (void)state;
  run_with(change_the_log_too);
}

/* Not even begun: what connects anew cannot have a thread. */
static void want_descriptors(run *self) {
  ps_control_client client;
  penstock_error error = {.struct_size = sizeof(error)};
  struct rlimit usual;
  int connected = 0;
  connect_control(self, &client);
  level = "debug";
  peers = "own";
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
  const struct rlimit none = {0, usual.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  assert_int_equal(reload(&client, &connected, &error), -1);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
  assert_int_equal(told, 0); /* nobody hears of a success first */
  assert_int_equal(told_not, 1);
  assert_string_equal(logs_at, "info");
  assert_int_equal(reload(&client, &connected, &error), 2);
  assert_int_equal(told, 1);
  ps_control_client_close(&client);
}

static void test_what_cannot_begin_is_told_once(void **state) {
  (void)state;
  run_with(want_descriptors);
}

static atomic_int is_over;

static void *ask_always(void *argument) {
  const run *self = argument;
  while (!is_over) {
    assert_int_equal(ask(self), 1);
  }
  return NULL;
}

/* Lanes read what is changed beneath them. */
static void reload_often(run *self) {
  enum { CLIENTS = 3 };
  ps_control_client client;
  pthread_t asking[CLIENTS];
  penstock_error error;
  int connected = 0;
  connect_control(self, &client);
  for (int i = 0; i < CLIENTS; i++) {
    assert_int_equal(pthread_create(&asking[i], NULL, ask_always, self), 0);
  }
  for (int i = 0; i < 200; i++) {
    hold = i % 2 ? "11s" : "12s";
    depth = i % 3 ? "1" : "2";
    peers = i % 20 < 10 ? "any" : "own";
    assert_true(reload(&client, &connected, &error) >= 0);
  }
  is_over = 1;
  for (int i = 0; i < CLIENTS; i++) {
    (void)pthread_join(asking[i], NULL);
  }
  assert_int_equal(fake.connects, 1 + 19);
  ps_control_client_close(&client);
}

static void test_nobody_is_lost_in_two_hundred_reloads(void **state) {
  (void)state;
  run_with(reload_often);
}

static void hang_up(run *self) {
  depth = "5";
  (void)kill(getpid(), SIGHUP);
  while (read_so_far == 0) {
    (void)usleep(1000);
  }
  while (fake.depth != 5) {
    assert_int_equal(ask(self), 1);
  }
}

static void test_a_signal_reloads(void **state) {
  (void)state;
  (void)signal(SIGHUP, SIG_DFL); /* a gateway that has ended ignores it, and to one that begins that would be nohup */
  run_with(hang_up);
}

/* --- what is told of it ----------------------------------------------------------------------------- */

static void test_keys_are_told_by_when_they_count(void **state) {
  run before = {0};
  run after = {0};
  ps_reload changes;
  static const char *const fixed[] = {"drain", NULL};
  (void)state;
  set(&before, "hold", "1000ms");
  set(&after, "hold", "1s");
  set(&after, "retry_max", "7s");
  set(&after, "drain", "7s");
  ps_reload_sides sides = {.before = before.settings, .after = after.settings, .fixed = fixed};
  assert_int_equal(ps_reload_compare(&changes, &sides), 0);
  char *text = ps_reload_text(&changes);
  assert_string_equal(text, "retry_max (at once); drain (not while the command line says otherwise)");
  free(text);
  ps_reload_free(&changes);
  set(&after, "lanes", "2");
  assert_int_equal(ps_reload_compare(&changes, &sides), 0);
  assert_true(changes.connects && ps_reload_has(&changes, "lanes") && !ps_reload_has(&changes, "hold"));
  text = ps_reload_text(&changes);
  assert_string_equal(text, "retry_max, lanes (once the profile, connected anew, serves); drain (not while the command "
                            "line says otherwise)");
  free(text);
  ps_reload_free(&changes);
  ps_settings_free(before.settings);
  ps_settings_free(after.settings);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_live_keys_count_without_a_reconnect),
      cmocka_unit_test(test_settings_that_nobody_reads_are_freed),
      cmocka_unit_test(test_other_keys_connect_anew),
      cmocka_unit_test(test_a_solver_that_was_stopped_is_not_launched_by_a_reload),
      cmocka_unit_test(test_what_fails_changes_nothing),
      cmocka_unit_test(test_the_log_is_as_before_if_the_profile_fails),
      cmocka_unit_test(test_what_cannot_begin_is_told_once),
      cmocka_unit_test(test_nobody_is_lost_in_two_hundred_reloads),
      cmocka_unit_test(test_a_signal_reloads),
      cmocka_unit_test(test_keys_are_told_by_when_they_count),
  };
  return cmocka_run_group_tests(tests, begin, end);
}

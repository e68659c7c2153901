/* SPDX-License-Identifier: MIT */
/* Having a container run: started, restarted, or not there; by an engine's client that answers what the test says. */
#include "container_ask_rig.h"

static void test_up_running(void **state) {
  (void)state;
  up();
  say_status("running", 0, 0);
  told_running();
  assert_int_equal(carried.runs, 1);
}

static void test_up_starts(void **state) {
  (void)state;
  up();
  clock_ns += 2000ull * 1000000;
  tick();
  assert_string_equal(progress, "waiting for docker, 2 s");
  say_status("exited", 0, 3);
  has("ps_act='start'\nps_id='" ID "'\n");
  assert_string_equal(progress, "starting container 'ppf'");
  assert_int_equal(carried.timeout_ms, 7500);
  clock_ns += 3000ull * 1000000;
  tick();
  assert_string_equal(progress, "starting container 'ppf', 3 s");
  say("outcome=ok\n");
  say_status("running", 0, 0);
  assert_int_equal(told.done, 0);
  pass(250);
  say_status("running", 0, 0); /* it stays */
  told_running();
}

static void test_up_ends_at_once(void **state) {
  (void)state;
  up();
  say_status("created", 0, 0);
  say("outcome=ok\n");
  say_status("running", 0, 0);
  pass(250);
  say_status("exited", 0, 3);
  has("logs --tail 20");
  has("ps_since='2026-01-01T00:00:09.95Z'\n"); /* a tenth of a second before its start */
  say("log=first\nlog=last\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "was started and has ended at once (exit code 3)");
  assert_string_equal(told.error.detail, "first\nlast");
  assert_int_equal(told.view.exit_code, 3);
}

static void test_up_cannot_start(void **state) {
  (void)state;
  up();
  say_status("exited", 0, 0);
  say_failed("start", 1, "Error response from daemon: could not select device driver \"\" with capabilities: [[gpu]]");
  say_status("exited", 0, 0);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "cannot give it a GPU");
}

/* Two gateways, or the user: whoever was faster. */
static void test_up_somebody_was_faster(void **state) {
  (void)state;
  up();
  say_status("paused", 0, 0);
  has("ps_act='unpause'\n");
  assert_string_equal(progress, "unpausing container 'ppf'");
  say_failed("unpause", 1, "Error response from daemon: Container " ID " is not paused");
  say_status("running", 0, 0);
  pass(250);
  say_status("running", 0, 0);
  told_running();
}

static void test_up_gone_meanwhile(void **state) {
  (void)state;
  up();
  say_status("exited", 0, 0);
  say_failed("start", 1, "Error response from daemon: No such container: " ID);
  say_failed("inspect", 1, "Error: No such container: ppf");
  say("there=ppf2\tdemo:1\tUp 3 minutes\nimage=demo:1\nimage=ppf:2\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "Container 'ppf' does not exist.");
  assert_non_null(strstr(told.error.detail, "ppf2"));
  assert_non_null(strstr(told.error.next, "ppf:2`"));
}

static void test_up_may_not_start(void **state) {
  (void)state;
  settings.start_container = 0;
  up();
  say_status("exited", 0, 0);
  for (int i = 0; i < 6; i++) { /* maybe it is being restarted */
    assert_int_equal(told.done, 0);
    pass(250);
    say_status("exited", 0, 0);
  }
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "is stopped, and `start_container = no`");

  told.done = 0;
  up();
  say_status("exited", 0, 0);
  pass(250);
  say_status("running", 0, 0); /* it was */
  told_running();

  told.done = 0;
  up();
  say_status("paused", 0, 0);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "is paused, and `start_container = no`");
}

static void test_up_restart_loop(void **state) {
  (void)state;
  int looks = 0;
  up();
  say_status("restarting", 3, 4);
  while (!strstr(carried.script, "logs --tail")) {
    assert_true(looks < 20);
    pass(250);
    looks++;
    say_status(looks % 2 ? "restarting" : "running", 3 + looks / 2, 4);
  }
  assert_true(looks >= 8);
  say("log=why\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "ends and is started again and again (exit code 4)");
  assert_string_equal(told.error.detail, "why");
}

static void test_up_was_restarted_and_stays(void **state) {
  (void)state;
  up();
  say_status("restarting", 1, 137);
  pass(250);
  say_status("running", 1, 0);
  pass(250);
  say_status("running", 1, 0);
  pass(250);
  say_status("running", 1, 0);
  told_running();
}

static void test_up_removing(void **state) {
  (void)state;
  up();
  say_status("removing", 0, 0);
  pass(250);
  say_failed("inspect", 1, "Error: No such container: ppf");
  say("image=demo:1\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "does not exist.");
  assert_ptr_equal(strstr(told.error.detail, "There is no container on gpu01."), told.error.detail);
  told.done = 0;
  up();
  say_status("dead", 0, 0);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "cannot be used: it is dead");
}

static void test_up_compose(void **state) {
  (void)state;
  static const char *const absent = "engine=docker\nversion=1\nword=docker\npodman=0\nfar=no\nremote=0\noutcome=ok\n";
  char sudo[] = "sudo";
  char docker[] = "docker";
  settings.container = NULL;
  settings.service = "app";
  settings.project = "lab";
  settings.compose_file = "/srv/it's.yml";
  settings.words[0] = sudo;
  settings.words[1] = docker;
  up();
  has("ps_container=''\nps_service='app'\nps_project='lab'\n");
  say(absent);
  say("outcome=ok\n"); /* the list */
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG,
             "Service 'app' of project 'lab' has no container on gpu01.");

  told.done = 0;
  settings.start_compose = 1;
  container_ask_destroy(asker);
  asker = container_ask_create(&there, &settings);
  up();
  say(absent);
  has("ps_tool() { \"$@\" 'sudo' 'docker-compose'; }\n");
  has("ps_service='app'\nps_project='lab'\nps_file='/srv/it'\\''s.yml'\n");
  assert_string_equal(progress, "compose brings up service 'app' of project 'lab'");
  say("outcome=ok\n");
  say_status("running", 0, 0);
  pass(250);
  say_status("running", 0, 0);
  told_running();

  told.done = 0;
  up();
  say(absent);
  say_failed("compose", 1, "ERROR: No such service: app");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "the compose file has no such service");
}

static void test_up_is_cancelled(void **state) {
  (void)state;
  up();
  say_status("exited", 0, 0);
  container_ask_cancel(asker); /* it is being started */
  say("outcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");

  told.done = 0;
  up();
  say_status("restarting", 0, 0);
  container_ask_cancel(asker); /* between two looks */
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  assert_int_equal(carried.cancels, 1);
}

static void test_up_out_of_time(void **state) {
  (void)state;
  container_ask_up(asker, OP, 1000, done, &told);
  clock_ns += 600ull * 1000000;
  say_status("restarting", 1, 1); /* no time to see what becomes of it */
  say("log=x\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "again and again");
}

static void test_destroyed_in_the_middle(void **state) {
  (void)state;
  up();
  say_status("restarting", 0, 0); /* it naps; teardown destroys */
  assert_int_equal(told.done, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_up_running),
      TEST(test_up_starts),
      TEST(test_up_ends_at_once),
      TEST(test_up_cannot_start),
      TEST(test_up_somebody_was_faster),
      TEST(test_up_gone_meanwhile),
      TEST(test_up_may_not_start),
      TEST(test_up_restart_loop),
      TEST(test_up_was_restarted_and_stays),
      TEST(test_up_removing),
      TEST(test_up_compose),
      TEST(test_up_is_cancelled),
      TEST(test_up_out_of_time),
      TEST(test_destroyed_in_the_middle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

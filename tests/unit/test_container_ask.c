/* SPDX-License-Identifier: MIT */
/* Asking the engine's client, over a carrier that answers what the test says: a look, and commands inside. */
#include "container_ask_rig.h"

/* --- look -------------------------------------------------------------------------------------------- */

static void test_look(void **state) {
  (void)state;
  look();
  assert_int_equal(carried.timeout_ms, 9500);
  has("ps_auto='1'\nps_word=''\nps_version=''\nps_podman=''\nps_at=''\nps_far=''\n");
  has("ps_container='ppf'\nps_service=''\nps_project=''\nps_port='9090'\n");
  say_status("running", 0, 0);
  assert_int_equal(told.done, 0);
  told_running();
  assert_string_equal(told.view.id, ID);
  assert_string_equal(told.view.engine, "docker");

  told.done = 0;
  look(); /* what is known is not asked again */
  has("ps_word='docker'\nps_version='20.10.24'\nps_podman='0'\nps_at='unix:///run/d.sock'\nps_far='no'\n");
  say_status("running", 0, 0);
  told_running();
}

static void test_engine_of_the_user(void **state) {
  (void)state;
  char sudo[] = "sudo";
  char quoted[] = "it's; $(x)";
  settings.words[0] = sudo;
  settings.words[1] = quoted;
  look();
  has("ps_auto='0'\nps_words() { \"$@\" 'sudo' 'it'\\''s; $(x)'; }\n");
  say_status("running", 0, 0);
  told_running();
}

static void test_no_such_container(void **state) {
  (void)state;
  look();
  say_failed("inspect", 1, "Error: No such container: ppf");
  pass(0);
  assert_int_equal(told.done, 1);
  assert_false(told.failed);
  assert_int_equal(told.view.state, CONTAINER_ABSENT);
  assert_string_equal(told.view.engine, "docker");
}

/* Engines take the beginning of an id; penstock takes what clients show. */
static void test_ids(void **state) {
  (void)state;
  static const struct {
    const char *container;
    int found;
  } cases[] = {{"0", 0}, {"0123456789a", 0}, {"0123456789ab", 1}, {"0123456789abc", 0}, {ID, 1}, {"pp", 0}, {"ppf", 1}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    told.done = 0;
    settings.container = cases[i].container;
    look();
    say_status("running", 0, 0);
    pass(0);
    assert_int_equal(told.done, 1);
    assert_int_equal(told.view.state, cases[i].found ? CONTAINER_RUNNING : CONTAINER_ABSENT);
    assert_string_equal(told.view.id, cases[i].found ? ID : "");
  }
}

static void test_engine_is_down(void **state) {
  (void)state;
  look();
  say_status("running", 0, 0);
  told_running();
  told.done = 0;
  look();
  say_failed("inspect", 1, "Cannot connect to the Docker daemon at unix:///run/d.sock. Is the docker daemon running?");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "The engine of docker is not running on gpu01");
  told.done = 0;
  look(); /* what was known may be what has changed */
  has("ps_version=''\n");
  say_status("running", 0, 0);
  told_running();
}

static void test_client_hangs(void **state) {
  (void)state;
  look();
  clock_ns += 10000ull * 1000000;
  say_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT);
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "docker on gpu01 does not answer");
}

static void test_link_is_lost(void **state) {
  (void)state;
  look();
  say_error(PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT);
  told_error(PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "from the carrier");
}

static void test_script_is_cut_off(void **state) {
  (void)state;
  carrier_result result = {NULL, 2, "engine=docker\n", 14, "sh: no"};
  look();
  end_run(&result);
  told_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "ended with status 2");
  assert_string_equal(told.error.detail, "sh: no");
}

static void test_answer_makes_no_sense(void **state) {
  (void)state;
  look();
  say("engine=docker\nversion=1\ncontainer=[1,2\noutcome=ok\n");
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_INTERNAL, "");
}

static void test_no_process(void **state) {
  (void)state;
  carried.refuse = 1;
  look();
  assert_int_equal(told.done, 0);
  told_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "no process");
}

static void test_look_is_cancelled(void **state) {
  (void)state;
  container_ask_cancel(asker); /* nothing runs */
  look();
  container_ask_cancel(asker);
  assert_int_equal(carried.cancels, 1);
  say_error(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED);
  container_ask_cancel(asker); /* it has ended */
  told_error(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  assert_int_equal(carried.cancels, 1);
}

/* --- inside ------------------------------------------------------------------------------------------ */

static void test_inside(void **state) {
  (void)state;
  static const char body[] = "echo 'it'; echo \"$x\"\n";
  container_view view = {.id = ID};
  size_t size = 0;
  settings.user = "--privileged";
  settings.workdir = "/a b'c";
  script *s = container_ask_inside(asker, &view, body, sizeof(body) - 1, "nonce");
  const char *text = script_text(s, &size);
  assert_non_null(text);
  assert_non_null(strstr(text, "ps_id='" ID "'\nps_user='--privileged'\nps_workdir='/a b'\\''c'\nps_body='"));
  assert_non_null(strstr(text, "echo '\\''it'\\''; echo \"$x\"\n"));
  assert_non_null(strstr(text, "penstock-begin nonce"));
  script_destroy(s);
  s = container_ask_stream(asker, &view, "127.0.0.1", 9191);
  text = script_text(s, &size);
  assert_non_null(text);
  assert_non_null(strstr(text, "ps_host='127.0.0.1'\nps_port='9191'\nps_inside='"));
  script_destroy(s);
}

static void test_inside_error(void **state) {
  (void)state;
  static const char output[] = "\nfailed=exec\ncode=126\nsaid=unable to find user bob: no matching entries in passwd "
                               "file\noutcome=failed\n";
  penstock_error error = {.struct_size = sizeof(error)};
  penstock_error link = {.struct_size = sizeof(link)};
  container_view view = {.id = ID};
  carrier_result result = {NULL, 126, output, sizeof(output) - 1, ""};
  settings.user = "bob";
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "There is no user 'bob' in container 'ppf'");
  static const char shell[] =
      "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/bin/sh\": "
      "stat /bin/sh: no such file or directory: unknown\r\n\n"
      "failed=exec\ncode=126\nsaid=\noutcome=failed\n";
  result = (carrier_result){NULL, 126, shell, sizeof(shell) - 1, ""};
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "Container 'ppf' has no /bin/sh that can be run, so nothing can be launched in it");
  assert_string_equal(error.detail, "OCI runtime exec failed: exec failed: unable to start container process: exec: "
                                    "\"/bin/sh\": stat /bin/sh: no such file or directory: unknown");
  result = (carrier_result){NULL, 1, "", 0, "Error response from daemon: Container 1 is not running"};
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "Container 'ppf' on gpu01 does not run (any more)");
  (void)penstock_fail(&link, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "lost");
  result = (carrier_result){&link, -1, "", 0, ""};
  container_ask_inside_error(asker, &view, &result, &error);
  assert_string_equal(error.what, "lost");
}

static void log_done(void *context, const penstock_error *error) {
  done(context, NULL, error);
}

static void test_log(void **state) {
  (void)state;
  container_view view = {.id = ID};
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "It has ended");
  container_ask_log(asker, &view, &error, log_done, &told);
  has("ps_id='" ID "'\n");
  say("log=a\nlog=b\noutcome=ok\n");
  assert_int_equal(told.done, 1);
  assert_string_equal(told.error.what, "It has ended");
  assert_string_equal(told.error.detail, "a\nb");

  carried.refuse = 1;
  container_ask_log(asker, &view, &error, log_done, &told);
  assert_int_equal(told.done, 1);
  pass(0);
  assert_int_equal(told.done, 2);
  assert_string_equal(told.error.what, "It has ended");

  container_ask_log(asker, &view, &error, log_done, &told); /* teardown destroys */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_look),
      TEST(test_engine_of_the_user),
      TEST(test_no_such_container),
      TEST(test_ids),
      TEST(test_engine_is_down),
      TEST(test_client_hangs),
      TEST(test_link_is_lost),
      TEST(test_script_is_cut_off),
      TEST(test_answer_makes_no_sense),
      TEST(test_no_process),
      TEST(test_look_is_cancelled),
      TEST(test_inside),
      TEST(test_inside_error),
      TEST(test_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

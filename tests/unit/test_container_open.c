/* SPDX-License-Identifier: MIT */
/* Streams and scripts of the container carrier: which way is tried when, and how each ends once. */
#include "container_rig.h"

#include "common/script.h"

static void open_stream(size_t i) {
  rig.carrier->ops->open(rig.carrier, RIG_OPEN(i), "127.0.0.1", 9090, 15000);
  rig_turn();
}

static void assert_open_failed(size_t i, uint32_t leg, uint32_t error_class, const char *part) {
  assert_int_equal(rig.opens[i].count, 1);
  assert_true(rig.opens[i].is_failed);
  assert_int_equal(rig.opens[i].error.leg, leg);
  assert_int_equal(rig.opens[i].error.error_class, error_class);
  if (!strstr(rig.opens[i].error.what, part)) {
    fail_msg("\"%s\" is not in: %s", part, rig.opens[i].error.what);
  }
}

static void assert_opened(size_t i) {
  assert_int_equal(rig.opens[i].count, 1);
  assert_false(rig.opens[i].is_failed);
}

/* --- the ways -------------------------------------------------------------------------------------- */

static void test_the_first_way_that_connects_is_settled(void **state) {
  (void)state;
  char way[100];
  open_stream(0);
  assert_int_equal(rig.run_count, 1);
  assert_int_equal(rig.way_count, 0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  assert_string_equal(rig.ways[0].to, "127.0.0.1:19090");
  container_carrier_way(rig.carrier, way, sizeof(way));
  assert_string_equal(way, "");
  assert_non_null(rig_way_opens(0));
  assert_opened(0);
  container_carrier_way(rig.carrier, way, sizeof(way));
  assert_string_equal(way, "published port 127.0.0.1:19090");

  open_stream(1);
  assert_int_equal(rig.run_count, 1); /* nothing is asked of the engine */
  assert_string_equal(rig.ways[1].to, "127.0.0.1:19090");
  assert_non_null(rig_way_opens(1));
  assert_opened(1);
}

static void test_nobody_inside_is_told_without_a_try(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED});
  assert_int_equal(rig.way_count, 0);
  assert_open_failed(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED,
                     "Nobody listens on port 9090 in container 'ppf' on gpu01");
}

static void test_a_stopped_container_is_nobody_to_talk_to(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.status = "exited"});
  assert_open_failed(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "Container 'ppf' does not run: it has exited");
  rig_pass(1000); /* until then the view is taken for how things are */
  open_stream(1);
  rig_looks_absent(1);
  assert_open_failed(1, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "Container 'ppf' does not exist");
}

static void test_one_way_after_the_other(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  rig_way_fails(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "not allowed");
  assert_string_equal(rig.ways[1].to, "172.17.0.2:9090");
  rig_way_refused(1);
  assert_string_equal(rig.ways[2].to, "command");
  assert_non_null(strstr(rig.ways[2].script, RIG_ID));
  assert_int_equal(rig.opens[0].count, 0);
  assert_non_null(rig_way_opens(2));
  assert_opened(0);
  open_stream(1);
  assert_string_equal(rig.ways[3].to, "command"); /* settled */
}

static void test_a_listener_on_the_loopback_is_only_reached_by_exec(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "0100007F"});
  assert_int_equal(rig.way_count, 1);
  assert_string_equal(rig.ways[0].to, "command");
}

static void test_when_all_ways_fail_each_is_named(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.listener = "00000000"});
  rig_way_fails(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "no route");
  rig_way_fails(1, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "no helper there");
  assert_open_failed(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "port 9090 is not exposed on container 'ppf'");
  assert_non_null(strstr(rig.opens[0].error.detail, "port 9090 is not published"));
  assert_non_null(strstr(rig.opens[0].error.detail, "no route"));
  assert_non_null(strstr(rig.opens[0].error.detail, "no helper there"));
}

static void test_without_knowing_who_listens_the_ways_decide(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.is_unknown = 1});
  rig_way_refused(0);
  rig_way_refused(1);
  assert_open_failed(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "Nobody listens on port 9090");
}

static void test_an_error_of_the_link_ends_it_at_once(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  rig_way_fails(0, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the session broke");
  assert_int_equal(rig.way_count, 1);
  assert_open_failed(0, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the session broke");
}

static void test_a_silent_way_is_left_for_the_next(void **state) {
  (void)state;
  rig.carrier->ops->open(rig.carrier, RIG_OPEN(0), "", 0, 1500); /* as long as a probe has */
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  rig_pass(499);
  assert_false(rig.ways[0].is_cancelled);
  rig_pass(2);
  assert_true(rig.ways[0].is_cancelled);
  assert_int_equal(rig.way_count, 2);
  rig_pass(400);
  assert_true(rig.ways[1].is_cancelled);
  assert_string_equal(rig.ways[2].to, "command");
  rig_pass(590); /* the last one has all that is left */
  assert_false(rig.ways[2].is_cancelled);
  rig_pass(20);
  assert_open_failed(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "container 'ppf'");
  assert_non_null(strstr(rig.opens[0].error.detail, "no answer in time"));
}

static void test_a_slow_command_is_not_started_twice(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.listener = "0100007F"});
  (void)rig_way_opens(0);
  open_stream(1); /* settled */
  rig_pass(10000);
  assert_false(rig.ways[1].is_cancelled);
  (void)rig_way_opens(1);
  assert_opened(1);
  assert_int_equal(rig.way_count, 2);
}

static void test_a_way_that_connects_after_all_counts(void **state) {
  (void)state;
  rig.is_cancel_late = 1;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  rig_pass(2100);
  assert_true(rig.ways[0].is_cancelled);
  assert_non_null(rig_way_opens(0));
  assert_opened(0);
}

/* --- changes --------------------------------------------------------------------------------------- */

static void test_a_settled_way_that_fails_is_found_anew(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  (void)rig_way_opens(0);
  open_stream(1);
  open_stream(2);
  rig_way_refused(1);
  rig_way_refused(2);
  assert_int_equal(rig.run_count, 2); /* both wait for the same look */
  rig_looks(1, (rig_look){.published = "[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"19091\"}]",
                          .started = "2026-11-25T04:00:00Z",
                          .listener = "00000000"});
  assert_string_equal(rig.ways[3].to, "127.0.0.1:19091");
  assert_string_equal(rig.ways[4].to, "127.0.0.1:19091");
  (void)rig_way_opens(3);
  (void)rig_way_opens(4);
  assert_opened(1);
  assert_opened(2);
}

/* Whoever answers at the old address may be another container: but nobody is said to. */
static void test_what_became_of_the_container_is_said_as_it_is(void **state) {
  static const struct {
    const char *status;
    const char *said;
  } rows[] = {
      {"paused", "Container 'ppf' is paused"},
      {"exited", "Container 'ppf' does not run any more: if something still answers at 172.17.0.2:9090, it may be "
                 "another container"},
      {NULL, "Container 'ppf' does not exist any more: if something still answers at 172.17.0.2:9090, it may be "
             "another container"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    size_t run = rig.run_count;
    open_stream(2 * i);
    rig_looks(run, (rig_look){.listener = "00000000"});
    assert_non_null(rig_way_opens(rig.way_count - 1));
    rig_pass(6000);
    open_stream(2 * i + 1);
    if (rows[i].status) {
      rig_looks(run + 1, (rig_look){.status = rows[i].status});
    } else {
      rig_looks_absent(run + 1);
    }
    assert_string_equal(rig.gone, rows[i].said);
    rig_way_fails(rig.way_count - 1, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "broken");
    rig_pass(1000);
  }
}

static void test_a_settled_way_needs_no_engine(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.listener = "00000000"});
  (void)rig_way_opens(0);
  open_stream(1);
  rig_way_refused(1);
  rig_says(1, "failed=inspect\ncode=1\nsaid=Cannot connect to the Docker daemon at unix:///x.sock. Is the docker "
              "daemon running?\noutcome=failed\n");
  assert_open_failed(1, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "");
}

static void test_many_opens_share_one_look(void **state) {
  (void)state;
  for (size_t i = 0; i < 10; i++) {
    open_stream(i);
  }
  assert_int_equal(rig.run_count, 1);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  assert_int_equal(rig.way_count, 10);
  for (size_t i = 0; i < 10; i++) {
    (void)rig_way_opens(i);
  }
  for (size_t i = 0; i < 10; i++) {
    assert_opened(i);
  }
}

static void test_a_port_for_everybody_is_warned_about_once_a_start(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_EXPOSED});
  assert_non_null(strstr(rig.log, "-p 127.0.0.1:19090:9090"));
  rig.log[0] = '\0';
  rig_pass(1000);
  open_stream(1);
  rig_looks(1, (rig_look){.published = RIG_EXPOSED});
  assert_string_equal(rig.log, "");
}

/* --- early ends ------------------------------------------------------------------------------------ */

static void test_an_open_can_be_cancelled_at_any_moment(void **state) {
  (void)state;
  rig.is_cancel_late = 1;
  open_stream(0);
  rig.carrier->ops->open_cancel(rig.carrier, RIG_OPEN(0)); /* while it waits for the look */
  assert_open_failed(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "");
  assert_true(rig.runs[0].is_cancelled);
  open_stream(1);
  rig_says_error(0, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "cancelled"); /* the look that nobody wanted */
  assert_int_equal(rig.opens[1].count, 0);
  rig_looks(1, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  rig.carrier->ops->open_cancel(rig.carrier, RIG_OPEN(1)); /* while the carrier below has it */
  assert_int_equal(rig.opens[1].count, 0);
  rig_way_fails(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "cancelled");
  assert_open_failed(1, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "");
  assert_int_equal(rig.way_count, 1);
  rig.carrier->ops->open(rig.carrier, RIG_OPEN(2), "", 0, 15000); /* the view is fresh: it waits for its turn */
  rig.carrier->ops->open_cancel(rig.carrier, RIG_OPEN(2));
  assert_open_failed(2, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CANCELLED, "");
  rig_turn();
  assert_int_equal(rig.way_count, 1);
}

static void test_an_engine_that_hangs_holds_an_open_until_its_deadline(void **state) {
  (void)state;
  open_stream(0);
  rig_pass(15001);
  assert_open_failed(0, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "did not tell in time");
}

static void test_destroying_it_calls_nobody(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"}); /* in a way */
  rig_pass(1000);
  open_stream(1); /* in a look; the teardown destroys */
  assert_int_equal(rig.opens[0].count, 0);
  assert_int_equal(rig.opens[1].count, 0);
}

/* --- the way for a solver to come ------------------------------------------------------------------ */

static struct {
  int count;
  char host[64];
  penstock_error error;
} chosen;

static void on_chosen(void *context, const char *host, const penstock_error *error) {
  assert_ptr_equal(context, &chosen);
  chosen.count++;
  (void)snprintf(chosen.host, sizeof(chosen.host), "%s", host ? host : "");
  if (error) {
    chosen.error = *error;
  }
}

static void choose(rig_look look) {
  memset(&chosen, 0, sizeof(chosen));
  assert_int_equal(container_carrier_choose(rig.carrier, 10000, on_chosen, &chosen), 0);
  assert_int_equal(chosen.count, 0);
  rig_looks(0, look);
}

static void test_a_published_port_that_answers_needs_all_addresses(void **state) {
  (void)state;
  choose((rig_look){.published = RIG_PUBLISHED});
  assert_string_equal(rig.ways[0].to, "127.0.0.1:19090");
  assert_null(rig_way_opens(0)); /* nobody wants that stream */
  assert_int_equal(chosen.count, 1);
  assert_string_equal(chosen.host, "0.0.0.0");
}

static void test_an_address_that_refuses_can_be_reached(void **state) {
  (void)state;
  choose((rig_look){0});
  assert_string_equal(rig.ways[0].to, "172.17.0.2:9090");
  rig_way_refused(0);
  assert_int_equal(chosen.count, 1);
  assert_string_equal(chosen.host, "172.17.0.2");
}

static void test_what_is_silent_or_forbidden_leaves_exec(void **state) {
  (void)state;
  choose((rig_look){.published = RIG_PUBLISHED});
  rig_way_fails(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "not allowed");
  rig_pass(2100);
  assert_true(rig.ways[1].is_cancelled);
  assert_int_equal(chosen.count, 1);
  assert_string_equal(chosen.host, "127.0.0.1");
}

static void test_a_choice_can_be_taken_back(void **state) {
  (void)state;
  rig.is_cancel_late = 1;
  choose((rig_look){.published = RIG_PUBLISHED});
  container_carrier_unchoose(rig.carrier, &chosen);
  assert_true(rig.ways[0].is_cancelled);
  assert_null(rig_way_opens(0));
  assert_int_equal(chosen.count, 0);
}

/* --- scripts --------------------------------------------------------------------------------------- */

static struct {
  int count;
  int is_failed;
  penstock_error error;
  char output[64];
  int32_t code;
} ran;

static void on_ran(void *context, const carrier_result *result) {
  (void)context;
  ran.count++;
  ran.is_failed = result->error != NULL;
  if (result->error) {
    ran.error = *result->error;
  }
  (void)snprintf(ran.output, sizeof(ran.output), "%s", result->output);
  ran.code = result->code;
}

static carrier_run *run_inside(void) {
  penstock_error error = {.struct_size = sizeof(error)};
  memset(&ran, 0, sizeof(ran));
  open_stream(0); /* so that there is a view */
  rig_looks(0, (rig_look){0});
  carrier_run *run = rig.carrier->ops->run(rig.carrier, "echo hello", 10, 5000, on_ran, NULL, &error);
  assert_non_null(run);
  return run;
}

static void test_a_script_runs_inside(void **state) {
  (void)state;
  (void)run_inside();
  assert_int_equal(rig.run_count, 2);
  assert_non_null(strstr(rig.runs[1].script, RIG_ID));
  rig_says_inside(1, "hello", 3);
  assert_int_equal(ran.count, 1);
  assert_false(ran.is_failed);
  assert_int_equal(ran.code, 3);
  assert_non_null(strstr(ran.output, "hello"));
}

static const char not_running[] = "\nfailed=exec\ncode=1\nsaid=Error response from daemon: Container "
                                  "0123 is not running\noutcome=failed\n";

static void test_a_script_is_asked_again_of_a_container_that_has_restarted(void **state) {
  (void)state;
  (void)run_inside();
  rig_says(1, not_running);
  assert_int_equal(ran.count, 0);
  rig_looks(2, (rig_look){.started = "2026-11-25T04:00:00Z"});
  assert_int_equal(rig.run_count, 4);
  rig_says_inside(3, "hello", 0);
  assert_int_equal(ran.count, 1);
  assert_false(ran.is_failed);
}

static void test_a_script_that_fails_in_the_same_container_has_failed(void **state) {
  (void)state;
  (void)run_inside();
  rig_says(1, not_running);
  rig_looks(2, (rig_look){.status = "exited"});
  assert_int_equal(ran.count, 1);
  assert_true(ran.is_failed);
  assert_int_equal(rig.run_count, 3);
}

static void test_a_script_can_be_cancelled_while_it_looks(void **state) {
  (void)state;
  carrier_run *run = run_inside();
  rig_says(1, not_running);
  rig.carrier->ops->run_cancel(rig.carrier, run);
  assert_int_equal(ran.count, 0);
  rig_turn();
  assert_int_equal(ran.count, 1);
  assert_int_equal(ran.error.error_class, PENSTOCK_CLASS_CANCELLED);
}

/* --- connect --------------------------------------------------------------------------------------- */

static struct {
  int count;
  int is_failed;
  penstock_error error;
} connected;

static void on_connected(void *context, const penstock_error *error) {
  (void)context;
  connected.count++;
  connected.is_failed = error != NULL;
  if (error) {
    connected.error = *error;
  }
}

static void start_connect(void) {
  memset(&connected, 0, sizeof(connected));
  rig.carrier->ops->connect(rig.carrier, RIG_OP, 30000, on_connected, NULL);
}

static void test_connect_tells_what_was_found(void **state) {
  (void)state;
  start_connect();
  rig_looks(0, (rig_look){0});
  assert_int_equal(connected.count, 1);
  assert_false(connected.is_failed);
  assert_int_equal(rig.leg_kind, PENSTOCK_LEG_CONTAINER);
  assert_string_equal(rig.leg, "docker 20.10.24: container 'ppf' runs (image demo:1)");
}

static void test_connect_can_be_cancelled(void **state) {
  (void)state;
  start_connect();
  rig.carrier->ops->connect_cancel(rig.carrier, RIG_OP);
  assert_int_equal(connected.count, 1);
  assert_int_equal(connected.error.error_class, PENSTOCK_CLASS_CANCELLED);
}

static int setup_gpu(void **state) {
  rig.set = "gpu";
  return rig_setup(state);
}

static int setup_gpu_with_root(void **state) {
  rig.root = "/root/ppf";
  return setup_gpu(state);
}

static void test_a_gpu_that_has_no_effect_is_warned_of(void **state) {
  (void)state;
  assert_string_equal(rig.log, rig.root ? ""
                                        : "x.ini:4: `gpu` has no effect: without `root`, the solver is the own command "
                                          "of container 'ppf'");
}

static int setup_strict(void **state) {
  rig.exposure = "error";
  return rig_setup(state);
}

static void test_a_port_for_everybody_can_be_forbidden(void **state) {
  (void)state;
  start_connect();
  rig_looks(0, (rig_look){.published = RIG_EXPOSED});
  assert_true(connected.is_failed);
  assert_int_equal(connected.error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(connected.error.next, "-p 127.0.0.1:19090:9090"));
}

static void test_a_port_on_an_outer_address_is_one_for_everybody(void **state) {
  (void)state;
  start_connect();
  rig_looks(0, (rig_look){.published = "[{\"HostIp\":\"192.168.1.5\",\"HostPort\":\"19090\"}]"});
  assert_true(connected.is_failed);
  assert_string_equal(connected.error.what,
                      "Container 'ppf' publishes its port 9090 on 192.168.1.5:19090 of gpu01, which is no loopback "
                      "address: whoever reaches that one reaches the solver");
}

/* It listens later than the container runs: the first connection is what finds it. */
static void test_a_solver_in_the_hosts_network_is_for_everybody_as_it_listens(void **state) {
  (void)state;
  start_connect();
  rig_looks(0, (rig_look){.mode = "host"});
  assert_false(connected.is_failed);
  rig_pass(1000);
  open_stream(0);
  rig_looks(1, (rig_look){.mode = "host", .listener = "00000000"});
  assert_open_failed(0, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG,
                     "is in the network of gpu01 itself, and 0.0.0.0:9090 is listened to there");
  assert_non_null(strstr(rig.opens[0].error.next, "Start the solver with --host 127.0.0.1; `expose_warning = error`"));
  rig_pass(1000);
  open_stream(1);
  rig_looks(2, (rig_look){.mode = "host", .listener = "0100007F"});
  assert_string_equal(rig.ways[0].to, "127.0.0.1:9090");
  assert_non_null(rig_way_opens(0));
}

#define TEST(name)        cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define TEST_STRICT(name) cmocka_unit_test_setup_teardown(name, setup_strict, rig_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_the_first_way_that_connects_is_settled),
      TEST(test_nobody_inside_is_told_without_a_try),
      TEST(test_a_stopped_container_is_nobody_to_talk_to),
      TEST(test_one_way_after_the_other),
      TEST(test_a_listener_on_the_loopback_is_only_reached_by_exec),
      TEST(test_when_all_ways_fail_each_is_named),
      TEST(test_without_knowing_who_listens_the_ways_decide),
      TEST(test_an_error_of_the_link_ends_it_at_once),
      TEST(test_a_silent_way_is_left_for_the_next),
      TEST(test_a_slow_command_is_not_started_twice),
      TEST(test_a_way_that_connects_after_all_counts),
      TEST(test_a_settled_way_that_fails_is_found_anew),
      TEST(test_what_became_of_the_container_is_said_as_it_is),
      TEST(test_a_settled_way_needs_no_engine),
      TEST(test_many_opens_share_one_look),
      TEST(test_a_port_for_everybody_is_warned_about_once_a_start),
      TEST(test_an_open_can_be_cancelled_at_any_moment),
      TEST(test_an_engine_that_hangs_holds_an_open_until_its_deadline),
      TEST(test_destroying_it_calls_nobody),
      TEST(test_a_published_port_that_answers_needs_all_addresses),
      TEST(test_an_address_that_refuses_can_be_reached),
      TEST(test_what_is_silent_or_forbidden_leaves_exec),
      TEST(test_a_choice_can_be_taken_back),
      TEST(test_a_script_runs_inside),
      TEST(test_a_script_is_asked_again_of_a_container_that_has_restarted),
      TEST(test_a_script_that_fails_in_the_same_container_has_failed),
      TEST(test_a_script_can_be_cancelled_while_it_looks),
      TEST(test_connect_tells_what_was_found),
      TEST(test_connect_can_be_cancelled),
      cmocka_unit_test_setup_teardown(test_a_gpu_that_has_no_effect_is_warned_of, setup_gpu, rig_teardown),
      cmocka_unit_test_setup_teardown(test_a_gpu_that_has_no_effect_is_warned_of, setup_gpu_with_root, rig_teardown),
      TEST_STRICT(test_a_port_for_everybody_can_be_forbidden),
      TEST_STRICT(test_a_port_on_an_outer_address_is_one_for_everybody),
      TEST_STRICT(test_a_solver_in_the_hosts_network_is_for_everybody_as_it_listens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

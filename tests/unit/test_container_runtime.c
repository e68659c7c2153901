/* SPDX-License-Identifier: MIT */
/* The solver in a container: each step ends once, launched inside or by the container's own command. */
#include "container_rig.h"

#include "common/container/container_runtime.h"

static solver_runtime *solver;

static int setup(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)rig_setup(state);
  solver = container_runtime_create(rig.carrier, &rig_config, &error);
  assert_non_null(solver);
  return 0;
}

static int setup_with_root(void **state) {
  rig.root = "/root/ppf";
  return setup(state);
}

static int setup_with_root_published_only(void **state) {
  rig.root = "/root/ppf";
  rig.reach = "published";
  return setup(state);
}

static int setup_published_only(void **state) {
  rig.reach = "published";
  return setup(state);
}

static int teardown(void **state) {
  solver->ops->destroy(solver);
  return rig_teardown(state);
}

static void next_step(void) {
  assert_int_equal(rig.op_dones, 1);
  rig.op_dones = 0;
}

static void assert_step_done(void) {
  assert_int_equal(rig.op_dones, 1);
  if (rig.op_failed) {
    fail_msg("%s", rig.op_error.what);
  }
}

static void assert_step_failed(uint32_t leg, uint32_t error_class, const char *part) {
  assert_int_equal(rig.op_dones, 1);
  assert_true(rig.op_failed);
  assert_int_equal(rig.op_error.leg, leg);
  assert_int_equal(rig.op_error.error_class, error_class);
  if (!strstr(rig.op_error.what, part)) {
    fail_msg("\"%s\" is not in: %s", part, rig.op_error.what);
  }
}

static const char *last_script(void) {
  assert_true(rig.run_count > 0);
  return rig.runs[rig.run_count - 1].script;
}

/* A look with nothing special about it: it runs, and nobody listens. */
static void look_idle(size_t i) {
  rig_looks(i, (rig_look){0});
}

/* --- launched inside ------------------------------------------------------------------------------- */

static void test_a_launch_binds_what_the_way_needs(void **state) {
  (void)state;
  solver->ops->validate(solver, RIG_OP, 15000);
  look_idle(0);
  assert_string_equal(rig.ways[0].to, "172.17.0.2:9090");
  rig_way_refused(0);
  assert_int_equal(rig.run_count, 2); /* the process runtime's own check, inside */
  assert_non_null(strstr(last_script(), RIG_ID));
  assert_non_null(strstr(last_script(), "172.17.0.2"));
  assert_int_equal(rig.op_dones, 0);
}

/* The container was restarted: what was found good for a launch still is, and is not asked for again. */
static void test_a_relaunch_is_not_checked_again(void **state) {
  (void)state;
  solver->ops->validate(solver, RIG_OP, 15000);
  look_idle(0);
  rig_way_refused(0);
  rig_says_inside(1, "program=/root/ppf/server\noutcome=ok\n", 0);
  assert_step_done();
  next_step();
  solver->ops->ready(solver, RIG_OP, 15000); /* it was launched */
  assert_int_equal(rig.run_count, 3);
  rig_says_inside(2, "outcome=ready\n", 0);
  assert_step_done();
  next_step();
  rig_pass(1000);
  solver->ops->validate(solver, RIG_OP, 15000);
  assert_int_equal(rig.run_count, 4);
  rig_looks(3, (rig_look){.started = "2026-11-25T04:00:00Z"});
  rig_way_refused(1);
  assert_step_done();
  assert_int_equal(rig.run_count, 4);
}

static void test_no_way_at_all_is_said_before_the_launch(void **state) {
  (void)state;
  solver->ops->validate(solver, RIG_OP, 15000);
  look_idle(0);
  assert_step_failed(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "not exposed");
}

static void test_a_stop_in_a_stopped_container_has_nothing_to_do(void **state) {
  (void)state;
  solver->ops->stop(solver, RIG_OP, 9000);
  rig_looks(0, (rig_look){.status = "exited"});
  assert_step_done();
  assert_int_equal(rig.run_count, 1);
}

static void test_a_stop_ends_the_solver_inside(void **state) {
  (void)state;
  solver->ops->stop(solver, RIG_OP, 9000);
  rig_looks(0, (rig_look){.listener = "00000000"});
  assert_int_equal(rig.run_count, 2);
  assert_non_null(strstr(last_script(), RIG_ID));
}

static void test_cancel_in_a_script_is_the_scripts(void **state) {
  (void)state;
  solver->ops->stop(solver, RIG_OP, 9000);
  rig_looks(0, (rig_look){.listener = "00000000"});
  solver->ops->cancel(solver, RIG_OP);
  assert_true(rig.runs[1].is_cancelled);
  rig_says_error(1, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "Cancelled");
  assert_step_failed(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "");
}

static void test_cancel_while_the_way_is_chosen(void **state) {
  (void)state;
  solver->ops->validate(solver, RIG_OP, 15000);
  look_idle(0);
  solver->ops->cancel(solver, RIG_OP);
  assert_true(rig.ways[0].is_cancelled);
  assert_step_failed(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "");
  rig_turn();
}

/* --- the container's own command ------------------------------------------------------------------- */

static void launch_by_the_container(void) {
  solver->ops->validate(solver, RIG_OP, 15000);
  look_idle(0);
  assert_step_done();
  next_step();
  solver->ops->launch(solver, RIG_OP, 15000);
  assert_step_done();
  assert_int_equal(rig.leg_kind, PENSTOCK_LEG_LAUNCH);
  assert_non_null(strstr(rig.leg, "/solver"));
  next_step();
  solver->ops->ready(solver, RIG_OP, 16000);
  assert_int_equal(rig.run_count, 1);
}

static void test_ready_when_somebody_listens(void **state) {
  (void)state;
  launch_by_the_container();
  rig_pass(50);
  assert_int_equal(rig.run_count, 2);
  look_idle(1);
  rig_pass(1000);
  assert_string_equal(rig.progress, "waiting for port 9090 in container 'ppf' on gpu01, 1 s");
  rig_looks(2, (rig_look){.listener = "00000000"});
  assert_step_done();
  assert_int_equal(rig.leg_kind, PENSTOCK_LEG_READY);
  rig_pass(5000);
  assert_int_equal(rig.run_count, 3); /* nothing goes on */
}

static void test_a_command_that_ends_says_its_last_words(void **state) {
  (void)state;
  launch_by_the_container();
  rig_pass(50);
  rig_looks(1, (rig_look){.status = "exited", .exit_code = 3});
  assert_int_equal(rig.run_count, 3);
  assert_non_null(strstr(last_script(), "logs"));
  rig_says(2, "log=no GPU found\noutcome=ok\n");
  assert_step_failed(PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "exited with code 3");
  assert_non_null(strstr(rig.op_error.detail, "no GPU found"));
}

static void test_a_command_that_listens_to_nothing_is_told_in_time(void **state) {
  (void)state;
  launch_by_the_container();
  rig_pass(50);
  look_idle(1);
  rig_pass(15200); /* the margin has begun */
  assert_int_equal(rig.run_count, 3);
  look_idle(2);
  assert_non_null(strstr(last_script(), "logs"));
  rig_says(3, "log=idle\noutcome=ok\n");
  assert_step_failed(PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT,
                     "runs (`/solver`), but nothing listens on port 9090 in it");
  assert_non_null(strstr(rig.op_error.next, "`root`"));
  assert_non_null(strstr(rig.op_error.detail, "idle"));
}

static void test_a_deadline_that_comes_first_has_the_same_words(void **state) {
  (void)state;
  launch_by_the_container();
  rig_pass(50);
  rig_pass(15950); /* the look hangs */
  solver->ops->cancel(solver, RIG_OP);
  assert_int_equal(rig.op_dones, 0);
  solver->ops->cancel(solver, RIG_OP); /* and so does the log */
  assert_step_failed(PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT, "nothing listens on port 9090");
}

static void test_ready_can_be_cancelled(void **state) {
  (void)state;
  launch_by_the_container();
  solver->ops->cancel(solver, RIG_OP);
  assert_step_failed(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CANCELLED, "");
  rig_pass(5000);
  assert_int_equal(rig.run_count, 1);
}

static void test_where_nobody_can_be_asked_the_probe_decides(void **state) {
  (void)state;
  launch_by_the_container();
  rig_pass(50);
  rig_looks(1, (rig_look){.is_unknown = 1});
  assert_step_done();
}

static void test_a_stop_leaves_the_containers_own_command(void **state) {
  (void)state;
  solver->ops->validate(solver, RIG_OP, 15000);
  look_idle(0);
  next_step();
  solver->ops->stop(solver, RIG_OP, 9000);
  assert_step_failed(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_REFUSED,
                     "goes on: without `root`, it is the own command of container 'ppf' on gpu01");
  assert_string_equal(rig.op_error.next, "Run `docker stop ppf` on gpu01 to end both");
  assert_int_equal(rig.run_count, 1);
}

/* --- how has it ended? ----------------------------------------------------------------------------- */

static void look_at_end(rig_look found, uint32_t end, const char *what) {
  penstock_error error = {.struct_size = sizeof(error)};
  solver->ops->end_look(solver, RIG_OP, 5000);
  rig_looks(0, found);
  assert_step_done();
  assert_int_equal(solver->ops->end_how(solver, &error), end);
  assert_true(!what || strstr(error.what, what));
}

static void test_a_command_that_failed(void **state) {
  (void)state;
  look_at_end((rig_look){.status = "exited", .exit_code = 3}, PENSTOCK_END_FAILED, "exit status 3");
}

static void test_a_command_that_was_killed(void **state) {
  (void)state;
  look_at_end((rig_look){.status = "exited", .exit_code = 137}, PENSTOCK_END_FAILED, "signal 9");
}

static void test_a_command_that_ended_well(void **state) {
  (void)state;
  look_at_end((rig_look){.status = "exited"}, PENSTOCK_END_CLEAN, "container 'ppf' on gpu01");
}

static void test_a_command_that_was_started_anew(void **state) {
  (void)state;
  look_at_end((rig_look){.listener = "00000000"}, PENSTOCK_END_UNKNOWN, NULL);
}

static void test_the_end_of_one_that_was_launched_is_asked_for_inside(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  solver->ops->end_look(solver, RIG_OP, 5000);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED});
  assert_int_equal(rig.run_count, 2);
  rig_says_inside(1, "pid=7\nstatus=139\nsignal=SEGV\noutcome=ended\n", 0);
  assert_step_done();
  assert_int_equal(solver->ops->end_how(solver, &error), PENSTOCK_END_FAILED);
  assert_non_null(strstr(error.what, "(pid 7) was ended by signal 11 (SEGV)"));
}

/* --- who is it? ------------------------------------------------------------------------------------ */

static void test_nobody_behind_a_published_port(void **state) {
  (void)state;
  solver->ops->identify(solver, RIG_OP, 5000);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED});
  assert_step_done();
}

static void test_a_paused_container_is_nobody(void **state) {
  (void)state;
  solver->ops->identify(solver, RIG_OP, 5000);
  rig_looks(0, (rig_look){.status = "paused", .published = RIG_PUBLISHED});
  assert_step_done();
}

static void test_somebody_is_asked_for_inside(void **state) {
  (void)state;
  solver->ops->identify(solver, RIG_OP, 5000);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "00000000"});
  assert_int_equal(rig.run_count, 2);
  assert_non_null(strstr(last_script(), RIG_ID));
}

static void test_a_listener_out_of_reach_is_named(void **state) {
  (void)state;
  solver->ops->identify(solver, RIG_OP, 5000);
  rig_looks(0, (rig_look){.published = RIG_PUBLISHED, .listener = "0100007F"});
  assert_step_failed(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "127.0.0.1");
}

/* --- a container that has gone --------------------------------------------------------------------- */

static void test_one_that_was_there_may_come_back(void **state) {
  (void)state;
  solver->ops->identify(solver, RIG_OP, 5000);
  look_idle(0);
  next_step();
  rig_pass(1000);
  solver->ops->validate(solver, RIG_OP, 15000);
  rig_looks_absent(1);
  rig_says(2, "outcome=ok\n"); /* what is there instead: nothing */
  assert_step_failed(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "Container 'ppf' does not exist");
}

static void test_one_that_never_was_is_the_profiles_fault(void **state) {
  (void)state;
  solver->ops->validate(solver, RIG_OP, 15000);
  rig_looks_absent(0);
  rig_says(1, "outcome=ok\n");
  assert_step_failed(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG, "Container 'ppf' does not exist");
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_ROOT(name) cmocka_unit_test_setup_teardown(name, setup_with_root, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_ROOT(test_a_launch_binds_what_the_way_needs),
      TEST_ROOT(test_a_relaunch_is_not_checked_again),
      TEST_ROOT(test_a_stop_in_a_stopped_container_has_nothing_to_do),
      TEST_ROOT(test_a_stop_ends_the_solver_inside),
      TEST_ROOT(test_cancel_in_a_script_is_the_scripts),
      TEST_ROOT(test_cancel_while_the_way_is_chosen),
      cmocka_unit_test_setup_teardown(test_no_way_at_all_is_said_before_the_launch, setup_with_root_published_only,
                                      teardown),
      TEST(test_ready_when_somebody_listens),
      TEST(test_a_command_that_ends_says_its_last_words),
      TEST(test_a_command_that_listens_to_nothing_is_told_in_time),
      TEST(test_a_deadline_that_comes_first_has_the_same_words),
      TEST(test_ready_can_be_cancelled),
      TEST(test_where_nobody_can_be_asked_the_probe_decides),
      TEST(test_a_stop_leaves_the_containers_own_command),
      TEST(test_a_command_that_failed),
      TEST(test_a_command_that_was_killed),
      TEST(test_a_command_that_ended_well),
      TEST(test_a_command_that_was_started_anew),
      TEST_ROOT(test_the_end_of_one_that_was_launched_is_asked_for_inside),
      TEST(test_nobody_behind_a_published_port),
      TEST(test_a_paused_container_is_nobody),
      TEST(test_somebody_is_asked_for_inside),
      cmocka_unit_test_setup_teardown(test_a_listener_out_of_reach_is_named, setup_published_only, teardown),
      TEST(test_one_that_was_there_may_come_back),
      TEST(test_one_that_never_was_is_the_profiles_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

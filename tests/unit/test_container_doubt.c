/* SPDX-License-Identifier: MIT */
/* A way to a container that connects and leads nowhere: which one is taken after it, for how long, and what is said. */
#include "container_rig.h"

#define LISTENS_OUTSIDE "00000000"
#define LISTENS_INSIDE  "0100007F"

static const rig_look published = {.published = RIG_PUBLISHED, .listener = LISTENS_OUTSIDE};
static penstock_error said;

static void open_stream(size_t i) {
  rig.carrier->ops->open(rig.carrier, RIG_OPEN(i), "127.0.0.1", 9090, 15000);
  rig_turn();
}

static int doubt(void) {
  memset(&said, 0, sizeof(said));
  said.struct_size = sizeof(said);
  return container_carrier_doubt(rig.carrier, PENSTOCK_DOUBT_MUTE, &said);
}

/* Open number 0 takes the published port, the first way. */
static void take_published(rig_look look) {
  open_stream(0);
  rig_looks(0, look);
  assert_string_equal(rig.ways[0].to, "127.0.0.1:19090");
  (void)rig_way_opens(0);
}

static void assert_has(const char *text, const char *part) {
  if (!strstr(text, part)) {
    fail_msg("\"%s\" is not in: %s", part, text);
  }
}

/* --- the next way ---------------------------------------------------------------------------------- */

static void test_a_doubted_way_is_left_out(void **state) {
  (void)state;
  char way[100];
  take_published(published);
  assert_true(doubt());
  assert_has(rig.log,
             "is not reached by: published port 127.0.0.1:19090 (it accepted the connection, and then nothing");
  container_carrier_way(rig.carrier, way, sizeof(way));
  assert_string_equal(way, "");
  open_stream(1);
  rig_looks(1, published); /* looked at anew: the solver may have ended */
  assert_string_equal(rig.ways[1].to, "172.17.0.2:9090");
  rig_way_fails(1, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "no route");
  assert_string_equal(rig.ways[2].to, "command");
  (void)rig_way_opens(2);
  open_stream(2);
  assert_string_equal(rig.ways[3].to, "command"); /* settled */
}

static void test_it_is_left_out_when_the_next_one_fails_later(void **state) {
  (void)state;
  take_published(published);
  assert_true(doubt());
  open_stream(1);
  rig_looks(1, published);
  (void)rig_way_opens(1);
  open_stream(2);
  rig_way_refused(2);
  rig_looks(2, published);
  assert_string_equal(rig.ways[3].to, "172.17.0.2:9090");
}

static void test_one_way_after_the_other_is_doubted_and_then_all_begin_afresh(void **state) {
  (void)state;
  take_published(published);
  assert_true(doubt());
  open_stream(1);
  rig_looks(1, published);
  (void)rig_way_opens(1);
  assert_true(doubt());
  open_stream(2);
  rig_looks(2, published);
  assert_string_equal(rig.ways[2].to, "command");
  (void)rig_way_opens(2);
  assert_false(doubt());
  assert_string_equal(said.what, ""); /* it is the solver that is mute, by whatever way */
  rig_pass(1000);
  open_stream(3);
  rig_looks(3, published);
  assert_string_equal(rig.ways[3].to, "127.0.0.1:19090");
}

/* --- for how long ---------------------------------------------------------------------------------- */

static void test_a_start_of_the_container_makes_it_good_again(void **state) {
  (void)state;
  take_published(published);
  assert_true(doubt());
  open_stream(1);
  rig_look again = published;
  again.started = "2026-11-25T04:00:00Z";
  rig_looks(1, again);
  assert_string_equal(rig.ways[1].to, "127.0.0.1:19090");
}

static void test_nobody_there_explains_it(void **state) {
  (void)state;
  take_published(published);
  assert_true(doubt());
  open_stream(1);
  rig_looks(1, (rig_look){.published = RIG_PUBLISHED});
  assert_true(rig.opens[1].is_failed);
  assert_int_equal(rig.opens[1].error.error_class, PENSTOCK_CLASS_REFUSED);
  rig_pass(1000);
  open_stream(2);
  rig_looks(2, published);
  assert_string_equal(rig.ways[1].to, "127.0.0.1:19090");
}

static void test_when_the_others_fail_too_all_is_told_and_begins_afresh(void **state) {
  (void)state;
  take_published(published);
  assert_true(doubt());
  open_stream(1);
  rig_looks(1, published);
  rig_way_fails(1, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "no route");
  rig_way_fails(2, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "no helper");
  assert_true(rig.opens[1].is_failed);
  assert_int_equal(rig.opens[1].error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_has(rig.opens[1].error.detail,
             "published port 127.0.0.1:19090: it accepted the connection, and then nothing came\n");
  assert_has(rig.opens[1].error.detail, "no route\n");
  assert_has(rig.opens[1].error.detail, "no helper");
  rig_pass(1000);
  open_stream(2);
  rig_looks(2, published);
  assert_string_equal(rig.ways[3].to, "127.0.0.1:19090");
}

/* --- nothing to doubt ------------------------------------------------------------------------------ */

static void test_nothing_is_doubted_before_a_way_is_settled(void **state) {
  (void)state;
  assert_false(doubt());
  open_stream(0);
  assert_false(doubt());
  rig_looks(0, published);
  assert_false(doubt());
}

static void test_where_nobody_knows_who_listens_it_may_be_nobody(void **state) {
  (void)state;
  take_published((rig_look){.published = RIG_PUBLISHED, .is_unknown = 1});
  assert_false(doubt());
}

static int setup_published(void **state) {
  rig.reach = "published";
  return rig_setup(state);
}

static void test_a_way_that_the_profile_fixes_stays_and_is_told(void **state) {
  (void)state;
  take_published(published);
  assert_false(doubt());
  assert_int_equal(said.leg, PENSTOCK_LEG_ENDPOINT);
  assert_int_equal(said.error_class, PENSTOCK_CLASS_CONFIG);
  assert_has(said.what,
             "The published port 127.0.0.1:19090 of container 'ppf' accepts connections, but nothing answers");
  assert_has(said.what, "between gpu01 and its containers");
  assert_has(said.next, "reach = published");
  open_stream(1);
  assert_string_equal(rig.ways[1].to, "127.0.0.1:19090");
  assert_int_equal(rig.run_count, 1);
}

static int setup_exec(void **state) {
  rig.reach = "exec";
  return rig_setup(state);
}

static void test_a_command_inside_is_not_blamed(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, published);
  (void)rig_way_opens(0);
  assert_false(doubt());
  assert_string_equal(said.what, "");
}

/* --- why a way failed before there was a solver ----------------------------------------------------- */

static int chosen;

static void on_chosen(void *context, const char *host, const penstock_error *error) {
  (void)context;
  assert_null(error);
  assert_string_equal(host, "127.0.0.1");
  chosen++;
}

/* It is told to listen where only a command reaches it: that is not why the other way is none. */
static void test_the_reason_for_the_choice_is_kept(void **state) {
  (void)state;
  chosen = 0;
  assert_int_equal(container_carrier_choose(rig.carrier, 10000, on_chosen, &chosen), 0);
  rig_looks(0, (rig_look){0});
  rig_way_fails(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "No route to host");
  assert_int_equal(chosen, 1);
  rig_pass(1000);
  open_stream(0);
  rig_looks(1, (rig_look){.listener = LISTENS_INSIDE});
  assert_string_equal(rig.ways[1].to, "command");
  rig_way_fails(1, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "no helper");
  assert_has(rig.opens[0].error.detail, "container address 172.17.0.2:9090: No route to host\n");
  assert_int_equal(rig.opens[0].error.error_class, PENSTOCK_CLASS_CONFIG); /* no waiting helps */
}

static void test_a_way_that_failed_before_is_tried_where_the_solver_listens(void **state) {
  (void)state;
  chosen = 0;
  assert_int_equal(container_carrier_choose(rig.carrier, 10000, on_chosen, &chosen), 0);
  rig_looks(0, (rig_look){0});
  rig_way_fails(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "No route to host");
  rig_pass(1000);
  open_stream(0);
  rig_looks(1, (rig_look){.listener = LISTENS_OUTSIDE});
  assert_string_equal(rig.ways[1].to, "172.17.0.2:9090");
}

/* --- what no waiting helps --------------------------------------------------------------------------- */

static void test_without_a_helper_no_try_will_do_better(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.listener = LISTENS_INSIDE});
  rig_way_fails(0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "no helper");
  assert_int_equal(rig.opens[0].error.error_class, PENSTOCK_CLASS_CONFIG);
}

static void test_without_a_shell_no_try_will_do_better(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.listener = LISTENS_INSIDE});
  rig_way_fails(
      0, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
      "No stream through a command on gpu01: it printed something else first: OCI runtime exec failed: exec "
      "failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory");
  assert_int_equal(rig.opens[0].error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_has(rig.opens[0].error.what, "the container has no /bin/sh");
}

static void test_a_slow_command_may_do_better(void **state) {
  (void)state;
  open_stream(0);
  rig_looks(0, (rig_look){.listener = LISTENS_INSIDE});
  rig_way_fails(0, PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT, "no answer");
  assert_int_equal(rig.opens[0].error.error_class, PENSTOCK_CLASS_TRANSIENT);
}

#define TEST(name)              cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
#define TEST_WITH(setup_, name) cmocka_unit_test_setup_teardown(name, setup_, rig_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_doubted_way_is_left_out),
      TEST(test_it_is_left_out_when_the_next_one_fails_later),
      TEST(test_one_way_after_the_other_is_doubted_and_then_all_begin_afresh),
      TEST(test_a_start_of_the_container_makes_it_good_again),
      TEST(test_nobody_there_explains_it),
      TEST(test_when_the_others_fail_too_all_is_told_and_begins_afresh),
      TEST(test_nothing_is_doubted_before_a_way_is_settled),
      TEST(test_where_nobody_knows_who_listens_it_may_be_nobody),
      TEST_WITH(setup_published, test_a_way_that_the_profile_fixes_stays_and_is_told),
      TEST_WITH(setup_exec, test_a_command_inside_is_not_blamed),
      TEST(test_the_reason_for_the_choice_is_kept),
      TEST(test_a_way_that_failed_before_is_tried_where_the_solver_listens),
      TEST(test_without_a_helper_no_try_will_do_better),
      TEST(test_without_a_shell_no_try_will_do_better),
      TEST(test_a_slow_command_may_do_better),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

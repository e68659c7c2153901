/* SPDX-License-Identifier: MIT */
/* A solver that does not answer any more while its link is up: what is asked, what is said, and what is done. */
#include <uv.h>

#include "gateway_rig.h"

#include "control/client.h"
#include "control/place.h"

/* What a lane has told, beyond what the rig counts. */
static atomic_int hungs, ups;
static char reason[512];

static void count_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  on_state(context, state, error, next_try_ms);
  if (state == PS_STATE_HUNG && error) {
    (void)snprintf(reason, sizeof(reason), "%s", error->what);
  }
  hungs += state == PS_STATE_HUNG;
  ups += state == PS_STATE_UP;
}

static const ps_gateway_events counting = {
    .listening = on_listening, .serving = on_serving, .state = count_state, .leg = on_leg, .progress = on_progress};

static void await(atomic_int *count, int least) {
  while (*count < least) {
    (void)usleep(1000);
  }
}

static run prepare(void (*what)(run *self)) {
  run self = {.act = what, .point = AT_SERVING, .events = &counting};
  hungs = ups = 0;
  fake_reset();
  fake.side_by_side = 1;
  set(&self, "hang_timeout", "300ms");
  return self;
}

static void finish(run *self) {
  go(self);
  assert_int_equal(self->result, 0);
  fake.goes_on = 1;
  fake_server_settle();
}

static int connect_to(const run *self) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  return fd;
}

/* A client that has asked, and waits. */
static int ask_and_wait(const run *self) {
  int fd = connect_to(self);
  assert_int_equal(send(fd, "TCMD", 4, MSG_NOSIGNAL), 4);
  (void)shutdown(fd, SHUT_WR);
  return fd;
}

static int is_answered(int fd) {
  char answer[256];
  return recv(fd, answer, sizeof(answer), 0) > 0;
}

/* --- what is said -------------------------------------------------------------------------------- */

static void hang_and_go_on(run *self) {
  int questions = fake.questions;
  fake.for_clients = fake.for_questions = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&hungs, 1);
  assert_int_equal(fake.waits, 2); /* one question beside the client: it is not asked again and again */
  assert_non_null(strstr(reason, "the solver has not answered for 0 s"));
  fake.goes_on = 1;
  await(&ups, 2);
  assert_true(is_answered(fd)); /* it was served all the while */
  close(fd);
  await(&fake.questions, questions + 1);
}

static void test_a_solver_that_hangs_is_said_to_and_to_answer_again(void **state) {
  (void)state;
  run self = prepare(hang_and_go_on);
  finish(&self);
  assert_int_equal(hungs, 1);
  assert_int_equal(fake.launches, 0);
  assert_int_equal(self.downs, 0);
}

static void answer_and_hang(run *self) {
  uint64_t end_ns = uv_hrtime() + 400000000u;
  while (uv_hrtime() < end_ns) {
    assert_int_equal(ask(self), 1);
  }
  uint64_t began_ns = uv_hrtime();
  hang_and_go_on(self);
  assert_true(uv_hrtime() - began_ns >=
              200000000u); /* the limit, from the last answer on, which a look may be late to see */
}

/* Its signs of life count until they are over, and no longer. */
static void test_a_solver_that_has_answered_hangs_as_well(void **state) {
  (void)state;
  run self = prepare(answer_and_hang);
  finish(&self);
  assert_int_equal(hungs, 1);
}

static void hang_one_by_one(run *self) {
  fake.for_clients = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&hungs, 1);
  assert_int_equal(fake.waits, 1);
  fake.goes_on = 1;
  assert_true(is_answered(fd));
  await(&ups, 2);
  close(fd);
  assert_int_equal(ask(self), 1);
}

/* The old server: the question waits in its queue until it is through with the client. */
static void test_one_that_takes_one_connection_after_another_is_asked_once(void **state) {
  (void)state;
  run self = prepare(hang_one_by_one);
  fake.side_by_side = 0;
  set(&self, "prewarm", "2");
  finish(&self);
  assert_int_equal(hungs, 1);
}

/* Nobody reads what comes in: its queue is full. */
static void hang_without_a_stream(run *self) {
  fake.for_clients = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&fake.waits, 1);
  fake.stuck_opens = 100;
  await(&hungs, 1);
  fake.stuck_opens = 0;
  fake.goes_on = 1;
  assert_true(is_answered(fd));
  await(&ups, 2); /* the client's answer says it as well as the question's */
  close(fd);
}

static void test_a_solver_that_accepts_nothing_hangs_too(void **state) {
  (void)state;
  run self = prepare(hang_without_a_stream);
  finish(&self);
}

static void hang_with_lanes(run *self) {
  int fds[6];
  fake.for_clients = fake.for_questions = FAKE_WAITS;
  for (int i = 0; i < 6; i++) {
    fds[i] = ask_and_wait(self);
  }
  await(&hungs, 1);
  fake.goes_on = 1;
  for (int i = 0; i < 6; i++) {
    assert_true(is_answered(fds[i]));
    close(fds[i]);
  }
  await(&ups, 2);
}

static void test_lanes_speak_of_one_solver(void **state) {
  (void)state;
  run self = prepare(hang_with_lanes);
  set(&self, "lanes", "3");
  finish(&self);
}

/* --- what is not --------------------------------------------------------------------------------- */

/* Until it is said, wait for so many questions instead. */
static void wait_and_be_asked(run *self) {
  int questions = fake.questions;
  fake.for_clients = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&fake.questions, questions + 2);
  fake.goes_on = 1;
  assert_true(is_answered(fd));
  close(fd);
}

/* A request that takes long, of a solver that answers others. */
static void test_one_that_answers_questions_does_not_hang(void **state) {
  (void)state;
  run self = prepare(wait_and_be_asked);
  finish(&self);
  assert_int_equal(hungs, 0);
}

/* Clients that are answered, for longer than the limit, while questions would not be. */
static void ask_for_a_while(run *self) {
  fake.for_questions = FAKE_WAITS;
  uint64_t end_ns = uv_hrtime() + 2000000000u;
  while (uv_hrtime() < end_ns) {
    assert_int_equal(ask(self), 1);
  }
}

static void test_a_solver_that_is_heard_of_does_not_hang(void **state) {
  (void)state;
  run self = prepare(ask_for_a_while);
  set(&self, "hang_timeout", "1s");
  finish(&self);
  assert_int_equal(hungs, 0);
}

/* Takes what comes, slowly, and says nothing: its buffer is never the only one that fills. */
static void send_for_a_while(run *self) {
  fake.for_questions = FAKE_WAITS;
  int fd = connect_to(self);
  uint64_t end_ns = uv_hrtime() + 2000000000u;
  while (uv_hrtime() < end_ns) {
    assert_int_equal(send(fd, "TCMD", 4, MSG_NOSIGNAL), 4);
    (void)usleep(20000);
  }
  (void)shutdown(fd, SHUT_WR);
  assert_true(is_answered(fd));
  close(fd);
}

static void test_a_stream_that_goes_on_is_a_sign_of_life(void **state) {
  (void)state;
  run self = prepare(send_for_a_while);
  set(&self, "hang_timeout", "1s");
  finish(&self);
  assert_int_equal(hungs, 0);
}

static void let_be(run *self) {
  fake.for_clients = fake.for_questions = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&fake.waits, 1);
  (void)usleep(600000); /* nothing is to happen for twice as long as it would */
  fake.goes_on = 1;
  assert_true(is_answered(fd));
  close(fd);
}

static void test_0_is_never(void **state) {
  (void)state;
  run self = prepare(let_be);
  set(&self, "hang_timeout", "0");
  finish(&self);
  assert_int_equal(hungs, 0);
  assert_int_equal(fake.questions, 1);
}

/* --- what is done -------------------------------------------------------------------------------- */

static void hang_and_be_restarted(run *self) {
  fake.for_clients = fake.for_questions = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&self->servings, 2);
  fake.goes_on = 1; /* for the threads of the one that has gone */
  (void)is_answered(fd);
  close(fd);
  assert_int_equal(ask(self), 1);
}

static void test_one_that_hangs_is_restarted_if_that_is_wanted(void **state) {
  (void)state;
  static const char *const lanes[] = {"1", "3"};
  for (size_t i = 0; i < 2; i++) {
    run self = prepare(hang_and_be_restarted);
    fake.stop_ends = 1;
    set(&self, "on_hang", "restart");
    set(&self, "lanes", lanes[i]);
    finish(&self);
    assert_int_equal(hungs, 1);
    assert_int_equal(fake.stops, 1);
    assert_int_equal(fake.launches, 1);
  }
}

static void hang_and_be_left(run *self) {
  fake.for_clients = fake.for_questions = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&hungs, 1);
  fake.goes_on = 1;
  assert_true(is_answered(fd));
  await(&ups, 2);
  close(fd);
}

static void test_one_that_could_not_be_launched_again_is_left(void **state) {
  (void)state;
  static const char *const keys[][2] = {{"restart_limit", "0"}, {"restart", "never"}, {"launch", "never"}};
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    run self = prepare(hang_and_be_left);
    fake.stop_ends = 1;
    set(&self, "on_hang", "restart");
    set(&self, "probe", "tcmd");
    set(&self, keys[i][0], keys[i][1]);
    finish(&self);
    assert_int_equal(fake.stops, 0);
    assert_int_equal(fake.launches, 0);
  }
}

/* --- and another profile ------------------------------------------------------------------------- */

static char folder[64];
static atomic_int stops_before; /* when the other one has failed; -1: it has not */
static atomic_int hungs_before;

static void release(void *owner) {
  ps_settings_free(owner);
}

static int find(void *context, const char *name, ps_gateway_profile *profile, penstock_error *error) {
  run other = {0};
  (void)context;
  (void)error;
  set(&other, "connect_timeout", "1s");
  *profile = (ps_gateway_profile){.name = name,
                                  .transport = &fake_transport,
                                  .settings = other.settings,
                                  .release = release,
                                  .owner = other.settings};
  return PENSTOCK_OK;
}

static void on_swap(void *context, const ps_swap_event *event) {
  (void)context;
  if (event->step == PS_SWAP_FAILED) {
    stops_before = fake.stops;
    hungs_before = hungs;
  }
}

static const ps_gateway_events with_swap = {.listening = on_listening,
                                            .serving = on_serving,
                                            .state = count_state,
                                            .leg = on_leg,
                                            .progress = on_progress,
                                            .swap = on_swap};

static void hang_while_another_comes(run *self) {
  char path[PS_CONTROL_PATH_SIZE];
  ps_control_client client;
  penstock_error error;
  json_t *result = NULL;
  (void)snprintf(path, sizeof(path), "%s/test@%u.sock", folder, self->port);
  while (ps_control_client_open(&client, path, 5000, &error) != 0) {
    (void)usleep(1000);
  }
  fake.for_clients = fake.for_questions = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&fake.waits, 1);
  fake.connect = FAKE_NEVER;
  assert_int_not_equal(
      ps_control_client_ask(&client, "use", json_pack("{s:s}", "profile", "other"), 20000, &result, &error), 0);
  ps_control_client_close(&client);
  await(&self->servings, 2);
  fake.goes_on = 1;
  (void)is_answered(fd);
  close(fd);
}

/* It may be the other one's solver, too: so it is left until that has failed, and not forgotten. */
static void test_one_that_hangs_while_another_profile_comes_is_restarted_after_that(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-hang-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
  run self = prepare(hang_while_another_comes);
  self.control = 1;
  self.find = find;
  self.events = &with_swap;
  stops_before = -1;
  fake.stop_ends = 1;
  set(&self, "on_hang", "restart");
  finish(&self);
  assert_int_equal(hungs_before, 1);
  assert_int_equal(stops_before, 0);
  assert_int_equal(fake.stops, 1);
  assert_int_equal(rmdir(folder), 0);
}

/* --- what becomes of it -------------------------------------------------------------------------- */

/* It is in the middle of the question when it goes. */
static void hang_and_die(run *self) {
  fake.for_clients = fake.for_questions = FAKE_WAITS;
  int fd = ask_and_wait(self);
  await(&hungs, 1);
  fake.for_clients = fake.for_questions = FAKE_RESETS;
  int other = ask_and_wait(self);
  (void)is_answered(other);
  fake.listening = 0;
  close(other);
  close(fd);
  assert_int_equal(ask(self), 1);
}

static void test_one_that_hung_and_died_is_launched_again(void **state) {
  (void)state;
  run self = prepare(hang_and_die);
  finish(&self);
  assert_int_equal(fake.launches, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_solver_that_hangs_is_said_to_and_to_answer_again),
      cmocka_unit_test(test_a_solver_that_has_answered_hangs_as_well),
      cmocka_unit_test(test_one_that_takes_one_connection_after_another_is_asked_once),
      cmocka_unit_test(test_a_solver_that_accepts_nothing_hangs_too),
      cmocka_unit_test(test_lanes_speak_of_one_solver),
      cmocka_unit_test(test_one_that_answers_questions_does_not_hang),
      cmocka_unit_test(test_a_solver_that_is_heard_of_does_not_hang),
      cmocka_unit_test(test_a_stream_that_goes_on_is_a_sign_of_life),
      cmocka_unit_test(test_0_is_never),
      cmocka_unit_test(test_one_that_hangs_is_restarted_if_that_is_wanted),
      cmocka_unit_test(test_one_that_could_not_be_launched_again_is_left),
      cmocka_unit_test(test_one_that_hangs_while_another_profile_comes_is_restarted_after_that),
      cmocka_unit_test(test_one_that_hung_and_died_is_launched_again),
  };
  return cmocka_run_group_tests_name("hang", tests, begin_server, end_server);
}

/* SPDX-License-Identifier: MIT */
/* A gateway that is asked over its control socket, with a transport whose every step does what the test says. */
#include "gateway_rig.h"

#include "control/client.h"
#include "control/place.h"

static char folder[64];

static int begin(void **state) {
  (void)snprintf(folder, sizeof(folder), "/tmp/pst-asked-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)setenv("PENSTOCK_RUNTIME_DIR", folder, 1);
  return begin_server(state);
}

static int end(void **state) {
  assert_int_equal(rmdir(folder), 0); /* which shows that nothing was left in it */
  return end_server(state);
}

static void connect_to(const run *self, ps_control_client *client) {
  char path[PS_CONTROL_PATH_SIZE];
  penstock_error error;
  (void)snprintf(path, sizeof(path), "%s/test@%u.sock", folder, self->port);
  /* The event of the listener comes just before the socket is there. */
  while (ps_control_client_open(client, path, 5000, &error) != 0) {
    (void)usleep(1000);
  }
  assert_int_equal(client->pid, getpid());
}

static json_t *get(ps_control_client *client, const char *request) {
  json_t *result = NULL;
  penstock_error error;
  if (ps_control_client_ask(client, request, NULL, 5000, &result, &error) != 0) {
    (void)fprintf(stderr, "%s: %s\n", request, error.what);
  }
  assert_non_null(result);
  return result;
}

/* Asks until the state is so, and returns the status. */
static json_t *wait_for_state(ps_control_client *client, const char *state) {
  for (int i = 0; i < 5000; i++) {
    json_t *status = get(client, "status");
    if (strcmp(json_string_value(json_object_get(status, "state")), state) == 0) {
      return status;
    }
    json_decref(status);
    (void)usleep(1000);
  }
  fail_msg("never %s", state);
  return NULL;
}

static json_int_t number_in(const json_t *object, const char *key) {
  return json_integer_value(json_object_get(object, key));
}

/* A connection that the solver has, and that goes on. Returns its descriptor. */
static int begin_stream(const run *self) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(self->port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(send(fd, "TCMD", 4, MSG_NOSIGNAL), 4);
  return fd;
}

static void ask_status(run *self) {
  ps_control_client client;
  connect_to(self, &client);
  json_decref(wait_for_state(&client, "up"));
  int fd = begin_stream(self);
  json_t *rows = NULL;
  json_t *streams = NULL;
  do { /* until it has taken the bytes */
    json_decref(streams);
    streams = get(&client, "streams");
    rows = json_object_get(streams, "streams");
  } while (number_in(json_array_get(rows, 0), "up_bytes") != 4);
  assert_int_equal(json_array_size(rows), 1);
  assert_true(json_is_true(json_object_get(streams, "complete")));
  json_decref(streams);
  json_t *status = get(&client, "status");
  assert_int_equal(number_in(status, "streams"), 1);
  assert_int_equal(number_in(status, "up_bytes"), 4);
  assert_int_equal(number_in(status, "lanes"), 1);
  assert_int_equal(number_in(status, "times_served"), 1);
  assert_true(json_is_object(json_object_get(status, "solver")));
  assert_true(json_array_size(json_object_get(status, "legs")) >= 2);
  json_decref(status);
  close(fd);
  do { /* what has ended still counts */
    status = get(&client, "status");
    fd = (int)number_in(status, "streams_ended");
    assert_int_equal(number_in(status, "up_bytes"), 4);
    json_decref(status);
  } while (fd == 0);
  ps_control_client_close(&client);
}

static void test_status(void **state) {
  (void)state;
  run self = {.act = ask_status, .point = AT_SERVING, .control = 1};
  fake_reset();
  fake.side_by_side = 1;
  go(&self);
  assert_int_equal(self.result, 0);
}

static void ask_to_reconnect(run *self) {
  ps_control_client client;
  connect_to(self, &client);
  json_decref(wait_for_state(&client, "up"));
  json_decref(get(&client, "subscribe"));
  json_t *answer = get(&client, "reconnect");
  assert_int_equal(number_in(answer, "lanes"), 1);
  json_decref(answer);
  int served = 0;
  while (!served) {
    json_t *event = NULL;
    penstock_error error;
    assert_int_equal(ps_control_client_next(&client, 5000, &event, &error), 0);
    served = strcmp(json_string_value(json_object_get(event, "event")), "serving") == 0;
    json_decref(event);
  }
  assert_int_equal(ask(self), 1);
  ps_control_client_close(&client);
}

static void test_reconnect(void **state) {
  (void)state;
  run self = {.act = ask_to_reconnect, .point = AT_SERVING, .control = 1};
  fake_reset();
  go(&self);
  assert_int_equal(fake.connects, 2);
  assert_int_equal(self.servings, 2);
}

/* A host that shows another identity is not tried again by itself: but it is once the user says that all is well. */
static void mend_by_hand(run *self) {
  ps_control_client client;
  connect_to(self, &client);
  json_decref(wait_for_state(&client, "up"));
  fake.error_leg = PENSTOCK_LEG_HOST_KEY;
  fake.error_class = PENSTOCK_CLASS_PEER_IDENTITY;
  fake.connect = FAKE_FAIL;
  json_decref(get(&client, "reconnect"));
  json_t *status = wait_for_state(&client, "down");
  json_t *reason = json_object_get(status, "reason");
  assert_string_equal(json_string_value(json_object_get(reason, "leg")), "host-key");
  assert_true(json_is_null(json_object_get(status, "next_try_ms")));
  json_decref(status);
  assert_int_not_equal(ask(self), 1); /* is not held: there would be no end to it */
  fake.connect = FAKE_OK;
  json_decref(get(&client, "reconnect"));
  status = wait_for_state(&client, "up");
  assert_true(json_is_null(json_object_get(status, "reason")));
  assert_true(json_is_object(json_object_get(status, "last_error")));
  json_decref(status);
  assert_int_equal(ask(self), 1);
  ps_control_client_close(&client);
}

static void test_reconnect_after_giving_up(void **state) {
  (void)state;
  run self = {.act = mend_by_hand, .point = AT_SERVING, .control = 1};
  fake_reset();
  go(&self);
  assert_int_equal(self.result, 0);
}

/* Whatever a lane is about, a reconnect begins it anew. */
static void reconnect_and_heal(run *self) {
  ps_control_client client;
  connect_to(self, &client);
  for (int i = 0; i < 20; i++) {
    json_decref(get(&client, "reconnect"));
    (void)usleep(2000);
  }
  fake.connect = FAKE_OK;
  fake.launch = FAKE_OK;
  fake.ready = FAKE_OK;
  json_decref(get(&client, "reconnect"));
  json_decref(wait_for_state(&client, "up"));
  assert_int_equal(ask(self), 1);
  ps_control_client_close(&client);
}

static void test_reconnect_at_any_time(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    run self = {.act = reconnect_and_heal, .point = AT_LISTENING, .control = 1};
    fake_reset();
    fake.listening = i == 0;
    fake.connect = i == 0 ? FAKE_NEVER : i == 1 ? FAKE_LATER : FAKE_OK;
    fake.launch = i == 2 ? FAKE_NEVER : FAKE_OK;
    fake.ready = i == 3 ? FAKE_NEVER : FAKE_LATER;
    go(&self);
    assert_int_equal(self.result, 0);
  }
}

static void stop_by_request(run *self) {
  ps_control_client client;
  connect_to(self, &client);
  json_decref(wait_for_state(&client, "up"));
  int fd = begin_stream(self);
  json_t *answer = NULL;
  penstock_error error;
  json_decref(get(&client, "status"));
  assert_int_equal(ps_control_client_ask(&client, "stop", json_pack("{s:i}", "drain_ms", 50), 5000, &answer, &error),
                   0);
  assert_int_equal(number_in(answer, "drain_ms"), 50);
  json_decref(answer);
  assert_int_equal(ps_control_client_wait(&client, 10000), 0);
  ps_control_client_close(&client);
  close(fd);
}

static void test_stop(void **state) {
  (void)state;
  run self = {.act = stop_by_request, .point = AT_SERVING, .control = 1};
  fake_reset();
  fake.side_by_side = 1;
  go(&self);
  assert_int_equal(self.result, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_status),
      cmocka_unit_test(test_reconnect),
      cmocka_unit_test(test_reconnect_after_giving_up),
      cmocka_unit_test(test_reconnect_at_any_time),
      cmocka_unit_test(test_stop),
  };
  return cmocka_run_group_tests(tests, begin, end);
}

/* SPDX-License-Identifier: MIT */
/* The client of ssh's control socket against a master that is played here, and that does not always play fair. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/openssh/mux.h"
#include "host/host.h"

static uv_loop_t loop;
static ps_host host;
static mux *client;
static int master; /* our end of the control socket */

/* What was heard. */
static struct {
  int ready;
  char dead[256];
  int opened;
  int refused;
  uint32_t code;
  char text[256];
  size_t bytes;
  int writable;
  int eof;
  int requests;
  int answers;
  int closed;
} heard;

static void on_ready(void *context) {
  (void)context;
  heard.ready++;
}

static void on_turn(void *context) {
  (void)context;
}

static void on_dead(void *context, const char *why) {
  (void)context;
  (void)snprintf(heard.dead, sizeof(heard.dead), "%s", why);
}

static void on_opened(void *context) {
  (void)context;
  heard.opened++;
}

static void on_refused(void *context, uint32_t code, const char *text) {
  (void)context;
  heard.refused++;
  heard.code = code;
  (void)snprintf(heard.text, sizeof(heard.text), "%s", text);
}

static void on_data(void *context, const uint8_t *data, size_t size, int is_stderr) {
  (void)context;
  (void)data;
  (void)is_stderr;
  heard.bytes += size;
}

static void on_writable(void *context) {
  (void)context;
  heard.writable++;
}

static void on_eof(void *context) {
  (void)context;
  heard.eof++;
}

static void on_request(void *context, const mux_message *message) {
  (void)context;
  (void)message;
  heard.requests++;
}

static void on_answer(void *context, int is_success) {
  (void)context;
  (void)is_success;
  heard.answers++;
}

static void on_closed(void *context) {
  (void)context;
  heard.closed++;
}

static const mux_user user = {on_opened, on_refused, on_data, on_writable, on_eof, on_request, on_answer, on_closed};

/* --- the master ------------------------------------------------------------------------------------ */

static uint8_t taken[1 << 20]; /* what the client has sent and nobody has looked at */
static size_t taken_size;

/* Lets the client do all that it has to do, and takes in what it sends. */
static void settle(void) {
  for (int idle = 0; idle < 3;) {
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    ssize_t count = read(master, taken + taken_size, sizeof(taken) - taken_size);
    taken_size += count > 0 ? (size_t)count : 0;
    idle = count > 0 ? 0 : idle + 1;
  }
}

static void say(const mux_buffer *buffer) {
  assert_int_equal(write(master, buffer->data, buffer->size), buffer->size);
}

/* Says one message for a channel of the client's, with up to three numbers. */
static void say_message(uint8_t type, uint32_t channel, int count, const uint32_t numbers[3]) {
  mux_buffer buffer = {0};
  size_t start = mux_begin_for(&buffer, type, channel);
  for (int i = 0; i < count; i++) {
    mux_put_number(&buffer, numbers[i]);
  }
  mux_end(&buffer, start);
  say(&buffer);
  mux_buffer_clear(&buffer);
  settle();
}

static void say_data(uint32_t channel, size_t size) {
  static const uint8_t zeros[64 << 10];
  uint8_t header[MUX_DATA_HEADER];
  mux_data_header(header, channel, (uint32_t)size);
  assert_int_equal(write(master, header, sizeof(header)), sizeof(header));
  assert_int_equal(write(master, zeros, size), size);
  settle();
}

/* Takes the next packet that the client has sent; its type, with the number behind the channel's. -1: there is none. */
static int take(uint32_t *number) {
  const uint8_t *body = NULL;
  size_t size = 0;
  if (mux_next_packet(taken, taken_size, &body, &size) <= 0) {
    return -1;
  }
  int type = body[1];
  *number = size >= 10 ? mux_read_number(body + 6, 4, 0) : 0;
  taken_size -= size + 4;
  memmove(taken, taken + size + 4, taken_size);
  return type;
}

static void expect(int wanted) {
  uint32_t number;
  assert_int_equal(take(&number), wanted);
}

static void greet(uint32_t version, uint32_t answer) {
  mux_buffer buffer = {0};
  mux_put_number(&buffer, 8);
  mux_put_number(&buffer, MUX_HELLO);
  mux_put_number(&buffer, version);
  mux_put_number(&buffer, 8);
  mux_put_number(&buffer, answer);
  mux_put_number(&buffer, 1);
  say(&buffer);
  mux_buffer_clear(&buffer);
  settle();
  taken_size = 0;
}

static int setup(void **state) {
  int ends[2];
  const mux_owner owner = {on_ready, on_turn, on_dead, NULL};
  (void)state;
  memset(&heard, 0, sizeof(heard));
  taken_size = 0;
  assert_int_equal(uv_loop_init(&loop), 0);
  ps_host_init(&host, &loop, "test");
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  master = ends[1];
  client = mux_create(&host.table, ends[0], &owner);
  assert_non_null(client);
  settle();
  return 0;
}

static void mark_closed(void *context) {
  *(int *)context = 1;
}

static int teardown(void **state) {
  int closed = 0;
  (void)state;
  mux_destroy(client);
  (void)close(master);
  ps_host_close(&host, mark_closed, &closed);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(closed, 1);
  assert_int_equal(uv_loop_close(&loop), 0);
  return 0;
}

static mux_channel *open_one(uint32_t window) {
  mux_channel *channel = mux_channel_open(client, "session", NULL, &user, NULL);
  assert_non_null(channel);
  settle();
  expect(MUX_OPEN);
  say_message(MUX_OPENED, 0, 3, (const uint32_t[3]){40, window, 32768});
  assert_int_equal(heard.opened, 1);
  return channel;
}

/* --- the tests ------------------------------------------------------------------------------------- */

static void lends_its_session(void **state) {
  (void)state;
  assert_int_equal(heard.ready, 0);
  greet(MUX_VERSION, MUX_IS_PROXY);
  assert_int_equal(heard.ready, 1);
  assert_string_equal(heard.dead, "");
}

static void speaks_another_version(void **state) {
  (void)state;
  greet(5, MUX_IS_PROXY);
  assert_int_equal(heard.ready, 0);
  assert_non_null(strstr(heard.dead, "version"));
}

static void does_not_lend_it(void **state) {
  (void)state;
  greet(MUX_VERSION, 0x80000003);
  assert_int_equal(heard.ready, 0);
  assert_string_not_equal(heard.dead, "");
}

static void goes_away(void **state) {
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  (void)shutdown(master, SHUT_RDWR);
  settle();
  assert_non_null(strstr(heard.dead, "control socket"));
}

static void refuses_a_channel_and_says_why(void **state) {
  mux_buffer buffer = {0};
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  mux_channel *channel = mux_channel_open(client, "session", NULL, &user, NULL);
  size_t start = mux_begin_for(&buffer, MUX_REFUSED, 0);
  mux_put_number(&buffer, 2);
  mux_put_string(&buffer, "Connection refused", 18);
  mux_put_string(&buffer, "", 0);
  mux_end(&buffer, start);
  say(&buffer);
  mux_buffer_clear(&buffer);
  settle();
  assert_int_equal(heard.refused, 1);
  assert_int_equal(heard.code, 2);
  assert_string_equal(heard.text, "Connection refused");
  mux_channel_close(channel);
  settle();
  expect(MUX_OPEN);
  expect(-1); /* there is nothing to close */
}

static void opens_what_was_given_up(void **state) {
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  mux_channel_close(mux_channel_open(client, "session", NULL, &user, NULL));
  settle();
  expect(MUX_OPEN);
  expect(-1);
  say_message(MUX_OPENED, 0, 3, (const uint32_t[3]){40, 100, 100});
  assert_int_equal(heard.opened, 0);
  expect(MUX_CLOSE);
  say_message(MUX_CLOSE, 0, 0, NULL);
  assert_string_equal(heard.dead, "");
}

static void sends_no_more_than_it_was_granted(void **state) {
  uint32_t window = 0;
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  mux_channel *channel = open_one(0);
  mux_channel_grant(channel, 1 << 20);
  settle();
  assert_int_equal(take(&window), MUX_ADJUST);
  assert_in_range(window, 1, 1 << 20);
  say_data(0, window);
  assert_int_equal(heard.bytes, window);
  assert_int_equal(take(&window), MUX_ADJUST); /* more of the same grant */
  while (take(&window) == MUX_ADJUST) {
  }
  assert_string_equal(heard.dead, "");
}

static void sends_more_than_it_was_granted(void **state) {
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  mux_channel *channel = open_one(0);
  mux_channel_grant(channel, 100);
  say_data(0, 101);
  assert_int_equal(heard.bytes, 0);
  assert_non_null(strstr(heard.dead, "allowed"));
}

static void takes_no_more_than_its_window(void **state) {
  static const uint8_t data[1000];
  uint32_t size = 0;
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  mux_channel *channel = open_one(600);
  assert_int_equal(mux_channel_write(channel, data, sizeof(data)), 600);
  settle();
  assert_int_equal(take(&size), MUX_DATA);
  assert_int_equal(size, 600);
  assert_int_equal(heard.writable, 0);
  say_message(MUX_ADJUST, 0, 1, (const uint32_t[3]){500, 0, 0});
  assert_int_equal(heard.writable, 1);
  assert_int_equal(mux_channel_write(channel, data, 400), 400);
  mux_channel_eof(channel);
  mux_channel_close(channel);
  settle();
  expect(MUX_DATA);
  expect(MUX_EOF);
  expect(MUX_CLOSE);
}

/* The master takes all at once, and the server says with a refused request how far it has got. */
static void is_not_flooded(void **state) {
  static const uint8_t data[256 << 10];
  size_t sent = 0;
  int marks = 0;
  uint32_t number = 0;
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  mux_channel *channel = open_one(UINT32_MAX);
  for (int idle = 0; idle < 3;) {
    size_t count = mux_channel_write(channel, data, sizeof(data));
    sent += count;
    idle = count ? 0 : idle + 1;
    settle();
    for (int type; (type = take(&number)) != -1;) {
      marks += type == MUX_REQUEST;
    }
  }
  assert_in_range(sent, 1 << 20, 8 << 20);
  assert_int_equal(marks, 1);
  heard.writable = 0;
  say_message(MUX_NO_SUCCESS, 0, 0, NULL);
  assert_int_equal(heard.answers, 0); /* the mark is the mux's own */
  assert_true(heard.writable > 0);
  assert_true(mux_channel_write(channel, data, sizeof(data)) > 0);
}

static void speaks_of_a_channel_that_there_is_not(void **state) {
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  say_message(MUX_EOF, 3, 0, NULL);
  assert_non_null(strstr(heard.dead, "channel"));
}

static void opens_a_channel_twice(void **state) {
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  (void)open_one(0);
  say_message(MUX_OPENED, 0, 3, (const uint32_t[3]){41, 0, 100});
  assert_int_equal(heard.opened, 1);
  assert_string_not_equal(heard.dead, "");
}

static void ends_each_direction_apart(void **state) {
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  mux_channel *channel = open_one(100);
  say_message(MUX_EOF, 0, 0, NULL);
  assert_int_equal(heard.eof, 1);
  assert_int_equal(heard.closed, 0);
  assert_int_equal(mux_channel_write(channel, "x", 1), 1);
  say_message(MUX_CLOSE, 0, 0, NULL);
  assert_int_equal(heard.closed, 1);
  assert_int_equal(mux_channel_write(channel, "x", 1), 0);
  settle();
  expect(MUX_DATA);
  mux_channel_close(channel);
  settle();
  expect(MUX_CLOSE);
}

static void sends_nonsense(void **state) {
  static const uint8_t nonsense[] = {0, 0, 0, 3, 0, MUX_DATA, 1};
  (void)state;
  greet(MUX_VERSION, MUX_IS_PROXY);
  assert_int_equal(write(master, nonsense, sizeof(nonsense)), sizeof(nonsense));
  settle();
  assert_non_null(strstr(heard.dead, "no sense"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(lends_its_session),
      CASE(speaks_another_version),
      CASE(does_not_lend_it),
      CASE(goes_away),
      CASE(refuses_a_channel_and_says_why),
      CASE(opens_what_was_given_up),
      CASE(sends_no_more_than_it_was_granted),
      CASE(sends_more_than_it_was_granted),
      CASE(takes_no_more_than_its_window),
      CASE(is_not_flooded),
      CASE(speaks_of_a_channel_that_there_is_not),
      CASE(opens_a_channel_twice),
      CASE(ends_each_direction_apart),
      CASE(sends_nonsense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

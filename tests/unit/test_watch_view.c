/* SPDX-License-Identifier: MIT */
/* What `penstock status --watch` shows: gateways in, lines out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/marks.h"
#include "cli/status_text.h"
#include "cli/watch_view.h"

#define STATUS(more)                                                                                                   \
  "{\"profile\":\"lab\",\"transport\":\"ssh\",\"state\":\"up\",\"since_ms\":61000,\"listen\":\"127.0.0.1:9090\","      \
  "\"pid\":42,\"endpoint\":\"127.0.0.1:9000\",\"streams\":3,\"held\":0,\"streams_ended\":7,\"streams_aborted\":1,"     \
  "\"up_bytes\":100,\"down_bytes\":100,\"up_rate\":2048,\"down_rate\":0,\"reason\":null,\"next_try_ms\":null,"         \
  "\"legs\":[{\"leg\":\"tcp\",\"ms\":1.5,\"ok\":true,\"text\":null},{\"leg\":\"auth\",\"ms\":30,\"ok\":true}],"        \
  "\"solver\":{\"adopted\":true,\"protocol_version\":\"0.18\",\"since_ms\":60000,\"answer\":{\"status\":\"NO_DATA\","  \
  "\"gpu\":\"H100\",\"load\":0.5}}" more "}"

static ps_spark sparks[2];

static json_t *parse(const char *text) {
  json_t *status = json_loads(text, 0, NULL);
  assert_non_null(status);
  return status;
}

/* The page without its marks. */
static const char *render(const ps_watch_row *rows, size_t count, size_t columns, size_t lines, int unicode) {
  static char shown[8192];
  ps_text page = {0};
  ps_style style;
  size_t size = 0;
  const ps_watch_look look = {.columns = columns, .lines = lines, .unicode = unicode};
  ps_watch_render(&page, rows, count, &look);
  const char *data = page.data ? page.data : "";
  size_t height = 1;
  for (const char *line = data; line;) {
    size_t length = strcspn(line, "\n");
    assert_true(ps_columns(line, length) <= columns);
    height += line[length] == '\n';
    line = line[length] ? line + length + 1 : NULL;
  }
  assert_true(height <= lines);
  for (size_t i = 0; i < page.size; i++) {
    if (!ps_mark_style(data[i], &style)) {
      assert_true(unicode || (unsigned char)data[i] < 0x80);
      shown[size++] = data[i];
    }
  }
  shown[size] = '\0';
  free(page.data);
  return shown;
}

static ps_watch_row row_of(const json_t *status) {
  return (ps_watch_row){.label = "lab@9090", .status = status, .up = &sparks[0], .down = &sparks[1]};
}

static int begin(void **state) {
  (void)state;
  memset(sparks, 0, sizeof(sparks));
  for (int i = 0; i <= 7; i++) {
    ps_spark_add(&sparks[0], i * 1024);
  }
  ps_spark_add(&sparks[1], -1);
  ps_spark_add(&sparks[1], 0);
  return 0;
}

static void test_one_that_is_up(void **state) {
  (void)state;
  json_t *status = parse(STATUS(""));
  ps_watch_row row = row_of(status);
  static const char head[] = "lab (ssh): up for 61 s, on 127.0.0.1:9090 (pid 42)\n"
                             "  Solver     found running at 127.0.0.1:9000, protocol 0.18, served for 60 s\n"
                             "  It says    gpu H100, load 0.5\n"
                             "  Streams    3 now, 0 held; 7 have ended, 1 of them broken off\n";
  char expected[2048];
  (void)snprintf(expected, sizeof(expected), "%s%s", head,
                 "  Up                                 ▁▂▃▄▅▆▇█ 2.0 KiB/s, at most 7.0 KiB/s\n"
                 "  Down                                      ▁ 0 bytes/s, at most 0 bytes/s\n"
                 "  Way        tcp 1.5 ms, auth 30 ms\n"
                 "q ends");
  assert_string_equal(render(&row, 1, 78, 24, 1), expected);
  (void)snprintf(expected, sizeof(expected), "%s%s", head,
                 "  Up                                 _.:-=+*# 2.0 KiB/s, at most 7.0 KiB/s\n"
                 "  Down                                      _ 0 bytes/s, at most 0 bytes/s\n"
                 "  Way        tcp 1.5 ms, auth 30 ms\n"
                 "q ends");
  assert_string_equal(render(&row, 1, 78, 24, 0), expected);
  json_decref(status);
}

/* What it said long ago is not told as if it were now. */
static void test_old_words_of_a_solver(void **state) {
  (void)state;
  ps_text text = {0};
  json_t *status = parse("{\"solver\": {\"adopted\": true, \"since_ms\": 90000, \"answer_ms\": 61000, \"answer\": "
                         "{\"gpu\": \"H100\", \"load\": 1}}}");
  ps_status_solver(&text, status);
  assert_non_null(strstr(text.data, "\n  It said    61 s ago: gpu H100, load 1\n"));
  free(text.data);
  json_decref(status);
}

static void test_a_narrow_terminal(void **state) {
  (void)state;
  json_t *status = parse(STATUS(""));
  ps_watch_row row = row_of(status);
  assert_string_equal(render(&row, 1, 30, 24, 1), "lab (ssh): up for 61 s, on 12…\n"
                                                  "  Solver     found running at…\n"
                                                  "  It says    gpu H100, load 0…\n"
                                                  "  Streams    3 now, 0 held; 7…\n"
                                                  "  Up         2.0 KiB/s, at mo…\n"
                                                  "  Down       0 bytes/s, at mo…\n"
                                                  "  Way        tcp 1.5 ms, auth…\n"
                                                  "q ends");
  for (size_t columns = 1; columns < 100; columns++) {
    int unicode = columns % 2 == 1;
    (void)render(&row, 1, columns, 24, unicode); /* which counts the columns */
    (void)render(&row, 1, columns, 1 + columns % 9, unicode);
  }
  json_decref(status);
}

#define DOWN                                                                                                           \
  "{\"profile\":\"lab\",\"transport\":\"ssh\",\"state\":\"down\",\"since_ms\":1000,\"listen\":\"127.0.0.1:9090\","     \
  "\"pid\":42,\"streams\":0,\"held\":2,\"held_ms\":1500,\"up_bytes\":null,\"up_rate\":null,\"retries\":3,"             \
  "\"retries_total\":5,\"reason\":{\"leg\":\"tcp\",\"class\":\"transient\",\"what\":\"nobody\\u001b[2J there\","       \
  "\"next\":\"go there\"},\"next_try_ms\":12345,\"legs\":[{\"leg\":\"dns\",\"ms\":1,\"ok\":true},{\"leg\":\"tcp\","    \
  "\"ms\":0,\"ok\":false}],\"solver\":null,\"last_error\":{\"what\":\"nobody\"}}"

static void test_one_that_is_down(void **state) {
  (void)state;
  json_t *status = parse(DOWN);
  ps_watch_row row = row_of(status);
  assert_string_equal(render(&row, 1, 60, 24, 1), "lab (ssh): down for 1 s, on 127.0.0.1:9090 (pid 42)\n"
                                                  "  Why        nobody\\x1b[2J there\n"
                                                  "  Leg        tcp (transient)\n"
                                                  "  Next       go there\n"
                                                  "  Next try   in 12.3 s, sooner if a connection waits\n"
                                                  "  Retries    3 since it was last up, 5 in all\n"
                                                  "  Streams    0 now, 2 held (the first for 1.5 s)\n"
                                                  "  Up               ▁▂▃▄▅▆▇█ not known now\n"
                                                  "  Down                    ▁ not known now\n"
                                                  "  Way        dns 1.0 ms, tcp failed\n"
                                                  "q ends");
  json_decref(status);
}

/* As much of each as there is room for. */
static void test_a_low_terminal(void **state) {
  (void)state;
  json_t *up = parse(STATUS(""));
  json_t *down = parse(DOWN);
  ps_watch_row rows[3] = {row_of(up), row_of(down), row_of(up)};
  rows[2].label = "z@1";
  assert_string_equal(render(rows, 2, 60, 9, 1), "lab (ssh): up for 61 s, on 127.0.0.1:9090 (pid 42)\n"
                                                 "  Up               ▁▂▃▄▅▆▇█ 2.0 KiB/s, at most 7.0 KiB/s\n"
                                                 "  Down                    ▁ 0 bytes/s, at most 0 bytes/s\n"
                                                 "lab (ssh): down for 1 s, on 127.0.0.1:9090 (pid 42)\n"
                                                 "  Why        nobody\\x1b[2J there\n"
                                                 "  Up               ▁▂▃▄▅▆▇█ not known now\n"
                                                 "  Down                    ▁ not known now\n"
                                                 "q ends");
  assert_string_equal(render(rows, 3, 80, 4, 0),
                      "lab@9090: up, 3 streams, 0 held, 2.0 KiB/s up, 0 bytes/s down\n"
                      "lab@9090: down, 0 streams, 2 held, 0 bytes/s up, 0 bytes/s down: nobody\\x1b[2...\n"
                      "z@1: up, 3 streams, 0 held, 2.0 KiB/s up, 0 bytes/s down\n"
                      "q ends");
  assert_string_equal(render(rows, 3, 80, 3, 0), "lab@9090: up, 3 streams, 0 held, 2.0 KiB/s up, 0 bytes/s down\n"
                                                 "lab@9090: down, 0 streams, 2 held, 0 bytes/s up, 0 bytes/s down: "
                                                 "nobody\\x1b[2...\n"
                                                 "1 more line: make the window higher; q ends");
  json_decref(up);
  json_decref(down);
}

static void test_those_that_say_nothing(void **state) {
  (void)state;
  penstock_error error;
  json_t *status = parse(STATUS(""));
  (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "it does not answer");
  penstock_next(&error, "end it");
  ps_watch_row rows[3] = {row_of(NULL), row_of(status), row_of(status)};
  rows[1].error = &error;
  rows[2].has_ended = 1;
  rows[2].ended_ms = 3000;
  assert_string_equal(render(rows, 3, 60, 24, 1), "lab@9090: is asked\n"
                                                  "\n"
                                                  "lab@9090: does not answer\n"
                                                  "  Why        it does not answer\n"
                                                  "  Next       end it\n"
                                                  "\n"
                                                  "lab@9090: has ended 3 s ago\n"
                                                  "q ends");
  json_decref(status);
}

/* A character is never cut in half, nor is half of one that is wide shown. */
static void test_names_of_any_kind(void **state) {
  (void)state;
  json_t *status = parse("{\"profile\":\"計算機é\",\"transport\":\"ssh\",\"state\":\"up\",\"since_ms\":1000}");
  ps_watch_row row = row_of(status);
  for (size_t columns = 1; columns < 20; columns++) {
    static const char *const heads[] = {"…",     "…",       "計…",      "計…",       "計算…",
                                        "計算…", "計算機…", "計算機é…", "計算機é …", "計算機é (…"};
    const char *page = render(&row, 1, columns, 24, 1);
    if (columns <= sizeof(heads) / sizeof(heads[0])) {
      assert_memory_equal(page, heads[columns - 1], strlen(heads[columns - 1]));
    }
  }
  assert_memory_equal(render(&row, 1, 80, 24, 0), "???? (ssh): up", 14);
  json_decref(status);
}

static void test_columns(void **state) {
  (void)state;
  assert_int_equal(ps_columns("abc", 3), 3);
  assert_int_equal(ps_columns(PS_MARK_GOOD "a" PS_MARK_END, 3), 1);
  assert_int_equal(ps_columns("e\u0301", 3), 1);
  assert_int_equal(ps_columns("\u8a08", 3), 2);
  assert_int_equal(ps_columns("\xff", 1), 1);
  assert_int_equal(ps_columns_fit("\u8a08\u8a08", 6, 3), 3);
  assert_int_equal(ps_columns_fit("ab", 2, 5), 2);
  assert_int_equal(ps_columns_plain("a"), 1);
  assert_int_equal(ps_columns_plain("\u2588"), 3);
  assert_int_equal(ps_columns_plain("\u8a08"), 0);
  assert_int_equal(ps_columns_plain(""), 0);
}

static void test_nobody(void **state) {
  (void)state;
  assert_string_equal(render(NULL, 0, 100, 24, 1),
                      "No gateway of yours runs on this machine: waiting for one (penstock up PROFILE)\nq ends");
  const ps_watch_look look = {.columns = 100, .lines = 24, .wanted = "l\033b"};
  ps_text page = {0};
  ps_watch_render(&page, NULL, 0, &look);
  assert_non_null(strstr(page.data, "profile 'l\\x1bb': waiting"));
  free(page.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_one_that_is_up, begin),
      cmocka_unit_test_setup(test_old_words_of_a_solver, begin),
      cmocka_unit_test_setup(test_a_narrow_terminal, begin),
      cmocka_unit_test_setup(test_one_that_is_down, begin),
      cmocka_unit_test_setup(test_a_low_terminal, begin),
      cmocka_unit_test_setup(test_those_that_say_nothing, begin),
      cmocka_unit_test_setup(test_names_of_any_kind, begin),
      cmocka_unit_test(test_columns),
      cmocka_unit_test_setup(test_nobody, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

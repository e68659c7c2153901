/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probe/tcmd.h"

static ps_tcmd_verdict judge(const char *answer, char *version, size_t version_size) {
  return ps_tcmd_judge(answer, strlen(answer), version, version_size);
}

static void requests_are_the_two_forms(void **state) {
  (void)state;
  size_t size = 0;
  const char *legacy = ps_tcmd_request(1, &size);
  assert_int_equal(size, 4 + 16);
  assert_memory_equal(legacy, "TCMD--name __probe__", size);
  const char *framed = ps_tcmd_request(0, &size);
  assert_int_equal(size, 4 + 4 + 16);
  assert_memory_equal(framed, "TCMD\0\0\0\x10--name __probe__", size);
}

static void a_solver_is_known_by_its_version(void **state) {
  (void)state;
  char version[32];
  assert_int_equal(judge("{\"protocol_version\":\"0.18\",\"status\":\"NO_DATA\"}", version, sizeof(version)),
                   PS_TCMD_SOLVER);
  assert_string_equal(version, "0.18");
  assert_int_equal(judge(" {\"a\":{\"protocol_version\":1},\"protocol_version\":\"1\"}\r\n", version, sizeof(version)),
                   PS_TCMD_SOLVER);
  assert_string_equal(version, "1");
}

static void anything_else_is_none(void **state) {
  (void)state;
  static const char *const answers[] = {
      "",
      "SSH-2.0-OpenSSH_9.2p1\r\n",
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      "{\"error\":\"unknown header\"}",
      "[\"protocol_version\",\"0.18\"]",
      "\"0.18\"",
      "{\"protocol_version\":0.18}",
      "{\"protocol_version\":null}",
      "{\"protocol_version\":\"\"}",
      "{\"protocol_version\":{\"protocol_version\":\"0.18\"}}",
      "{\"inner\":{\"protocol_version\":\"0.18\"}}",
      "{\"protocol_version\":\"0.18\"",
      "{\"protocol_version\":\"0.18\"} more",
      "{\"protocol_version\":\"0.18\\u001b[2J\"}",
      "{\"protocol_version\":\"0.18\\n\"}",
      "{\"protocol_version\":\"\\u007f\"}",
      "{\"protocol_version\":\"a\\u009bb\"}",
      "{\"protocol_version\":\"0\\u0000.18\"}",
      "{\"protocol_version\":\"\xff\"}",
  };
  for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
    char version[32] = "unset";
    if (judge(answers[i], version, sizeof(version)) != PS_TCMD_NOT_SOLVER) {
      fail_msg("taken for a solver: %s", answers[i]);
    }
    assert_string_equal(version, "");
  }
}

static void bytes_past_the_size_are_not_read(void **state) {
  (void)state;
  static const char text[] = "{\"protocol_version\":\"0.18\"}";
  char version[32];
  for (size_t size = 0; size < sizeof(text) - 1; size++) {
    /* Exactly `size` bytes of heap, so that the sanitizer sees one read too many. */
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    assert_int_equal(ps_tcmd_judge(copy, size, version, sizeof(version)), PS_TCMD_NOT_SOLVER);
    free(copy);
  }
  assert_int_equal(ps_tcmd_judge("{\"protocol_version\":\"1\"}\0", 25, version, sizeof(version)), PS_TCMD_NOT_SOLVER);
}

static void the_answer_is_bounded(void **state) {
  (void)state;
  static const char head[] = "{\"protocol_version\":\"0.18\"}";
  char version[32];
  char *answer = malloc(PS_TCMD_MAX_ANSWER + 1);
  assert_non_null(answer);
  memset(answer, ' ', PS_TCMD_MAX_ANSWER + 1);
  memcpy(answer, head, sizeof(head) - 1);
  assert_int_equal(ps_tcmd_judge(answer, PS_TCMD_MAX_ANSWER, version, sizeof(version)), PS_TCMD_SOLVER);
  assert_int_equal(ps_tcmd_judge(answer, PS_TCMD_MAX_ANSWER + 1, version, sizeof(version)), PS_TCMD_NOT_SOLVER);
  /* Deep nesting must end in a verdict, not in a stack overflow. */
  memset(answer, '[', PS_TCMD_MAX_ANSWER);
  assert_int_equal(ps_tcmd_judge(answer, PS_TCMD_MAX_ANSWER, version, sizeof(version)), PS_TCMD_NOT_SOLVER);
  free(answer);
}

static void a_long_version_is_cut_at_a_character(void **state) {
  (void)state;
  char version[6];
  assert_int_equal(judge("{\"protocol_version\":\"0.18-beta\"}", version, sizeof(version)), PS_TCMD_SOLVER);
  assert_string_equal(version, "0.18-");
  assert_int_equal(judge("{\"protocol_version\":\"0.1\xe2\x82\xac\"}", version, sizeof(version)), PS_TCMD_SOLVER);
  assert_string_equal(version, "0.1");
}

static void a_question_about_a_project_has_two_forms_too(void **state) {
  (void)state;
  ps_text text = {0};
  ps_tcmd_question(&text, "a scene", 0);
  assert_int_equal(text.size, 4 + 4 + 14);
  assert_memory_equal(text.data, "TCMD\0\0\0\x0e--name a scene", text.size);
  text.size = 0;
  ps_tcmd_question(&text, "a scene", 1);
  assert_string_equal(text.data, "TCMD--name a scene");
  free(text.data);
}

static void names_that_would_be_read_as_something_else(void **state) {
  (void)state;
  static const char *const good[] = {"a", "a scene", "a-b--c", "\xc3\xa9", "__probe__"};
  static const char *const bad[] = {"", "-a", "--start", "a --delete b", " a", "a ", "a\nb", "a\x7f", "a\xc2\x9b"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    assert_true(ps_tcmd_name_fits(good[i]));
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_false(ps_tcmd_name_fits(bad[i]));
  }
}

static void expect_said(const char *answer, size_t room, const char *expected) {
  char said[PS_TCMD_SAID_SIZE];
  memset(said, 'x', sizeof(said));
  ps_tcmd_said(answer, strlen(answer), said, room);
  assert_string_equal(said, expected);
  for (size_t i = room; i < sizeof(said); i++) {
    assert_int_equal(said[i], 'x');
  }
}

static void what_it_says_of_itself_is_kept(void **state) {
  (void)state;
  expect_said("{\"a\": \"b\", \"c\": [1], \"d\": {\"e\": 1}, \"f\": 1.5, \"g\": null, \"h\": true}", PS_TCMD_SAID_SIZE,
              "{\"a\":\"b\",\"c\":[1],\"d\":{\"e\":1},\"f\":1.5,\"g\":null,\"h\":true}");
  expect_said("{\"gpu\": \"\xc3\xa9\\u001b[2J\"}", PS_TCMD_SAID_SIZE, "{\"gpu\":\"\\u00E9\\u001B[2J\"}");
  expect_said("[1]", PS_TCMD_SAID_SIZE, "");
  expect_said("{", PS_TCMD_SAID_SIZE, "");
  expect_said("{}", PS_TCMD_SAID_SIZE, "{}");
}

static void what_is_kept_is_bounded(void **state) {
  (void)state;
  char answer[2048];
  char text[300];
  expect_said("{\"a\":\"bcdefgh\",\"i\":1}", 7, "{}"); /* its seven bytes and a NUL have no room */
  expect_said("{\"a\":\"bcdefgh\",\"i\":1}", 8, "{\"i\":1}");
  memset(text, 'y', sizeof(text));
  text[257] = '\0';
  (void)snprintf(answer, sizeof(answer), "{\"long\":\"%s\",\"%s\":1,\"short\":2}", text, text);
  expect_said(answer, PS_TCMD_SAID_SIZE, "{\"short\":2}");
  for (size_t i = 0; i < 250; i++) {
    text[i] = i % 2 ? ',' : '1';
  }
  text[249] = '\0';
  (void)snprintf(answer, sizeof(answer), "{\"list\":[%s,%s,%s,%s,%s],\"short\":2}", text, text, text, text, text);
  expect_said(answer, PS_TCMD_SAID_SIZE, "{\"short\":2}");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_are_the_two_forms),
      cmocka_unit_test(a_solver_is_known_by_its_version),
      cmocka_unit_test(anything_else_is_none),
      cmocka_unit_test(bytes_past_the_size_are_not_read),
      cmocka_unit_test(a_question_about_a_project_has_two_forms_too),
      cmocka_unit_test(names_that_would_be_read_as_something_else),
      cmocka_unit_test(what_it_says_of_itself_is_kept),
      cmocka_unit_test(what_is_kept_is_bounded),
      cmocka_unit_test(the_answer_is_bounded),
      cmocka_unit_test(a_long_version_is_cut_at_a_character),
  };
  return cmocka_run_group_tests_name("tcmd", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "log/line.h"
#include "log/log.h"

static char folder[] = "/tmp/penstock-test-log-XXXXXX";
static char path[64];

static int setup(void **state) {
  (void)state;
  if (!mkdtemp(folder)) {
    return -1;
  }
  (void)snprintf(path, sizeof(path), "%s/log", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  return rmdir(folder);
}

static int remove_log(void **state) {
  (void)state;
  ps_log_close();
  return unlink(path);
}

static char *slurp(const char *file) {
  ps_text text = {0};
  char block[4096];
  size_t count;
  FILE *stream = fopen(file, "re");
  assert_non_null(stream);
  ps_text_adds(&text, "");
  while ((count = fread(block, 1, sizeof(block), stream)) > 0) {
    ps_text_add(&text, block, count);
  }
  (void)fclose(stream);
  return text.data;
}

static void assert_contains(const char *text, const char *part) {
  if (!strstr(text, part)) {
    fail_msg("'%s' is not in:\n%s", part, text);
  }
}

static const struct timespec noon = {.tv_sec = 1767182400, .tv_nsec = 123999999}; /* 2025-12-31T12:00:00Z */

static penstock_error sample_error(void) {
  penstock_error error = {.struct_size = sizeof(error)};
  penstock_fail(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "the key of gpu01 is unknown");
  penstock_next(&error, "penstock trust lab");
  (void)strcpy(error.detail, "first\r\n2026 error gateway: forged\033[2J\nlast\n");
  return error;
}

static void text_lines(void **state) {
  (void)state;
  ps_text line = {0};
  ps_log_record record = {
      .when = noon, .level = PENSTOCK_LOG_INFO, .source = "lab", .text = "two\nlines", .error = NULL};
  ps_log_line_text(&line, &record, 0);
  assert_string_equal(line.data, "2025-12-31T12:00:00.123Z info  lab: two\\nlines\n");
  line.size = 0;
  penstock_error error = sample_error();
  record.text = error.what;
  record.error = &error;
  record.level = PENSTOCK_LOG_ERROR;
  ps_log_line_text(&line, &record, 0);
  assert_string_equal(line.data,
                      "2025-12-31T12:00:00.123Z error lab: [host-key, peer-identity] the key of gpu01 is unknown\n"
                      "    next: penstock trust lab\n"
                      "    | first\n"
                      "    | 2026 error gateway: forged\\x1b[2J\n"
                      "    | last\n");
  line.size = 0;
  ps_log_line_text(&line, &record, 1);
  assert_contains(line.data, " \033[31merror\033[0m lab: ");
  free(line.data);
}

static void json_lines(void **state) {
  (void)state;
  ps_text line = {0};
  penstock_error error = sample_error();
  const ps_log_record record = {.when = noon,
                                .level = PENSTOCK_LOG_WARN,
                                .source = "lab\xFF",
                                .text = "G\xC3\xB6\n\xE2\x80\xAE",
                                .error = &error};
  ps_log_line_json(&line, &record);
  assert_int_equal(strchr(line.data, '\n') - line.data, line.size - 1); /* one line, however many are in the text */
  for (const char *at = line.data; *at; at++) {
    assert_true((unsigned char)*at < 0x80);
  }
  json_t *object = json_loads(line.data, 0, NULL);
  assert_non_null(object);
  assert_string_equal(json_string_value(json_object_get(object, "ts")), "2025-12-31T12:00:00.123Z");
  assert_string_equal(json_string_value(json_object_get(object, "level")), "warn");
  assert_string_equal(json_string_value(json_object_get(object, "source")), "lab\\xff");
  assert_string_equal(json_string_value(json_object_get(object, "msg")), "G\xC3\xB6\n\xE2\x80\xAE");
  assert_string_equal(json_string_value(json_object_get(object, "leg")), "host-key");
  assert_string_equal(json_string_value(json_object_get(object, "class")), "peer-identity");
  assert_string_equal(json_string_value(json_object_get(object, "next")), "penstock trust lab");
  assert_string_equal(json_string_value(json_object_get(object, "detail")), error.detail);
  json_decref(object);
  free(line.data);
}

static void writes_a_private_file_by_level(void **state) {
  (void)state;
  penstock_error error = {.struct_size = sizeof(error)};
  struct stat facts;
  mode_t mask = umask(0);
  assert_int_equal(ps_log_open(path, PS_LOG_TEXT, PENSTOCK_LOG_INFO, &error), 0);
  (void)umask(mask);
  assert_int_equal(stat(path, &facts), 0);
  assert_int_equal(facts.st_mode & 07777, 0600);
  assert_true(ps_log_enabled(PENSTOCK_LOG_INFO));
  assert_false(ps_log_enabled(PENSTOCK_LOG_DEBUG));
  ps_log(PENSTOCK_LOG_DEBUG, "lab", "not %s", "wanted");
  ps_log(PENSTOCK_LOG_INFO, "lab", "wanted %d", 7);
  ps_log(PENSTOCK_LOG_WARN, NULL, "by the gateway");
  penstock_error told = sample_error();
  ps_log_error(PENSTOCK_LOG_ERROR, "lab", &told);
  ps_log_close();
  char *text = slurp(path);
  assert_null(strstr(text, "not wanted"));
  assert_contains(text, "Z info  lab: wanted 7\n");
  assert_contains(text, "Z warn  gateway: by the gateway\n");
  assert_contains(text, "Z error lab: [host-key, peer-identity] the key");
  free(text);
}

static void appends_and_opens_again(void **state) {
  (void)state;
  char old[80];
  penstock_error error = {.struct_size = sizeof(error)};
  (void)snprintf(old, sizeof(old), "%s.1", path);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ps_log_open(path, PS_LOG_JSON, PENSTOCK_LOG_INFO, &error), 0);
    ps_log(PENSTOCK_LOG_INFO, "lab", "run %d", i);
  }
  assert_int_equal(rename(path, old), 0);
  ps_log(PENSTOCK_LOG_INFO, "lab", "still the old file");
  ps_log_reopen();
  ps_log(PENSTOCK_LOG_INFO, "lab", "the new file");
  char *before = slurp(old);
  char *after = slurp(path);
  assert_contains(before, "\"run 0\"");
  assert_contains(before, "\"run 1\"");
  assert_contains(before, "still the old file");
  assert_null(strstr(before, "the new file"));
  assert_contains(after, "the new file");
  free(before);
  free(after);
  assert_int_equal(unlink(old), 0);
}

/* Standard error is a file; returns what it was before. */
static int point_stderr_at(const char *file) {
  int saved = dup(STDERR_FILENO);
  int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
  (void)close(fd);
  return saved;
}

static void stderr_follows_the_file(void **state) {
  static const char words[] = "said by a library\n";
  char old[80];
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  (void)snprintf(old, sizeof(old), "%s.1", path);
  for (int is_apart = 0; is_apart <= 1; is_apart++) {
    assert_int_equal(ps_log_open(path, PS_LOG_TEXT, PENSTOCK_LOG_INFO, &error), 0);
    int saved = point_stderr_at(path);
    assert_int_equal(rename(path, old), 0);
    if (is_apart) { /* somebody has another place for it */
      (void)close(point_stderr_at("/dev/null"));
    }
    ps_log_reopen();
    assert_int_equal(write(STDERR_FILENO, words, sizeof(words) - 1), sizeof(words) - 1);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    char *before = slurp(old);
    char *after = slurp(path);
    assert_string_equal(before, "");
    assert_string_equal(after, is_apart ? "" : words);
    free(before);
    free(after);
    assert_int_equal(unlink(old), 0);
    ps_log_close();
    assert_int_equal(is_apart ? 0 : unlink(path), 0);
  }
}

static void says_why_it_cannot_open(void **state) {
  (void)state;
  char bad[80];
  penstock_error error = {.struct_size = sizeof(error)};
  (void)snprintf(bad, sizeof(bad), "%s/none/log", folder);
  assert_int_not_equal(ps_log_open(bad, PS_LOG_TEXT, PENSTOCK_LOG_INFO, &error), 0);
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_contains(error.what, bad);
  assert_contains(error.next, "log_file");
}

#define THREADS 4
#define LINES   500

static void *write_lines(void *context) {
  for (int i = 0; i < LINES; i++) {
    ps_log(PENSTOCK_LOG_INFO, context, "line %d of many, long enough to be torn if it were not whole", i);
  }
  return NULL;
}

static void threads_do_not_mix(void **state) {
  (void)state;
  static char names[THREADS][8] = {"one", "two", "three", "four"};
  pthread_t threads[THREADS];
  int next[THREADS] = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  assert_int_equal(ps_log_open(path, PS_LOG_TEXT, PENSTOCK_LOG_INFO, &error), 0);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  char *text = slurp(path);
  char *rest = text;
  for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
    char *source = strstr(line, " info  ");
    assert_non_null(source);
    source += strlen(" info  ");
    char *number = strstr(source, ": line ");
    char *end = NULL;
    assert_non_null(number);
    *number = '\0';
    long count = strtol(number + strlen(": line "), &end, 10);
    assert_string_equal(end, " of many, long enough to be torn if it were not whole");
    for (int i = 0; i < THREADS; i++) {
      if (strcmp(names[i], source) == 0) {
        assert_int_equal(count, next[i]);
        next[i]++;
      }
    }
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(next[i], LINES);
  }
  free(text);
}

/* Standard error becomes a pipe for the test; returns its reading end. */
static int steal_stderr(int *saved) {
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  *saved = dup(STDERR_FILENO);
  assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
  (void)close(ends[1]);
  return ends[0];
}

static void give_stderr_back(int saved) {
  (void)dup2(saved, STDERR_FILENO);
  (void)close(saved);
}

static void warns_before_it_is_open(void **state) {
  (void)state;
  char text[512] = "";
  int saved;
  int pipe_end = steal_stderr(&saved);
  ps_log(PENSTOCK_LOG_INFO, "lab", "too early");
  ps_log(PENSTOCK_LOG_WARN, "lab", "heed this");
  give_stderr_back(saved);
  ssize_t count = read(pipe_end, text, sizeof(text) - 1);
  (void)close(pipe_end);
  assert_true(count > 0);
  assert_contains(text, " warn  lab: heed this\n");
  assert_null(strstr(text, "too early"));
}

/* Nobody reads: the gateway goes on, and later says how much was lost. */
static void counts_what_is_lost(void **state) {
  (void)state;
  char block[65536];
  int saved;
  int pipe_end = steal_stderr(&saved);
  memset(block, 'x', sizeof(block));
  while (write(STDERR_FILENO, block, sizeof(block)) > 0) {
  }
  ps_log(PENSTOCK_LOG_WARN, "lab", "lost");
  while (read(pipe_end, block, sizeof(block)) > 0) {
  }
  ps_log(PENSTOCK_LOG_WARN, "lab", "found");
  ssize_t count = read(pipe_end, block, sizeof(block) - 1);
  give_stderr_back(saved);
  (void)close(pipe_end);
  assert_true(count > 0);
  block[count] = '\0';
  assert_contains(block, "gateway: 1 log lines were lost");
  assert_contains(block, "lab: found\n");
  assert_null(strstr(block, "lab: lost"));
}

static void words(void **state) {
  (void)state;
  assert_int_equal(ps_log_level_parse("debug"), PENSTOCK_LOG_DEBUG);
  assert_int_equal(ps_log_level_parse("loud"), 0);
  assert_int_equal(ps_log_level_parse(""), 0);
  assert_string_equal(ps_log_level_name(PENSTOCK_LOG_WARN), "warn");
  assert_string_equal(ps_log_level_name(0), "unknown");
  assert_string_equal(ps_leg_name(PENSTOCK_LEG_HOST_KEY), "host-key");
  assert_string_equal(ps_leg_name(4000000000U), "unknown");
  assert_string_equal(ps_class_name(PENSTOCK_CLASS_PEER_IDENTITY), "peer-identity");
  assert_string_equal(ps_class_name(99), "unknown");
}

/* Logs until it is told to stop; returns how many lines. */
static atomic_int stops_logging;

static void *log_on(void *count) {
  while (!stops_logging) {
    ps_log(PENSTOCK_LOG_INFO, "lane", "line %d", (*(int *)count)++);
  }
  return NULL;
}

static size_t lines_of(const char *file) {
  size_t count = 0;
  char *text = slurp(file);
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
    count++;
  }
  free(text);
  return count;
}

/* A reload may send the log elsewhere while lanes go on. */
static void no_line_is_lost_on_the_way_to_another_file(void **state) {
  (void)state;
  penstock_error error;
  pthread_t thread;
  char other[80];
  int count = 0;
  (void)snprintf(other, sizeof(other), "%s.other", path);
  stops_logging = 0;
  assert_int_equal(ps_log_open(path, PS_LOG_TEXT, PENSTOCK_LOG_INFO, &error), 0);
  assert_int_equal(pthread_create(&thread, NULL, log_on, &count), 0);
  for (int i = 0; i < 500; i++) {
    assert_int_equal(ps_log_open(i % 2 ? path : other, PS_LOG_TEXT, PENSTOCK_LOG_INFO, &error), 0);
  }
  stops_logging = 1;
  (void)pthread_join(thread, NULL);
  assert_int_equal(lines_of(path) + lines_of(other), (size_t)count);
  (void)unlink(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_lines),
      cmocka_unit_test(json_lines),
      cmocka_unit_test_teardown(writes_a_private_file_by_level, remove_log),
      cmocka_unit_test_teardown(appends_and_opens_again, remove_log),
      cmocka_unit_test_teardown(stderr_follows_the_file, remove_log),
      cmocka_unit_test(says_why_it_cannot_open),
      cmocka_unit_test_teardown(threads_do_not_mix, remove_log),
      cmocka_unit_test_teardown(no_line_is_lost_on_the_way_to_another_file, remove_log),
      cmocka_unit_test(warns_before_it_is_open),
      cmocka_unit_test(counts_what_is_lost),
      cmocka_unit_test(words),
  };
  return cmocka_run_group_tests_name("log", tests, setup, teardown);
}

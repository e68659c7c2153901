/* SPDX-License-Identifier: MIT */
/**
 * @file config_fixture.h
 * A folder of its own with profile files, for the tests of core/config.
 */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

#define COUNT(list) (uint32_t)(sizeof(list) / sizeof((list)[0]))

static char fixture_folder[32];
static char fixture_path[256]; /* of the main file */
static ps_problems problems;
static ps_config *config;

static inline void fixture_clear(void) {
  ps_config_free(config);
  config = NULL;
  ps_problems_clear(&problems);
}

static inline int fixture_setup(void **state) {
  (void)state;
  (void)strcpy(fixture_folder, "/tmp/penstock-test-XXXXXX");
  if (!mkdtemp(fixture_folder)) {
    return -1;
  }
  (void)snprintf(fixture_path, sizeof(fixture_path), "%s/penstock.ini", fixture_folder);
  return 0;
}

/* Only one folder deep, which is as deep as the tests write. */
static inline int fixture_teardown(void **state) {
  (void)state;
  char command[64];
  fixture_clear();
  (void)snprintf(command, sizeof(command), "rm -rf %s", fixture_folder);
  return system(command);
}

/* Writes `name` in the folder; returns its path. */
static inline const char *fixture_write_bytes(const char *name, const char *bytes, size_t size) {
  static char path[256];
  (void)snprintf(path, sizeof(path), "%s/%s", fixture_folder, name);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0600), 0);
  return path;
}

static inline const char *fixture_write(const char *name, const char *text) {
  return fixture_write_bytes(name, text, strlen(text));
}

/* Loads `text` as the main file. */
static inline void fixture_load(const char *text) {
  fixture_clear();
  (void)fixture_write("penstock.ini", text);
  config = ps_config_load(fixture_path, &problems);
}

/* The problem at a line whose text holds `part`; fails the test with all problems if there is none. */
static inline const ps_problem *find_problem(int line, const char *part) {
  for (size_t i = 0; i < problems.count; i++) {
    if (problems.items[i].line == line && strstr(problems.items[i].text, part)) {
      return &problems.items[i];
    }
  }
  for (size_t i = 0; i < problems.count; i++) {
    print_error("%s:%d: %s\n", problems.items[i].file, problems.items[i].line, problems.items[i].text);
  }
  fail_msg("no problem at line %d with '%s'", line, part);
  return NULL;
}

static inline void assert_no_problems(void) {
  for (size_t i = 0; i < problems.count; i++) {
    print_error("%s:%d: %s\n", problems.items[i].file, problems.items[i].line, problems.items[i].text);
  }
  assert_int_equal(problems.count, 0);
}

#endif

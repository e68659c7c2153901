/* SPDX-License-Identifier: MIT */
/* From one page to the next: what a terminal shows then, and what that costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/marks.h"
#include "cli/watch_paint.h"

#define ROWS    12
#define COLUMNS 60

/* A terminal, as far as it is needed. A wide character fills its second column with "". */
typedef struct terminal {
  struct {
    char text[5];
    unsigned long style;
  } cells[ROWS][COLUMNS];
  size_t row;
  size_t column;
  unsigned long style;
} terminal;

static void erase(terminal *self, size_t row, size_t from) {
  for (size_t column = from; column < COLUMNS; column++) {
    (void)strcpy(self->cells[row][column].text, " ");
    self->cells[row][column].style = 0;
  }
}

static const char *obey(terminal *self, const char *at) {
  char *end;
  unsigned long first = strtoul(at + 2, &end, 10);
  unsigned long second = *end == ';' ? strtoul(end + 1, &end, 10) : 1;
  switch (*end) {
  case 'H':
    self->row = (first ? first : 1) - 1;
    self->column = second - 1;
    assert_true(self->row < ROWS && self->column < COLUMNS);
    break;
  case 'J':
    for (size_t row = first == 2 ? 0 : self->row; row < ROWS; row++) {
      erase(self, row, first == 2 || row > self->row ? 0 : self->column);
    }
    break;
  case 'K':
    erase(self, self->row, self->column);
    break;
  case 'm':
    self->style = first; /* 0 = none */
    break;
  default:
    fail_msg("what is this: %s", at + 1);
  }
  return end + 1;
}

static void show(terminal *self, const char *at) {
  while (*at) {
    if (*at == '\033') {
      at = obey(self, at);
      continue;
    }
    size_t size = (*at & 0x80) == 0 ? 1 : (*at & 0xE0) == 0xC0 ? 2 : (*at & 0xF0) == 0xE0 ? 3 : 4;
    int is_wide = strncmp(at, "\u8a08", 3) == 0;
    assert_true(*at >= 0x20 || *at < 0);
    assert_true(self->column + (size_t)is_wide < COLUMNS);
    (void)snprintf(self->cells[self->row][self->column].text, 5, "%.*s", (int)size, at);
    self->cells[self->row][self->column].style = self->style;
    self->column++;
    if (is_wide) {
      self->cells[self->row][self->column].text[0] = '\0';
      self->cells[self->row][self->column].style = self->style;
      self->column++;
    }
    at += size;
  }
  assert_int_equal(self->style, 0); /* nothing of ours is left on */
}

static void paint(terminal *self, const char *before, const char *after) {
  ps_text out = {0};
  ps_watch_paint(&out, before, after);
  show(self, out.data ? out.data : "");
  free(out.data);
}

static size_t cost(const char *before, const char *after) {
  ps_text out = {0};
  ps_watch_paint(&out, before, after);
  free(out.data);
  return out.size;
}

static uint64_t seed = 88172645463325252u;

static size_t random_below(size_t limit) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (size_t)(seed % limit);
}

/* Few words, so that pages have much in common. */
static void random_page(char *page, size_t size) {
  static const char *const words[] = {"a",
                                      "ab ",
                                      "abc",
                                      "1.2",
                                      "\u2581",
                                      "\u2588",
                                      "\u2026",
                                      "\u8a08",
                                      PS_MARK_GOOD "up" PS_MARK_END,
                                      PS_MARK_BAD "up" PS_MARK_END,
                                      PS_MARK_STRONG "x" PS_MARK_END};
  size_t lines = 1 + random_below(ROWS - 1);
  page[0] = '\0';
  for (size_t i = 0; i < lines; i++) {
    size_t count = random_below(8);
    for (size_t j = 0; j < count || (i + 1 == lines && j == 0); j++) {
      (void)strncat(page, words[random_below(random_below(2) ? 4 : 11)], size - strlen(page) - 1);
    }
    (void)strncat(page, i + 1 < lines ? "\n" : "", size - strlen(page) - 1);
  }
}

static void test_what_was_painted_over_is_what_was_painted_at_once(void **state) {
  (void)state;
  static terminal over;
  static terminal once;
  char before[1024];
  char after[1024];
  random_page(before, sizeof(before));
  paint(&over, NULL, before);
  for (int i = 0; i < 20000; i++) {
    random_page(after, sizeof(after));
    paint(&over, before, after);
    paint(&once, NULL, after);
    for (size_t row = 0; row < ROWS; row++) {
      for (size_t column = 0; column < COLUMNS; column++) {
        if (strcmp(over.cells[row][column].text, once.cells[row][column].text) != 0 ||
            over.cells[row][column].style != once.cells[row][column].style) {
          fail_msg("at %zu, %zu: '%s' becomes '%s'", row, column, before, after);
        }
      }
    }
    memcpy(before, after, sizeof(before));
  }
}

static void test_what_stays_costs_nothing(void **state) {
  (void)state;
  assert_int_equal(cost("a\nb", "a\nb"), 0);
  assert_in_range(cost("lab: up for 12 s, on 127.0.0.1:9090", "lab: up for 13 s, on 127.0.0.1:9090"), 1, 9);
  assert_in_range(cost(PS_MARK_GOOD "up" PS_MARK_END " for 9 s, on", PS_MARK_GOOD "up" PS_MARK_END " for 8 s, on"), 1,
                  9);
  assert_in_range(cost("a\nb\nc", "a"), 1, 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_was_painted_over_is_what_was_painted_at_once),
      cmocka_unit_test(test_what_stays_costs_nothing),
  };
  ps_term_set_color(PS_COLOR_ALWAYS);
  return cmocka_run_group_tests(tests, NULL, NULL);
}

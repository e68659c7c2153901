/* SPDX-License-Identifier: MIT */
#include "cli/watch_paint.h"

#include <string.h>

#include "cli/columns.h"
#include "cli/marks.h"

#define ERASE_ALL  "\033[H\033[2J"
#define ERASE_LINE "\033[K"
#define ERASE_REST "\033[J"

/* A line without its end. */
typedef struct span {
  const char *text;
  size_t size;
} span;

static span take_line(const char **page) {
  span line = {.text = *page, .size = strcspn(*page, "\n")};
  *page += line.size + ((*page)[line.size] == '\n');
  return line;
}

static void move_to(ps_text *out, size_t row, size_t column) {
  ps_text_addf(out, "\033[%zu;%zuH", row + 1, column + 1);
}

/* Is every character one column wide, whatever the terminal? Marks are none. */
static int is_plain(span line) {
  ps_style style;
  for (size_t at = 0; at < line.size;) {
    size_t size = ps_mark_style(line.text[at], &style) ? 1 : ps_columns_plain(line.text + at);
    if (size == 0) {
      return 0;
    }
    at += size;
  }
  return 1;
}

static int is_inside_character(const char *at) {
  return ((unsigned char)*at & 0xC0) == 0x80;
}

/* Bytes that two lines have in common from the beginning on, up to a whole character. */
static size_t common_begin(span a, span b) {
  size_t most = a.size < b.size ? a.size : b.size;
  size_t size = 0;
  while (size < most && a.text[size] == b.text[size]) {
    size++;
  }
  while (size > 0 && ((size < a.size && is_inside_character(a.text + size)) ||
                      (size < b.size && is_inside_character(b.text + size)))) {
    size--;
  }
  return size;
}

/* … and up to the end, of what is left. */
static size_t common_end(span a, span b) {
  size_t most = a.size < b.size ? a.size : b.size;
  size_t size = 0;
  while (size < most && a.text[a.size - size - 1] == b.text[b.size - size - 1]) {
    size++;
  }
  while (size > 0 && is_inside_character(a.text + a.size - size)) {
    size--;
  }
  return size;
}

static span skip(span line, size_t size) {
  return (span){.text = line.text + size, .size = line.size - size};
}

/* The style in which text goes on behind a line. */
static ps_style style_after(span line) {
  ps_style last = PS_STYLE_END;
  for (size_t i = 0; i < line.size; i++) {
    (void)ps_mark_style(line.text[i], &last);
  }
  return last;
}

static int has_marks(span line) {
  ps_style style;
  for (size_t i = 0; i < line.size; i++) {
    if (ps_mark_style(line.text[i], &style)) {
      return 1;
    }
  }
  return 0;
}

static void write_span(ps_text *out, span text, ps_style style) {
  if (style != PS_STYLE_END) {
    ps_text_adds(out, ps_term_style(PS_STDOUT, style));
  }
  ps_marks_apply(out, PS_STDOUT, text.text, text.size);
  ps_style last = has_marks(text) ? style_after(text) : style;
  if (last != PS_STYLE_END) {
    ps_text_adds(out, ps_term_style(PS_STDOUT, PS_STYLE_END));
  }
}

/* Where characters may be wider than we think, all of the line is written; else what has changed in it. */
static void paint_line(ps_text *out, size_t row, span before, span after) {
  if (!is_plain(before) || !is_plain(after)) {
    move_to(out, row, 0);
    write_span(out, after, PS_STYLE_END);
    ps_text_adds(out, ERASE_LINE);
    return;
  }
  size_t same = common_begin(before, after);
  span begin = {.text = after.text, .size = same};
  span old = skip(before, same);
  span new = skip(after, same);
  size_t end = common_end(old, new);
  span old_middle = {.text = old.text, .size = old.size - end};
  span new_middle = {.text = new.text, .size = new.size - end};
  int fits = ps_columns(old_middle.text, old_middle.size) == ps_columns(new_middle.text, new_middle.size);
  move_to(out, row, ps_columns(begin.text, begin.size));
  if (fits && !has_marks(old_middle) && !has_marks(new_middle)) {
    write_span(out, new_middle, style_after(begin));
    return;
  }
  write_span(out, new, style_after(begin));
  if (ps_columns(old.text, old.size) > ps_columns(new.text, new.size)) {
    ps_text_adds(out, ERASE_LINE);
  }
}

void ps_watch_paint(ps_text *out, const char *before, const char *after) {
  size_t row = 0;
  if (!before) {
    ps_text_adds(out, ERASE_ALL);
    before = "";
  }
  while (*after) {
    span old = take_line(&before);
    span new = take_line(&after);
    if (old.size != new.size || memcmp(old.text, new.text, new.size) != 0) {
      paint_line(out, row, old, new);
    }
    row++;
  }
  if (*before) {
    move_to(out, row, 0);
    ps_text_adds(out, ERASE_REST);
  }
}

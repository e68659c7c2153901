/* SPDX-License-Identifier: MIT */
#include "cli/columns.h"

#include "base/text.h"
#include "cli/marks.h"

typedef struct range {
  unsigned long first;
  unsigned long last;
} range;

/* What is written above or below the character before it, or not at all. */
static const range none[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},  {0x0610, 0x061A}, {0x064B, 0x065F},
                             {0x0900, 0x0902}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E},  {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
                             {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0x302A, 0x302D},  {0x3099, 0x309A}, {0xFE00, 0xFE0F},
                             {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}};
/* East Asian Width (UAX #11) W and F, and emoji. */
static const range wide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},  {0xA000, 0xA4CF},
    {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};

static int is_in(const range *ranges, size_t count, unsigned long point) {
  for (size_t i = 0; i < count; i++) {
    if (point >= ranges[i].first && point <= ranges[i].last) {
      return 1;
    }
  }
  return 0;
}

unsigned ps_columns_of(unsigned long point) {
  if (is_in(none, sizeof(none) / sizeof(none[0]), point)) {
    return 0;
  }
  return is_in(wide, sizeof(wide) / sizeof(wide[0]), point) ? 2 : 1;
}

/* The first character of a text; what is no UTF-8 is one of a byte. */
static size_t step(const char *text, unsigned *columns) {
  unsigned long point = 0;
  ps_style style;
  size_t size = ps_utf8_next(text, &point);
  *columns = ps_mark_style(text[0], &style) ? 0 : size > 0 ? ps_columns_of(point) : 1;
  return size > 0 ? size : 1;
}

size_t ps_columns(const char *text, size_t size) {
  size_t total = 0;
  unsigned columns;
  for (size_t at = 0; at < size;) {
    at += step(text + at, &columns);
    total += columns;
  }
  return total;
}

size_t ps_columns_fit(const char *text, size_t size, size_t columns) {
  size_t at = 0;
  size_t used = 0;
  while (at < size) {
    unsigned more;
    size_t length = step(text + at, &more);
    if (used + more > columns) {
      break;
    }
    at += length;
    used += more;
  }
  return at;
}

size_t ps_columns_plain(const char *text) {
  unsigned long point = 0;
  if (text[0] >= 0x20 && text[0] < 0x7F) {
    return 1;
  }
  size_t size = ps_utf8_next(text, &point);
  int is_drawn = (point >= 0x2581 && point <= 0x2588) || point == 0x2026 || point == 0x00B7;
  return size > 1 && is_drawn ? size : 0;
}

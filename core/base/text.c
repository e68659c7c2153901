/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and the NUL. */
static int reserve(ps_text *text, size_t more) {
  size_t need = text->size + more + 1;
  if (need <= text->room) {
    return 0;
  }
  size_t room = text->room * 2 > need ? text->room * 2 : need + 64;
  char *data = realloc(text->data, room);
  if (!data) {
    text->no_memory = 1;
    return PENSTOCK_E_NOMEM;
  }
  text->data = data;
  text->room = room;
  return 0;
}

void ps_text_add(ps_text *text, const char *bytes, size_t size) {
  if (reserve(text, size) == 0) {
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
  }
}

void ps_text_adds(ps_text *text, const char *string) {
  ps_text_add(text, string, strlen(string));
}

void ps_text_addf(ps_text *text, const char *format, ...) {
  char *made = NULL;
  va_list arguments;
  va_start(arguments, format);
  int size = vasprintf(&made, format, arguments);
  va_end(arguments);
  if (size < 0) {
    text->no_memory = 1;
    return;
  }
  ps_text_add(text, made, (size_t)size);
  free(made);
}

size_t ps_utf8_next(const char *bytes, unsigned long *point) {
  static const unsigned long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *byte = (const unsigned char *)bytes;
  if (byte[0] < 0x80) {
    *point = byte[0];
    return 1;
  }
  size_t length = byte[0] >= 0xF0 ? 4 : byte[0] >= 0xE0 ? 3 : 2;
  if (byte[0] < 0xC2 || byte[0] > 0xF4) {
    return 0;
  }
  unsigned long value = byte[0] & (0x7FU >> length);
  for (size_t i = 1; i < length; i++) {
    if ((byte[i] & 0xC0) != 0x80) {
      return 0;
    }
    value = value << 6 | (byte[i] & 0x3FU);
  }
  if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
    return 0;
  }
  *point = value;
  return length;
}

/* May a terminal, or a reader of lines, take this character for more than a letter? */
static int is_unsafe(unsigned long point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x061C || (point >= 0x200E && point <= 0x200F) ||
         (point >= 0x2028 && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF;
}

static void add_escape(ps_text *text, unsigned long point) {
  static const char named[] = "\aa\bb\tt\nn\vv\ff\rr";
  for (size_t i = 0; i + 1 < sizeof(named); i += 2) {
    if (point == (unsigned char)named[i]) {
      ps_text_addf(text, "\\%c", named[i + 1]);
      return;
    }
  }
  ps_text_addf(text, point < 0x100 ? "\\x%02lx" : "\\u%04lx", point);
}

static void add_checked(ps_text *text, const char *string, int escape_controls) {
  const char *plain = string; /* start of what can be added as it is */
  const char *at = string;
  while (*at) {
    unsigned long point = 0;
    size_t length = ps_utf8_next(at, &point);
    if (length > 0 && !(escape_controls && is_unsafe(point))) {
      at += length;
      continue;
    }
    ps_text_add(text, plain, (size_t)(at - plain));
    if (length > 0) {
      add_escape(text, point);
      at += length;
    } else {
      ps_text_addf(text, "\\x%02x", (unsigned)(unsigned char)*at);
      at++;
    }
    plain = at;
  }
  ps_text_add(text, plain, (size_t)(at - plain));
}

void ps_text_add_safe(ps_text *text, const char *string) {
  add_checked(text, string, 1);
}

void ps_text_add_utf8(ps_text *text, const char *string) {
  add_checked(text, string, 0);
}

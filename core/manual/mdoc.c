/* SPDX-License-Identifier: MIT */
#include "manual/mdoc.h"

#include <string.h>

/* Adds one character, and returns what comes after it. */
static const char *add_character(ps_text *page, const char *at) {
  static const struct {
    char plain;
    const char *escape;
  } special[] = {
      {'\\', "\\e"}, {'\'', "\\(aq"}, {'"', "\\(dq"}, {'`', "\\(ga"}, {'^', "\\(ha"}, {'~', "\\(ti"}, {'-', "\\-"},
  };
  unsigned long point = 0;
  size_t size = ps_utf8_next(at, &point);
  if (size > 1) {
    ps_text_addf(page, "\\[u%04lX]", point);
    return at + size;
  }
  for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
    if (*at == special[i].plain) {
      ps_text_adds(page, special[i].escape);
      return at + 1;
    }
  }
  ps_text_add(page, at, 1);
  return at + 1;
}

static void add_plain(ps_text *page, const char *text, size_t size) {
  const char *end = text + size;
  while (text < end) {
    text = add_character(page, text);
  }
}

void ps_mdoc_literal(ps_text *page, const char *text, size_t size) {
  if (size == 0 || *text == '.') { /* a quote at the beginning is escaped anyway */
    ps_text_adds(page, "\\&");
  }
  add_plain(page, text, size);
  ps_text_adds(page, "\n");
}

/* Ends a sentence here, before `end`? An ellipsis ends none. */
static int ends_sentence(const char *start, const char *at, const char *end) {
  return at[0] == '.' && at + 2 < end && at[1] == ' ' && at[2] != ' ' && at[2] != '.' && (at == start || at[-1] != '.');
}

void ps_mdoc_line(ps_text *page, const char *text, size_t size) {
  const char *start = text;
  const char *end = text + size;
  int is_open = 0;
  while (text < end && *text == ' ') {
    text++;
  }
  while (end > text && end[-1] == ' ') {
    end--;
  }
  if (text == end) {
    return;
  }
  if (*text == '.') {
    ps_text_adds(page, "\\&");
  }
  while (text < end) {
    if (ends_sentence(start, text, end)) {
      ps_text_adds(page, ".\n"); /* a sentence begins a line of its own: so roff knows them */
      text += 2;
    } else if (*text == '`') {
      ps_text_adds(page, is_open ? "\\(cq" : "\\(oq");
      is_open = !is_open;
      text++;
    } else {
      text = add_character(page, text);
    }
  }
  ps_text_adds(page, "\n");
}

void ps_mdoc_paragraphs(ps_text *page, const char *text) {
  enum { START, TEXT, EXAMPLE } last = START;
  int gap = 0;
  while (*text) {
    size_t size = strcspn(text, "\n");
    int is_example = size > 0 && text[0] == ' ';
    if (size == 0) {
      gap = 1;
    } else {
      if (is_example && last != EXAMPLE) {
        ps_text_adds(page, ".Bd -literal -offset indent\n");
      } else if (!is_example && last == EXAMPLE) {
        ps_text_adds(page, ".Ed\n.Pp\n");
      } else if (gap && last == TEXT) {
        ps_text_adds(page, ".Pp\n");
      }
      if (is_example) {
        size_t indent = strspn(text, " ");
        ps_mdoc_literal(page, text + indent, size - indent);
      } else {
        ps_mdoc_line(page, text, size);
      }
      last = is_example ? EXAMPLE : TEXT;
      gap = 0;
    }
    text += size + (text[size] == '\n');
  }
  if (last == EXAMPLE) {
    ps_text_adds(page, ".Ed\n");
  }
}

void ps_mdoc_sentence(ps_text *page, const char *text) {
  size_t before = page->size;
  while (*text) {
    size_t size = strcspn(text, "\n");
    ps_mdoc_line(page, text, size);
    text += size + (text[size] == '\n');
  }
  if (page->size > before + 1 && !strchr(".!?", page->data[page->size - 2])) {
    page->data[page->size - 1] = '.';
    ps_text_adds(page, "\n");
  }
}

void ps_mdoc_argument(ps_text *page, const char *text) {
  ps_text_adds(page, " \"\\&");
  add_plain(page, text, strlen(text));
  ps_text_adds(page, "\"");
}

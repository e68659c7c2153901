/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a file to sections, through inih.
 *
 * inih drops without a word what it does not expect: the rest of a long line, text after a section's name,
 * an empty section, a section given twice, what follows ` ;` even within quotes, and it tells of the first bad line
 * only. How long a line may be differs from one distribution's build to the next. So the reader that feeds
 * it does the looking: it takes comments and section lines out of its way, hands long lines over in pieces
 * (as continuations), and spells the characters that inih would act on in another way.
 */
#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/pointers.h"
#include "base/text.h"
#include "config/sections.h"

#define LONGEST_LINE 16384
#define LONGEST_NAME 64
/* A file with that many lines that are no text is none, and the rest of it is not read. */
#define MOST_UNREADABLE 10

/* What inih acts on, and its spelling on the way through. No file may hold these control characters. */
static const char acted_on[] = " \t;#";
static const char spelling[] = "\001\002\003\004";

/* What was handed to inih last, and so what its handler is being called for. */
enum fed { FED_NOTHING, FED_KEY, FED_CONTINUATION, FED_PIECE };

typedef struct reader {
  ps_config *config;
  ps_problems *problems;
  ps_entry_list *includes;
  const char *file;
  char *next; /* the bytes that are left; lines are cut out of them in place */
  char *end;
  int line;        /* number of the current line */
  int unreadable;  /* lines so far that are no text */
  ps_section *top; /* what stands before any section */
  ps_section *section;
  ps_entry *entry;     /* what a continuation belongs to; NULL = nothing */
  size_t entry_indent; /* of its key */
  int text_line;       /* last line that went into its text */
  enum fed fed;
  int taken;        /* the handler was called for it */
  const char *rest; /* what is left of a line that is handed over in pieces */
} reader;

static int is_blank(char c) {
  return c == ' ' || c == '\t';
}

static char *trim(char *text) {
  while (is_blank(*text)) {
    text++;
  }
  size_t size = strlen(text);
  while (size > 0 && is_blank(text[size - 1])) {
    text[--size] = '\0';
  }
  return text;
}

static void spell(char *text, const char *from, const char *to) {
  for (; *text; text++) {
    const char *found = strchr(from, *text);
    if (found) {
      *text = to[found - from];
    }
  }
}

/* --- sections and entries -------------------------------------------------------------------------- */

static ps_section *new_section(reader *self, const char *name) {
  ps_section *section = calloc(1, sizeof(*section));
  char *copy = strdup(name);
  if (!section || !copy) {
    free(section);
    free(copy);
    return NULL;
  }
  section->name = copy;
  section->place = (ps_place){self->file, self->line};
  return section;
}

/* Makes a section in one of the config's lists. NULL if out of memory. */
static ps_section *add_section(reader *self, ps_section ***list, size_t *count, const char *name) {
  ps_section *section = new_section(self, name);
  if (section && ps_pointers_add(list, count, section) != 0) {
    free(section->name);
    free(section);
    return NULL;
  }
  return section;
}

static ps_section *add_stray(reader *self, const char *name) {
  return add_section(self, &self->config->strays, &self->config->stray_count, name);
}

/* Names appear in logs and on command lines. */
const char *ps_config_name_fault(const char *name) {
  size_t size = strlen(name);
  if (size == 0) {
    return "the name between [ ] is empty";
  }
  if (size > LONGEST_NAME) {
    return "the name is longer than 64 bytes";
  }
  if (name[0] == '-') {
    return "a name that begins with `-` would be taken for an option";
  }
  if (strpbrk(name, "[]\"\\")) {
    return "a name holds no bracket, quote or backslash";
  }
  if (is_blank(name[0]) || is_blank(name[size - 1])) {
    return "a name has no blanks around it";
  }
  for (const char *at = name; *at;) {
    unsigned long point = 0;
    size_t length = ps_utf8_next(at, &point);
    if (length == 0 || point < 0x20 || (point >= 0x7F && point < 0xA0)) {
      return "a name holds no control characters";
    }
    at += length;
  }
  if (strcasecmp(name, "gateway") == 0) {
    return strcmp(name, "gateway") == 0 ? "the name [gateway] is penstock's own"
                                        : "sections are told apart by case too: write [gateway]";
  }
  return NULL;
}

static ps_section *begin_section(reader *self, const char *name) {
  ps_config *config = self->config;
  const ps_section *first = NULL;
  if (strcmp(name, "gateway") == 0) {
    if (!config->gateway) {
      config->gateway = new_section(self, name);
      return config->gateway;
    }
    first = config->gateway;
  } else {
    const char *fault = ps_config_name_fault(name);
    if (fault) {
      ps_problems_add(self->problems, 1, self->file, self->line, "section [%s]: %s", name, fault);
      return add_stray(self, name);
    }
    first = ps_sections_profile(config, name);
    if (!first) {
      return add_section(self, &config->profiles, &config->profile_count, name);
    }
  }
  ps_problems_add(self->problems, 1, self->file, self->line,
                  "section [%s] is there twice: the first one is at %s:%d; merge them, or rename one", name,
                  first->place.file, first->place.line);
  return add_stray(self, name);
}

static void read_section_line(reader *self, char *text) {
  char *close = strchr(text, ']');
  self->entry = NULL;
  if (!close) {
    ps_problems_add(self->problems, 1, self->file, self->line, "the section's closing `]` is missing");
    self->section = add_stray(self, text + 1);
    return;
  }
  *close = '\0';
  const char *after = trim(close + 1);
  self->section = begin_section(self, trim(text + 1));
  if (after[0] && after[0] != ';' && after[0] != '#') {
    ps_problems_add(self->problems, 1, self->file, self->line,
                    "`%s` follows the section's `]`: nothing but a comment may", after);
  }
}

/* A key was found: makes its entry. */
static ps_entry *add_entry(reader *self, const char *key, const char *text) {
  ps_entry *entry = calloc(1, sizeof(*entry));
  if (!entry) {
    return NULL;
  }
  const ps_entry *first = ps_section_own(self->section, key);
  entry->key = strdup(key);
  entry->text = strdup(text);
  entry->place = (ps_place){self->file, self->line};
  if (!entry->key || !entry->text || ps_pointers_add(&self->section->entries, &self->section->count, entry) != 0) {
    free(entry->key);
    free(entry->text);
    free(entry);
    return NULL;
  }
  if (strcmp(key, "include") == 0) {
    if (self->section == self->top || strcmp(self->section->name, "gateway") == 0) {
      (void)ps_pointers_add(&self->includes->items, &self->includes->count, entry);
    } else {
      ps_problems_add(self->problems, 1, self->file, self->line,
                      "`include` belongs at the top of the file or under [gateway], not under [%s]",
                      self->section->name);
    }
  } else if (first) {
    entry->is_repeated = 1;
    ps_problems_add(self->problems, 1, self->file, self->line,
                    "`%s` is set twice in [%s]: the first time at %s:%d; take one of them out", key,
                    self->section->name, first->place.file, first->place.line);
  } else if (self->section == self->top) {
    ps_problems_add(self->problems, 1, self->file, self->line,
                    "`%s` stands before any section: it belongs under [gateway] or a profile's [name]", key);
  }
  return entry;
}

/* Adds to the text of the current entry: a new line for each line passed since, then the piece. */
static void extend_entry(reader *self, const char *piece) {
  ps_text text = {0};
  ps_text_adds(&text, self->entry->text);
  for (; self->text_line < self->line; self->text_line++) {
    ps_text_adds(&text, "\n");
  }
  ps_text_adds(&text, piece);
  if (text.no_memory) {
    free(text.data);
    return;
  }
  free(self->entry->text);
  self->entry->text = text.data;
}

/* Called by inih, for what the reader handed over last. */
static int on_value(void *user, const char *section, const char *name, const char *value) {
  reader *self = user;
  (void)section;
  if (!name || !value) {
    return 1; /* builds of inih that tell of new sections, or take a line without a `=` */
  }
  self->taken = 1;
  char *key = strdup(name);
  char *text = strdup(value);
  if (key && text) {
    spell(key, spelling, acted_on);
    spell(text, spelling, acted_on);
    if (self->fed == FED_KEY) {
      /* The line was trimmed, so blanks at the end of the text are within a value that goes on in a piece. */
      self->entry = self->section ? add_entry(self, trim(key), text + strspn(text, " \t")) : NULL;
      self->text_line = self->line;
    } else if (self->entry) {
      extend_entry(self, text);
    }
  }
  free(key);
  free(text);
  return 1;
}

/* --- lines ----------------------------------------------------------------------------------------- */

/*
 * Cuts off a comment: `;` after a blank, outside of quotes. A quote opens where a word begins, and only if it
 * closes on the same line; elsewhere it is a character like any other.
 */
static void cut_comment(reader *self, char *text) {
  int hash = 0;
  for (char *at = text; *at; at++) {
    if ((*at == '"' || *at == '\'') && (at == text || strchr(" \t=:,", at[-1]))) {
      char *close = at + 1;
      while (*close && *close != *at) {
        close += *at == '"' && close[0] == '\\' && close[1] ? 2 : 1;
      }
      at = *close ? close : at;
    } else if (*at == ';' && at > text && is_blank(at[-1])) {
      *at = '\0';
      break;
    } else if (*at == '#' && at > text && is_blank(at[-1]) && (is_blank(at[1]) || !at[1])) {
      hash = 1;
    }
  }
  if (hash) {
    ps_problems_add(
        self->problems, 0, self->file, self->line,
        "`#` begins no comment here and is part of the value: begin the comment with `;`, or quote the value");
  }
}

/* Is the line text that may be in a file? Says so if not. */
static int check_bytes(reader *self, const char *line, size_t size) {
  if (size > LONGEST_LINE) {
    ps_problems_add(self->problems, 1, self->file, self->line, "the line is longer than %d bytes", LONGEST_LINE);
    return 0;
  }
  if (memchr(line, '\0', size)) {
    ps_problems_add(self->problems, 1, self->file, self->line, "the line holds a NUL byte");
    return 0;
  }
  for (const char *at = line; *at;) {
    unsigned long point = 0;
    size_t length = ps_utf8_next(at, &point);
    if (length == 0) {
      ps_problems_add(self->problems, 1, self->file, self->line, "byte 0x%02X is no UTF-8: save the file as UTF-8 text",
                      (unsigned char)*at);
      return 0;
    }
    if ((point < 0x20 && point != '\t') || (point >= 0x7F && point < 0xA0)) {
      ps_problems_add(self->problems, 1, self->file, self->line, "the line holds a control character (U+%04lX)", point);
      return 0;
    }
    at += length;
  }
  return 1;
}

/* Cuts the next line out of the bytes. NULL if there is none. */
static char *take_line(reader *self, size_t *size) {
  if (self->next >= self->end) {
    return NULL;
  }
  char *line = self->next;
  char *stop = memchr(line, '\n', (size_t)(self->end - line));
  stop = stop ? stop : self->end;
  self->next = stop + 1;
  self->line++;
  if (stop > line && stop[-1] == '\r') {
    stop--;
  }
  *stop = '\0';
  *size = (size_t)(stop - line);
  return line;
}

/*
 * Takes one line. Returns the text that inih is to see: a key or a continuation (self->fed says which), or
 * "" for a line that holds nothing for it.
 */
static const char *read_line(reader *self, char *line, size_t size) {
  self->fed = FED_NOTHING;
  if (!check_bytes(self, line, size)) {
    if (++self->unreadable == MOST_UNREADABLE) {
      ps_problems_add(self->problems, 1, self->file, self->line, "the rest is not read: is this a text file at all?");
      self->next = self->end;
    }
    return "";
  }
  char *text = trim(line);
  size_t indent = (size_t)(text - line);
  if (!text[0] || text[0] == ';' || text[0] == '#') {
    return "";
  }
  int continues = self->entry && indent > self->entry_indent;
  if (text[0] == '[' && !continues) {
    read_section_line(self, text);
    return "[s]"; /* inih forgets the key that a continuation would belong to */
  }
  if (!continues && (text[0] == '=' || text[0] == ':')) {
    ps_problems_add(self->problems, 1, self->file, self->line, "there is no key before the `%c`", text[0]);
    self->entry = NULL;
    return "";
  }
  cut_comment(self, text);
  text = trim(text);
  spell(text, acted_on, spelling);
  self->fed = continues ? FED_CONTINUATION : FED_KEY;
  if (!continues) {
    self->entry = NULL;
    self->entry_indent = indent;
  }
  return text;
}

/* inih has no handler call for a line that it cannot read: such a line is told of here. */
static void settle(reader *self) {
  if (self->fed != FED_NOTHING && !self->taken) {
    ps_problems_add(self->problems, 1, self->file, self->line,
                    "this is neither `key = value` nor a [section] (a comment begins with `;` or `#`)");
    self->rest = NULL;
  }
  self->fed = FED_NOTHING;
  self->taken = 0;
}

/* The reader that inih calls like fgets. */
static char *feed(char *buffer, int size, void *stream) {
  reader *self = stream;
  settle(self);
  const char *text = self->rest;
  if (text) {
    self->fed = FED_PIECE;
  } else {
    size_t length = 0;
    char *line = take_line(self, &length);
    if (!line) {
      return NULL;
    }
    text = read_line(self, line, length);
  }
  /* Room for the tab that makes a continuation, the new line that ends it, and the NUL; and one, so that a
   * build of inih that grows its buffer never takes a line for unfinished. */
  size_t room = size > 8 ? (size_t)size - 4 : 0;
  size_t count = strlen(text) < room ? strlen(text) : room;
  int continues = self->fed == FED_CONTINUATION || self->fed == FED_PIECE;
  (void)snprintf(buffer, (size_t)size, "%s%.*s\n", continues ? "\t" : "", (int)count, text);
  self->rest = text[count] ? text + count : NULL;
  return buffer;
}

void ps_sections_read(ps_config *config, const char *file, const char *bytes, size_t size, ps_entry_list *includes,
                      ps_problems *problems) {
  static const char bom[] = "\xEF\xBB\xBF";
  if (size >= 2 && (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0)) {
    ps_problems_add(problems, 1, file, 1, "the file is UTF-16: save it as UTF-8 text");
    return;
  }
  if (size >= 3 && memcmp(bytes, bom, 3) == 0) {
    bytes += 3;
    size -= 3;
  }
  char *copy = malloc(size + 1);
  if (!copy) {
    ps_problems_add(problems, 1, file, 0, "out of memory");
    return;
  }
  memcpy(copy, bytes, size);
  reader self = {.config = config, .problems = problems, .includes = includes, .file = file};
  self.next = copy;
  self.end = copy + size;
  self.top = add_stray(&self, "");
  self.section = self.top;
  if (!self.top || ini_parse_stream(feed, &self, on_value, &self) == -2) {
    ps_problems_add(problems, 1, file, 0, "out of memory");
  }
  free(copy);
}

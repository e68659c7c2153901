/* SPDX-License-Identifier: MIT */
#include "common/shell_words.h"

#include <ctype.h>
#include <stdlib.h>

enum {
  BYTES_MAX = 256 * 1024, /* of all words: variables may hold more than the line */
  WORDS_MAX = 1000,
  SHOWN_MAX = 160 /* a longer line is not shown with its place marked */
};

/* A line being split. */
typedef struct splitter {
  const char *line;
  const char *next; /* what is left of it */
  uint32_t at;      /* number of the character at `next` */
  const shell_words_world *world;
  shell_words *words;
  shell_word *word; /* the one that is open; NULL = none */
  uint32_t opened;  /* the character that opened it */
  size_t room;      /* bytes that `word` has room for */
  size_t bytes;     /* of all words */
  penstock_error *error;
} splitter;

void shell_words_clear(shell_words *words) {
  for (size_t i = 0; i < words->count; i++) {
    free(words->items[i].text);
    free(words->items[i].at);
  }
  free(words->items);
  memset(words, 0, sizeof(*words));
}

/* --- errors -------------------------------------------------------------------------------------------- */

static int is_continuation(char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}

/* The line, and below it a mark under character `at`: only where every character is one column wide. */
static void show_place(penstock_error *error, const char *line, uint32_t at) {
  size_t length = strcspn(line, "\r\n");
  if (length > SHOWN_MAX || at > length + 1) {
    return;
  }
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)line[i] < ' ' || (unsigned char)line[i] > '~') {
      return;
    }
  }
  (void)snprintf(error->detail, sizeof(error->detail), "%.*s\n%*s", (int)length, line, (int)at, "^");
}

int shell_words_fail(penstock_error *error, const char *line, uint32_t at, const char *format, ...) {
  char what[384];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(what, sizeof(what), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(what, sizeof(what));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "character %u: %s", (unsigned)at, what);
  if (error) {
    show_place(error, line, at);
  }
  return PENSTOCK_E_FAILED;
}

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* --- words --------------------------------------------------------------------------------------------- */

/* Moves on by one byte. */
static void step(splitter *self) {
  self->next++;
  self->at += !is_continuation(*self->next);
}

/* The open word; opens one if there is none. NULL with an error if that cannot be. */
static shell_word *open_word(splitter *self) {
  shell_words *words = self->words;
  if (self->word) {
    return self->word;
  }
  if (words->count == WORDS_MAX) {
    (void)shell_words_fail(self->error, self->line, self->at, "this is word number %d", WORDS_MAX + 1);
    return NULL;
  }
  shell_word *grown = realloc(words->items, (words->count + 1) * sizeof(*grown));
  if (!grown) {
    (void)out_of_memory(self->error);
    return NULL;
  }
  words->items = grown;
  self->word = &grown[words->count++];
  memset(self->word, 0, sizeof(*self->word));
  self->room = 0;
  self->opened = self->at;
  return self->word;
}

/* Makes room for one more byte and its place. */
static int grow(splitter *self, shell_word *word) {
  if (word->size < self->room) {
    return 0;
  }
  size_t room = self->room ? 2 * self->room : 32;
  char *text = realloc(word->text, room);
  word->text = text ? text : word->text;
  uint32_t *at = text ? realloc(word->at, room * sizeof(*at)) : NULL;
  if (!at) {
    return out_of_memory(self->error);
  }
  word->at = at;
  self->room = room;
  return 0;
}

/* Adds a byte, which came from character `at`, to the open word. */
static int put(splitter *self, char byte, uint32_t at) {
  if ((unsigned char)byte < ' ' || byte == 0x7F) {
    return shell_words_fail(self->error, self->line, at, "a control character (0x%02X)", (unsigned)(unsigned char)byte);
  }
  if (++self->bytes > BYTES_MAX) {
    return shell_words_fail(self->error, self->line, at, "the line comes to more than %d bytes", BYTES_MAX);
  }
  shell_word *word = open_word(self);
  if (!word || grow(self, word)) {
    return PENSTOCK_E_FAILED;
  }
  word->text[word->size] = byte;
  word->at[word->size++] = at;
  return 0;
}

/* Ends the open word, if there is one, before character `at`. */
static int close_word(splitter *self) {
  shell_word *word = self->word;
  if (!word) {
    return 0;
  }
  if (grow(self, word)) {
    return PENSTOCK_E_FAILED;
  }
  word->text[word->size] = '\0';
  word->at[word->size] = word->size > 0 ? self->at : self->opened; /* '' is told of where it begins */
  self->words->end = self->at;
  self->word = NULL;
  return 0;
}

/* --- what a shell acts on ------------------------------------------------------------------------------ */

/* Takes a line's end that is written after a backslash. Returns 1 if it was one. */
static int take_continuation(splitter *self) {
  size_t size = self->next[1] == '\n' ? 2 : self->next[1] == '\r' && self->next[2] == '\n' ? 3 : 0;
  for (size_t i = 0; i < size; i++) {
    step(self);
  }
  return size > 0;
}

static int take_backslash(splitter *self) {
  if (take_continuation(self)) {
    return 0;
  }
  if (self->next[1] == '\0') {
    return shell_words_fail(self->error, self->line, self->at, "the line ends with a backslash: its rest is missing");
  }
  if (!self->world->has_backslashes || self->next[1] == '"') {
    step(self);
  }
  if (put(self, *self->next, self->at)) {
    return PENSTOCK_E_FAILED;
  }
  step(self);
  return 0;
}

/* A command within the line. `next` says what to do instead. */
static int refuse_substitution(splitter *self, const char *form) {
  (void)shell_words_fail(self->error, self->line, self->at, "%s would run a command, and penstock is no shell", form);
  penstock_next(self->error, "Write what the command prints");
  return PENSTOCK_E_FAILED;
}

/* Adds what a variable holds. Without quotes, its blanks separate words. */
static int add_value(splitter *self, const char *value, uint32_t at, int is_quoted) {
  for (; *value; value++) {
    if (!is_quoted && strchr(" \t\n", *value)) {
      if (close_word(self)) {
        return PENSTOCK_E_FAILED;
      }
    } else if (put(self, *value, at)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

static int take_variable(splitter *self, int is_quoted) {
  char name[128];
  uint32_t at = self->at;
  int is_braced = self->next[1] == '{';
  const char *start = self->next + 1 + is_braced;
  size_t size = 0;
  while (isalnum((unsigned char)start[size]) || start[size] == '_') {
    size++;
  }
  if (size == 0 || size >= sizeof(name) || isdigit((unsigned char)start[0]) || (is_braced && start[size] != '}')) {
    (void)shell_words_fail(self->error, self->line, at,
                           "of what a shell fills in, only $NAME and ${NAME} are known here");
    penstock_next(self->error, "Write its value, or '$' in single quotes if a dollar is meant");
    return PENSTOCK_E_FAILED;
  }
  memcpy(name, start, size);
  name[size] = '\0';
  const char *value = self->world->variable(self->world->context, name);
  if (!value) {
    (void)shell_words_fail(self->error, self->line, at, "the variable %s is not set", name);
    penstock_next(self->error, "Set it where penstock is started, or write its value");
    return PENSTOCK_E_FAILED;
  }
  for (const char *end = start + size + is_braced; self->next < end;) {
    step(self);
  }
  return add_value(self, value, at, is_quoted);
}

static int take_dollar(splitter *self, int is_quoted) {
  char after = self->next[1];
  if (after == '(') {
    return refuse_substitution(self, "$(");
  }
  if (!is_quoted && (after == '\'' || after == '"')) {
    (void)shell_words_fail(self->error, self->line, self->at, "$%c is a quote that only some shells know", after);
    penstock_next(self->error, "Write plain quotes");
    return PENSTOCK_E_FAILED;
  }
  if (after != '\0' && (isalnum((unsigned char)after) || strchr("_{@*#?$!-", after))) {
    return take_variable(self, is_quoted);
  }
  if (put(self, '$', self->at)) {
    return PENSTOCK_E_FAILED;
  }
  step(self);
  return 0;
}

static int fail_unclosed(splitter *self, uint32_t opened, char quote) {
  (void)shell_words_fail(self->error, self->line, opened, "the quote that opens here is not closed");
  penstock_next(self->error, "Add the closing %c; within quotes a line cannot end", quote);
  return PENSTOCK_E_FAILED;
}

static int take_single_quoted(splitter *self) {
  uint32_t opened = self->at;
  step(self);
  for (; *self->next != '\''; step(self)) {
    if (*self->next == '\0' || *self->next == '\n') {
      return fail_unclosed(self, opened, '\'');
    }
    if (put(self, *self->next, self->at)) {
      return PENSTOCK_E_FAILED;
    }
  }
  step(self);
  return 0;
}

/* One character within double quotes, or an escaped one. */
static int take_quoted(splitter *self) {
  if (*self->next == '$') {
    return take_dollar(self, 1);
  }
  if (*self->next == '`') {
    return refuse_substitution(self, "`");
  }
  if (*self->next == '\\') {
    if (take_continuation(self)) {
      return 0;
    }
    if (self->next[1] != '\0' && strchr(self->world->has_backslashes ? "\"" : "$`\"\\", self->next[1])) {
      step(self);
    }
  }
  if (put(self, *self->next, self->at)) {
    return PENSTOCK_E_FAILED;
  }
  step(self);
  return 0;
}

static int take_double_quoted(splitter *self) {
  uint32_t opened = self->at;
  step(self);
  while (*self->next != '"') {
    if (*self->next == '\0' || *self->next == '\n') {
      return fail_unclosed(self, opened, '"');
    }
    if (take_quoted(self)) {
      return PENSTOCK_E_FAILED;
    }
  }
  step(self);
  return 0;
}

/* `~` and `~/`; what `~user` is, the command may know where it takes a path. */
static int take_tilde(splitter *self) {
  uint32_t at = self->at;
  const char *home = strchr("/ \t\r\n", self->next[1]) ? self->world->variable(self->world->context, "HOME") : NULL;
  step(self);
  return home && home[0] ? add_value(self, home, at, 1) : put(self, '~', at);
}

static int refuse_operator(splitter *self) {
  static const struct {
    char sign;
    const char *meaning;
  } meanings[] = {
      {'|', "pipes the output into another command"},
      {';', "begins another command"},
      {'&', "runs the command in the background"},
      {'<', "takes the input from a file"},
      {'>', "sends the output to a file"},
      {'(', "begins a subshell"},
      {')', "ends a subshell"},
  };
  const char *meaning = "";
  for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
    meaning = meanings[i].sign == *self->next ? meanings[i].meaning : meaning;
  }
  (void)shell_words_fail(self->error, self->line, self->at, "`%c` %s, and penstock is no shell", *self->next, meaning);
  penstock_next(self->error, "Give the command alone; put what belongs to a word in quotes");
  return PENSTOCK_E_FAILED;
}

/* Quotes, dashes and blanks that a word processor or a web page put in place of the plain ones: UTF-8, U+00A0 and
 * U+2010 to U+201F. */
static int refuse_typography(splitter *self) {
  const unsigned char *c = (const unsigned char *)self->next;
  const char *name = NULL;
  const char *plain = "";
  if (c[0] == 0xC2 && c[1] == 0xA0) {
    name = "a no-break space";
    plain = "a plain one";
  } else if (c[0] == 0xE2 && c[1] == 0x80 && c[2] >= 0x90 && c[2] <= 0x95) {
    name = "a typographic dash";
    plain = "-";
  } else if (c[0] == 0xE2 && c[1] == 0x80 && c[2] >= 0x98 && c[2] <= 0x9F) {
    name = "a typographic quote";
    plain = "' or \"";
  }
  if (!name) {
    return 0;
  }
  (void)shell_words_fail(self->error, self->line, self->at, "%s, which means nothing in a command", name);
  penstock_next(self->error, "Write %s in its place", plain);
  return PENSTOCK_E_FAILED;
}

/* The end of the line: nothing but blanks may follow. */
static int take_line_end(splitter *self) {
  if (close_word(self)) {
    return PENSTOCK_E_FAILED;
  }
  while (*self->next && strchr(" \t\r\n", *self->next)) {
    step(self);
  }
  if (*self->next && self->words->count > 0) {
    (void)shell_words_fail(self->error, self->line, self->at, "a second line begins here");
    penstock_next(self->error, "Give one command; a line that goes on ends with a backslash");
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

/* One character outside quotes, or what it begins. */
static int take(splitter *self) {
  char c = *self->next;
  switch (c) {
  case ' ':
  case '\t':
    if (close_word(self)) {
      return PENSTOCK_E_FAILED;
    }
    step(self);
    return 0;
  case '\n':
    return take_line_end(self);
  case '\'':
    return open_word(self) ? take_single_quoted(self) : PENSTOCK_E_FAILED;
  case '"':
    return open_word(self) ? take_double_quoted(self) : PENSTOCK_E_FAILED;
  case '\\':
    return take_backslash(self);
  case '$':
    return take_dollar(self, 0);
  case '`':
    return refuse_substitution(self, "`");
  default:
    break;
  }
  if (c == '\r' && (self->next[1] == '\n' || self->next[1] == '\0')) {
    step(self);
    return take_line_end(self);
  }
  if (strchr("|;&<>()", c)) {
    return refuse_operator(self);
  }
  if (c == '~' && !self->word) {
    return take_tilde(self);
  }
  if (refuse_typography(self) || put(self, c, self->at)) {
    return PENSTOCK_E_FAILED;
  }
  step(self);
  return 0;
}

/* A prompt that was copied along. */
static void skip_prompt(splitter *self) {
  while (*self->next && strchr(" \t\r\n", *self->next)) {
    step(self);
  }
  if (*self->next && strchr("$%#", *self->next) && self->next[1] == ' ') {
    step(self);
  }
}

int shell_words_split(shell_words *words, const char *line, const shell_words_world *world, penstock_error *error) {
  splitter self = {.line = line, .next = line, .at = 1, .world = world, .words = words, .error = error};
  int result = 0;
  memset(words, 0, sizeof(*words));
  words->end = 1;
  skip_prompt(&self);
  while (result == 0 && *self.next) {
    if (*self.next == '#' && !self.word) {
      /* A comment, to the end of its line. */
      while (*self.next && *self.next != '\n') {
        step(&self);
      }
    } else {
      result = take(&self);
    }
  }
  if (result == 0) {
    result = close_word(&self);
  }
  if (result) {
    shell_words_clear(words);
  }
  return result;
}

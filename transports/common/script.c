/* SPDX-License-Identifier: MIT */
#include "common/script.h"

#include <stdlib.h>

#include "common/random.h"

struct script {
  char *text;
  size_t size;
  size_t capacity;
  int result; /* the first failure */
};

script *script_create(void) {
  return calloc(1, sizeof(script));
}

void script_destroy(script *self) {
  if (self) {
    free(self->text);
    free(self);
  }
}

static void append(script *self, const char *bytes, size_t size) {
  if (!self || self->result) {
    return;
  }
  if (size >= self->capacity - self->size) {
    size_t capacity = (self->size + size + 1) * 2;
    char *text = realloc(self->text, capacity);
    if (!text) {
      self->result = PENSTOCK_E_NOMEM;
      return;
    }
    self->text = text;
    self->capacity = capacity;
  }
  memcpy(self->text + self->size, bytes, size);
  self->size += size;
  self->text[self->size] = '\0';
}

static void append_text(script *self, const char *text) {
  append(self, text, strlen(text));
}

/* Inside single quotes nothing is special but the quote itself, which leaves them, stands escaped, and goes on. */
static void append_quoted(script *self, const char *value, size_t size) {
  if (self && memchr(value, '\0', size)) {
    self->result = self->result ? self->result : PENSTOCK_E_INVALID;
    return;
  }
  append_text(self, "'");
  while (size > 0) {
    const char *quote = memchr(value, '\'', size);
    size_t plain = quote ? (size_t)(quote - value) : size;
    append(self, value, plain);
    if (quote) {
      append_text(self, "'\\''");
      plain++;
    }
    value += plain;
    size -= plain;
  }
  append_text(self, "'");
}

/* Only what cannot be anything but a name in every shell. */
static int append_name(script *self, const char *name) {
  size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  if (length == 0 || name[length] != '\0' || (name[0] >= '0' && name[0] <= '9')) {
    if (self && !self->result) {
      self->result = PENSTOCK_E_INVALID;
    }
    return PENSTOCK_E_INVALID;
  }
  append(self, name, length);
  return 0;
}

void script_set_bytes(script *self, const char *name, const void *value, size_t size) {
  if (append_name(self, name)) {
    return;
  }
  append_text(self, "=");
  append_quoted(self, value, size);
  append_text(self, "\n");
}

void script_set(script *self, const char *name, const char *value) {
  script_set_bytes(self, name, value ? value : "", value ? strlen(value) : 0);
}

void script_set_number(script *self, const char *name, int64_t value) {
  char text[24];
  int size = snprintf(text, sizeof(text), "%lld", (long long)value);
  script_set_bytes(self, name, text, (size_t)size);
}

void script_list(script *self, const char *name, const char *const *items, size_t count) {
  if (append_name(self, name)) {
    return;
  }
  append_text(self, "() { \"$@\"");
  for (size_t i = 0; i < count; i++) {
    append_text(self, " ");
    append_quoted(self, items[i], strlen(items[i]));
  }
  append_text(self, "; }\n");
}

void script_add(script *self, const char *text) {
  append_text(self, text);
}

const char *script_text(const script *self, size_t *size) {
  *size = 0;
  if (script_result(self)) {
    return NULL;
  }
  *size = self->size;
  return self->text ? self->text : "";
}

int script_result(const script *self) {
  return self ? self->result : PENSTOCK_E_NOMEM;
}

int script_nonce(char nonce[SCRIPT_NONCE_SIZE]) {
  unsigned char bytes[(SCRIPT_NONCE_SIZE - 1) / 2];
  nonce[0] = '\0';
  if (random_bytes(bytes, sizeof(bytes))) {
    return PENSTOCK_E_FAILED;
  }
  for (size_t i = 0; i < sizeof(bytes); i++) {
    (void)snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
  }
  return 0;
}

void script_greeting(const char *nonce, char greeting[SCRIPT_GREETING_SIZE]) {
  /* PPID: every POSIX shell has it, and to csh and fish the words are an error. Other such shells would understand
     printf, and then take the script for one of theirs. */
  (void)snprintf(greeting, SCRIPT_GREETING_SIZE, "printf '%%s-%%s\\n' penstock-here \"${PPID+%s}\"\n", nonce);
}

char *script_wrap(const char *body, size_t size, const char *nonce, size_t *wrapped_size) {
  /* The marks are put together by printf, so that a shell that echoes the script prints none. They begin a line
     of their own whatever was printed before. An exported SHELLOPTS turns -e and -u on in a bash; a start-up file that
     execs a zsh makes that our shell. */
  static const char head[] = "set +eu\n"
                             "if [ -n \"${ZSH_VERSION-}\" ]; then emulate sh; fi\n"
                             "penstock_script() (\n";
  static const char tail[] = "\n)\n"
                             "printf '\\n%%s-%%s\\n' penstock-begin %s\n"
                             "penstock_script </dev/null\n"
                             "penstock_status=$?\n"
                             "printf '\\n%%s-%%s %%s\\n' penstock-end %s \"$penstock_status\"\n";
  size_t capacity = sizeof(head) + size + sizeof(tail) + SCRIPT_NONCE_SIZE + SCRIPT_NONCE_SIZE;
  char *wrapped = malloc(capacity);
  if (!wrapped) {
    return NULL;
  }
  memcpy(wrapped, head, sizeof(head) - 1);
  memcpy(wrapped + sizeof(head) - 1, body, size);
  size_t used = sizeof(head) - 1 + size;
  used += (size_t)snprintf(wrapped + used, capacity - used, tail, nonce, nonce);
  *wrapped_size = used;
  return wrapped;
}

/* memmem, which POSIX lacks, for text. */
static const char *find(const char *haystack, size_t size, const char *needle) {
  size_t length = strlen(needle);
  while (size >= length) {
    const char *at = memchr(haystack, needle[0], size - length + 1);
    if (!at || memcmp(at, needle, length) == 0) {
      return at;
    }
    size -= (size_t)(at + 1 - haystack);
    haystack = at + 1;
  }
  return NULL;
}

int script_has_greeted(const char *output, size_t size, const char *nonce) {
  char mark[64];
  (void)snprintf(mark, sizeof(mark), "penstock-here-%s", nonce);
  return find(output, size, mark) != NULL;
}

int script_unwrap(char *output, size_t size, const char *nonce, char **inner, size_t *inner_size, int32_t *code) {
  char mark[64];
  (void)snprintf(mark, sizeof(mark), "\npenstock-begin-%s\n", nonce);
  const char *begin = find(output, size, mark);
  if (!begin) {
    return PENSTOCK_E_FAILED;
  }
  begin += strlen(mark);
  /* The newline that ends the begin mark may be the one that begins the end mark: start the search on it. */
  (void)snprintf(mark, sizeof(mark), "\npenstock-end-%s ", nonce);
  const char *end = find(begin - 1, size - (size_t)(begin - 1 - output), mark);
  if (!end) {
    return PENSTOCK_E_FAILED;
  }
  char *status_end = NULL;
  long status = strtol(end + strlen(mark), &status_end, 10);
  if (status < 0 || status > 255 || *status_end != '\n') {
    return PENSTOCK_E_FAILED;
  }
  if (end < begin) {
    end = begin;
  }
  *inner = output + (begin - output);
  *inner_size = (size_t)(end - begin);
  (*inner)[*inner_size] = '\0';
  *code = (int32_t)status;
  return 0;
}

/* Length of the UTF-8 character that begins at `at`, 0 if it is none (cut, overlong, a surrogate, too large). */
static size_t utf8_length(const unsigned char *at, size_t size) {
  size_t length = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
  if (length < 2 || length > size) {
    return length == 1 ? 1 : 0;
  }
  for (size_t i = 1; i < length; i++) {
    if ((at[i] & 0xC0) != 0x80) {
      return 0;
    }
  }
  int overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
  int surrogate = at[0] == 0xED && at[1] > 0x9F;
  int too_large = at[0] == 0xF4 && at[1] > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

void script_make_printable(char *text, size_t size) {
  unsigned char *at = (unsigned char *)text;
  for (size_t i = 0; i < size;) {
    size_t length = utf8_length(at + i, size - i);
    int control = length == 1 && ((at[i] < 0x20 && at[i] != '\n' && at[i] != '\t') || at[i] == 0x7F);
    int c1_control = length == 2 && at[i] == 0xC2 && at[i + 1] < 0xA0;
    if (length == 0 || control) {
      at[i] = '?';
      length = 1;
    } else if (c1_control) {
      at[i] = at[i + 1] = '?';
    }
    i += length;
  }
}

char *script_value(const char *output, size_t size, const char *key) {
  size_t key_length = strlen(key);
  char *value = malloc(size + 1);
  size_t used = 0;
  int found = 0;
  if (!value) {
    return NULL;
  }
  for (const char *line = output, *stop = output + size; line < stop;) {
    const char *end = memchr(line, '\n', (size_t)(stop - line));
    size_t length = (size_t)((end ? end : stop) - line);
    if (length > key_length && memcmp(line, key, key_length) == 0 && line[key_length] == '=') {
      if (found) {
        value[used++] = '\n';
      }
      memcpy(value + used, line + key_length + 1, length - key_length - 1);
      used += length - key_length - 1;
      found = 1;
    }
    line += length + 1;
  }
  if (!found) {
    free(value);
    return NULL;
  }
  script_make_printable(value, used);
  value[used] = '\0';
  return value;
}

int64_t script_value_number(const char *output, size_t size, const char *key) {
  char *value = script_value(output, size, key);
  int64_t number = -1;
  if (value && value[0] != '\0' && strlen(value) <= 18 && value[strspn(value, "0123456789")] == '\0') {
    number = strtoll(value, NULL, 10);
  }
  free(value);
  return number;
}

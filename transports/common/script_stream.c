/* SPDX-License-Identifier: MIT */
#include "common/script_stream.h"

#include <stdlib.h>

#include "common/script.h"

static const char prefix[] = "penstock-stream: ";

/* Is `word` what stands at `text`, and a word of its own there? `rest` gets what follows it. */
static int begins_with(const char *text, const char *word, const char **rest) {
  size_t length = strlen(word);
  if (strncmp(text, word, length) != 0 || (text[length] != '\0' && text[length] != ' ')) {
    return 0;
  }
  *rest = text + length + strspn(text + length, " ");
  return 1;
}

static script_stream_state fail(const char *where, const char *why, penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "No stream through a command on %s: %s",
                      where, why);
  return SCRIPT_STREAM_FAILED;
}

static script_stream_state foreign(const char *line, const char *where, penstock_error *error) {
  char why[400];
  (void)snprintf(why, sizeof(why), line[0] ? "it printed something else first: %s" : "it printed an empty line first",
                 line);
  penstock_utf8_trim(why, sizeof(why));
  (void)fail(where, why, error);
  penstock_next(error, "Something there prints before our command does: a start-up file, or a wrapper around sh");
  return SCRIPT_STREAM_FAILED;
}

script_stream_state script_stream_read(const char *output, size_t size, const char *where, size_t *used,
                                       penstock_error *error) {
  char line[SCRIPT_STREAM_LINE_MAX + 1];
  const char *rest;
  const char *newline = memchr(output, '\n', size < SCRIPT_STREAM_LINE_MAX ? size : (size_t)SCRIPT_STREAM_LINE_MAX);
  *used = 0;
  if (!newline && size < SCRIPT_STREAM_LINE_MAX) {
    return SCRIPT_STREAM_UNKNOWN;
  }
  size_t length = newline ? (size_t)(newline - output) : (size_t)SCRIPT_STREAM_LINE_MAX;
  memcpy(line, output, length);
  script_make_printable(line, length);
  line[length] = '\0'; /* a NUL within has become a '?' */
  if (!newline || strncmp(line, prefix, sizeof(prefix) - 1) != 0) {
    return foreign(line, where, error);
  }
  *used = length + 1;
  const char *word = line + sizeof(prefix) - 1;
  if (strcmp(word, "open") == 0) {
    return SCRIPT_STREAM_OPEN;
  }
  if (begins_with(word, "refused", &rest)) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "%s",
                        rest[0] ? rest : "Nobody listens there");
    penstock_next(error, "Start the solver there, or let the profile launch it");
    return SCRIPT_STREAM_REFUSED;
  }
  if (begins_with(word, "impossible", &rest) && rest[0]) {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_CONFIG, "%s", rest);
    return SCRIPT_STREAM_FAILED;
  }
  return begins_with(word, "failed", &rest) ? fail(where, rest[0] ? rest : "it does not say why", error)
                                            : foreign(line, where, error);
}

char *script_stream_wrap(const char *body, size_t size, const char *nonce, size_t *wrapped_size) {
  /* As script_wrap. The last line must be one line: a shell may run a line before it has read the next one, which would
     then be the first of the stream. */
  static const char head[] = "set +eu\n"
                             "if [ -n \"${ZSH_VERSION-}\" ]; then emulate sh; fi\n"
                             "penstock_stream() {\n";
  static const char tail[] = "\n}\n"
                             "printf '\\n%%s-%%s\\n' penstock-begin %s; penstock_stream; exit $?\n";
  size_t capacity = sizeof(head) + size + sizeof(tail) + SCRIPT_NONCE_SIZE;
  char *wrapped = malloc(capacity);
  if (!wrapped) {
    return NULL;
  }
  memcpy(wrapped, head, sizeof(head) - 1);
  memcpy(wrapped + sizeof(head) - 1, body, size);
  size_t used = sizeof(head) - 1 + size;
  used += (size_t)snprintf(wrapped + used, capacity - used, tail, nonce);
  *wrapped_size = used;
  return wrapped;
}

const char *script_stream_begin(const char *output, size_t size, const char *nonce) {
  char mark[64];
  int length = snprintf(mark, sizeof(mark), "\npenstock-begin-%s\n", nonce);
  for (size_t at = 0; at + (size_t)length <= size; at++) {
    if (memcmp(output + at, mark, (size_t)length) == 0) {
      return output + at + length;
    }
  }
  return NULL;
}

/* "ended with status 3", "was ended by signal 9", ... */
static void say_end(const script_stream_end *end, char *text, size_t size) {
  if (end->signal[0]) {
    (void)snprintf(text, size, "was ended by signal %s", end->signal);
  } else if (end->status >= 0) {
    const char *meaning = end->status == 127   ? " (there is no such program)"
                          : end->status == 126 ? " (the program cannot be run)"
                                               : "";
    (void)snprintf(text, size, "ended with status %d%s", end->status, meaning);
  } else {
    (void)snprintf(text, size, "ended, and nobody said how");
  }
}

void script_stream_ended(const char *where, int is_open, const script_stream_end *end, penstock_error *error) {
  char how[80];
  say_end(end, how, sizeof(how));
  if (is_open) {
    (void)penstock_fail(error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT,
                        "The command on %s that carried the stream %s", where, how);
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                        "No stream through a command on %s: it %s", where, how);
  }
  script_stream_detail(end->errors, error);
}

void script_stream_detail(const char *errors, penstock_error *error) {
  if (error) {
    (void)snprintf(error->detail, sizeof(error->detail), "%s", errors);
    penstock_utf8_trim(error->detail, sizeof(error->detail));
    script_make_printable(error->detail, strlen(error->detail));
  }
}

void script_stream_keep(script_stream_tail *tail, const void *data, size_t size) {
  const char *from = data;
  if (size > SCRIPT_STREAM_TAIL) {
    from += size - SCRIPT_STREAM_TAIL;
    size = SCRIPT_STREAM_TAIL;
  }
  size_t stays = SCRIPT_STREAM_TAIL - size < tail->size ? SCRIPT_STREAM_TAIL - size : tail->size;
  memmove(tail->text, tail->text + tail->size - stays, stays);
  for (size_t i = 0; i < size; i++) {
    tail->text[stays + i] = (char)(from[i] ? from[i] : '?');
  }
  tail->size = stays + size;
  tail->text[tail->size] = '\0';
}

/* SPDX-License-Identifier: MIT */
#include "common/native/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int record_write(const record *kept, char *text, size_t size) {
  int length = snprintf(text, size, "pid=%lu\nstart=%llu\ntoken=%s\nlog=%s\nprogress=%s\n", (unsigned long)kept->pid,
                        (unsigned long long)kept->start, kept->token, kept->log, kept->progress);
  return length > 0 && (size_t)length < size ? length : -1;
}

/* A whole number, nothing but digits; 0 if it is none. */
static uint64_t read_number(const char *text) {
  return text[0] && strspn(text, "0123456789") == strlen(text) ? strtoull(text, NULL, 10) : 0;
}

/* A name in the solver's folder, and no way out of it. */
static int take_name(char name[RECORD_NAME_SIZE], const char *text) {
  if (!text[0] || strlen(text) >= RECORD_NAME_SIZE || strpbrk(text, "/\\:") || text[0] == '.') {
    return -1;
  }
  memcpy(name, text, strlen(text) + 1);
  return 0;
}

static void take_entry(record *kept, const char *key, const char *value) {
  if (strcmp(key, "pid") == 0) {
    uint64_t number = read_number(value);
    kept->pid = number <= UINT32_MAX ? (uint32_t)number : 0;
  } else if (strcmp(key, "start") == 0) {
    kept->start = read_number(value);
  } else if (strcmp(key, "token") == 0 && strlen(value) == RECORD_TOKEN_SIZE - 1 &&
             strspn(value, "0123456789abcdef") == RECORD_TOKEN_SIZE - 1) {
    memcpy(kept->token, value, RECORD_TOKEN_SIZE);
  } else if (strcmp(key, "log") == 0) {
    (void)take_name(kept->log, value);
  } else if (strcmp(key, "progress") == 0) {
    (void)take_name(kept->progress, value);
  }
}

/* The next line of a text, without its end, cut to the buffer. Returns where the one after it begins. */
static const char *next_line(const char *at, const char *end, char *line, size_t size) {
  const char *stop = memchr(at, '\n', (size_t)(end - at));
  stop = stop ? stop : end;
  size_t length = (size_t)(stop - at);
  length = length > 0 && at[length - 1] == '\r' ? length - 1 : length;
  length = length < size ? length : size - 1;
  memcpy(line, at, length);
  line[length] = '\0';
  return stop < end ? stop + 1 : end;
}

int record_read(const char *text, size_t size, record *kept) {
  char line[256];
  const char *end = text + size;
  memset(kept, 0, sizeof(*kept));
  for (const char *at = text; at < end;) {
    at = next_line(at, end, line, sizeof(line));
    char *equals = strchr(line, '=');
    if (equals) {
      *equals = '\0';
      take_entry(kept, line, equals + 1);
    }
  }
  return kept->pid > 0 && kept->start > 0 && kept->token[0] && kept->log[0] && kept->progress[0] ? 0 : -1;
}

record_mark record_read_mark(const char *text, size_t size, char *line, size_t line_size) {
  const char *end = text + size;
  record_mark mark = RECORD_MARK_NONE;
  for (const char *at = text; at < end;) {
    at = next_line(at, end, line, line_size);
    if (strstr(line, "ERROR") || strstr(line, "FAILED")) {
      return RECORD_MARK_FAILED;
    }
    if (strstr(line, "SERVER_READY")) {
      mark = RECORD_MARK_READY;
    } else if (mark == RECORD_MARK_NONE && strstr(line, "SERVER_STARTING")) {
      mark = RECORD_MARK_STARTING;
    }
  }
  line[0] = '\0';
  return mark;
}

size_t record_tail(const char *text, size_t size, unsigned lines, const char **begin) {
  size_t at = size;
  while (at > 0 && (text[at - 1] != '\n' || at == size || lines-- > 1)) {
    at--;
  }
  *begin = text + at;
  return size - at;
}

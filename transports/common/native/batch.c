/* SPDX-License-Identifier: MIT */
#include "common/native/batch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* /d: no AutoRun of the registry. /v:off: a `!` is one. /s and the quotes about all of it: the quotes within stay. */
#define BEFORE "cmd.exe /d /v:off /s /c \""

/* Windows drops dots and spaces at the end of a name: "run.bat. ." is run.bat, too. */
int batch_is_one(const char *path) {
  size_t length = strlen(path);
  char end[5] = "";
  while (length > 0 && (path[length - 1] == '.' || path[length - 1] == ' ')) {
    length--;
  }
  for (size_t i = 0; length >= sizeof(end) - 1 && i < sizeof(end) - 1; i++) {
    end[i] = (char)tolower((unsigned char)path[length - sizeof(end) + 1 + i]);
  }
  return strcmp(end, ".bat") == 0 || strcmp(end, ".cmd") == 0;
}

char *batch_line(const char *const *words, const char **refused) {
  size_t size = sizeof(BEFORE) + 2;
  *refused = NULL;
  for (size_t i = 0; words[i]; i++) {
    if (strpbrk(words[i], "\"%\r\n")) {
      *refused = words[i];
      return NULL;
    }
    size += strlen(words[i]) + 3;
  }
  char *line = malloc(size);
  size_t used = line ? (size_t)snprintf(line, size, "%s", BEFORE) : 0;
  for (size_t i = 0; line && words[i]; i++) {
    used += (size_t)snprintf(line + used, size - used, "%s\"%s\"", i > 0 ? " " : "", words[i]);
  }
  if (line) {
    (void)snprintf(line + used, size - used, "\"");
  }
  return line;
}

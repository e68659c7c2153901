/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_files.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static int add(ssh_texts *files, const char *start, size_t length) {
  char *name = strndup(start, length);
  int result = !name || (strcasecmp(name, "none") != 0 && ssh_texts_add(files, name)) ? PENSTOCK_E_NOMEM : 0;
  free(name);
  return result;
}

static int is_there(const char *start, size_t length) {
  char *name = strndup(start, length);
  int result = name && access(name, F_OK) == 0;
  free(name);
  return result;
}

/* Length of the longest run of words from `start` that is an existing file; 0 if there is none. */
static size_t longest_there(const char *start) {
  size_t longest = 0;
  size_t end = 0;
  for (;;) {
    end += strcspn(start + end, " ");
    if (is_there(start, end)) {
      longest = end;
    }
    if (start[end] == '\0') {
      return longest;
    }
    end++;
  }
}

int ssh_files_split(ssh_texts *files, const char *line) {
  const char *at = line + strspn(line, " ");
  while (*at) {
    size_t length = longest_there(at);
    if (length == 0) {
      const char *next = strstr(at, " /");
      length = next ? (size_t)(next - at) : strlen(at);
    }
    if (add(files, at, length)) {
      return PENSTOCK_E_NOMEM;
    }
    at += length + strspn(at + length, " ");
  }
  return 0;
}

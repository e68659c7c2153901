/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_files.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/ssh/config/ssh_path.h"

static int add(ssh_texts *files, const char *start, size_t length) {
  char *name = strndup(start, length);
  int result = !name || (strcasecmp(name, "none") != 0 && ssh_texts_add(files, name)) ? PENSTOCK_E_NOMEM : 0;
  free(name);
  return result;
}

static int is_there(const char *start, size_t length) {
  struct stat info;
  char *name = strndup(start, length);
  int result = name && stat(name, &info) == 0 && !S_ISDIR(info.st_mode);
  free(name);
  return result;
}

/* After a whole path comes another one, or nothing: a name must not end before what would then be a relative one. */
static int may_end(const char *start, size_t end) {
  return !ssh_path_is_whole(start) || start[end] == '\0' || ssh_path_is_whole(start + end + 1);
}

/* Length of the longest run of words from `start` that is an existing file; 0 if there is none. */
static size_t longest_there(const char *start) {
  size_t longest = 0;
  size_t end = 0;
  for (;;) {
    end += strcspn(start + end, " ");
    if (may_end(start, end) && is_there(start, end)) {
      longest = end;
    }
    if (start[end] == '\0') {
      return longest;
    }
    end++;
  }
}

/* Length of what is before the next whole path. */
static size_t before_next(const char *start) {
  size_t length = strcspn(start, " ");
  while (start[length] && !ssh_path_is_whole(start + length + 1)) {
    length += 1 + strcspn(start + length + 1, " ");
  }
  return length;
}

int ssh_files_split(ssh_texts *files, const char *line) {
  const char *at = line + strspn(line, " ");
  while (*at) {
    size_t length = longest_there(at);
    if (length == 0) {
      length = before_next(at);
    }
    if (add(files, at, length)) {
      return PENSTOCK_E_NOMEM;
    }
    at += length + strspn(at + length, " ");
  }
  return 0;
}

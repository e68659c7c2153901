/* SPDX-License-Identifier: MIT */
#include "config/append_text.h"

#include <string.h>

void ps_append_text(ps_text *bytes, const char *text) {
  const char *first = bytes->size ? memchr(bytes->data, '\n', bytes->size) : NULL;
  const char *end = first && first > bytes->data && first[-1] == '\r' ? "\r\n" : "\n";
  if (bytes->size > 0) {
    ps_text_adds(bytes, bytes->data[bytes->size - 1] == '\n' ? "" : end);
    ps_text_adds(bytes, end);
  }
  for (; *text; text++) {
    if (*text == '\n') {
      ps_text_adds(bytes, end);
    } else {
      ps_text_add(bytes, text, 1);
    }
  }
}

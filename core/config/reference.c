/* SPDX-License-Identifier: MIT */
#include "config/reference.h"

#include <stddef.h>
#include <string.h>

ps_reference ps_reference_parse(const char *text, const char **rest) {
  static const struct {
    const char *prefix;
    ps_reference kind;
    int may_be_bare;
  } kinds[] = {{"env:", PS_REFERENCE_ENV, 0},
               {"file:", PS_REFERENCE_FILE, 0},
               {"command:", PS_REFERENCE_COMMAND, 0},
               {"prompt:", PS_REFERENCE_PROMPT, 1}};
  *rest = "";
  if (strcmp(text, "prompt") == 0) {
    return PS_REFERENCE_PROMPT;
  }
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    size_t size = strlen(kinds[i].prefix);
    if (strncmp(text, kinds[i].prefix, size) == 0 && (text[size] || kinds[i].may_be_bare)) {
      *rest = text + size;
      return kinds[i].kind;
    }
  }
  return PS_REFERENCE_NONE;
}

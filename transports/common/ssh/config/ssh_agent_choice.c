/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_agent_choice.h"

#include <string.h>
#include <strings.h>

static int is_one_of(const char *value, const char *const *words) {
  while (*words && strcasecmp(value, *words) != 0) {
    words++;
  }
  return *words != NULL;
}

ssh_agent_choice ssh_agent_choose(const char *value) {
  static const char *const usual[] = {"yes", "true", "on", "1", "auto", NULL};
  static const char *const none[] = {"no", "false", "off", "0", "none", NULL};
  if (!value || is_one_of(value, usual)) {
    return SSH_AGENT_USUAL;
  }
  if (is_one_of(value, none)) {
    return SSH_AGENT_NONE;
  }
  if (ssh_agent_is_name(value)) {
    return SSH_AGENT_BY_NAME;
  }
  return strpbrk(value, "/\\") ? SSH_AGENT_PATH : SSH_AGENT_UNKNOWN;
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_agent_choice.h"

#include "common/ssh/login/key_agent.h"

const char ssh_agent_choices[] = "openssh, pageant, or the path of a pipe (//./pipe/NAME)";

int ssh_agent_is_name(const char *value) {
  return strcmp(value, KEY_AGENT_OPENSSH) == 0 || strcmp(value, KEY_AGENT_PAGEANT) == 0;
}

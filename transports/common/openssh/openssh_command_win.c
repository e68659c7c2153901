/* SPDX-License-Identifier: MIT */
/*
 * How ssh.exe is started. Its messages come by its standard error: where they are as rich as DEBUG2 has them they say
 * what happens to a channel (openssh_words.h). The level is an option, not -vv: that would be handed on to the ssh of
 * each hop, whose words come by the same way and would be taken for this one's.
 */
#include "common/openssh/openssh_command.h"

#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_agent_choice.h"
#include "common/ssh/login/agent_link.h"

enum { VERSION_ASKPASS = 804 /* SSH_ASKPASS_REQUIRE */ };

/* An agent that the profile names by a word is one that ssh.exe has to be told the pipe of. In quotes, as a user's name
 * may have blanks. */
static void add_agent(openssh_command *command, const char *agent) {
  char path[AGENT_PLACE_SIZE];
  char option[AGENT_PLACE_SIZE + 32];
  if (agent && ssh_agent_is_name(agent) && agent_link_place(agent, 0, path)) {
    (void)snprintf(option, sizeof(option), "IdentityAgent=\"%s\"", path);
    openssh_command_add_option(command, option);
  }
}

void openssh_command_begin(openssh_command *command, const openssh_plan *plan) {
  openssh_command_add(command, "ssh");
  openssh_command_add_option(command, "LogLevel=DEBUG2");
  openssh_command_add_option(command, "ControlMaster=no");
  openssh_command_add_option(command, "ControlPath=none");
  openssh_command_add_option(command, "EscapeChar=none");
  if (plan->version < VERSION_ASKPASS) {
    openssh_command_add_option(command, "BatchMode=yes"); /* it would ask at a console that nobody sees */
  }
  add_agent(command, plan->extra->agent_socket);
}

int openssh_command_add_pin(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
  (void)command;
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "host_key_fingerprint: ssh.exe cannot be told of a key by its fingerprint");
  penstock_next(error,
                "Put the host's key into known_hosts instead (penstock trust %s shows it), or use `transport = ssh`",
                plan->config->profile);
  return PENSTOCK_E_FAILED;
}

/* In quotes, with `/`, as ssh reads it. */
int openssh_command_include(const openssh_plan *plan, const char *file, char *lines, size_t size,
                            penstock_error *error) {
  const char *folder = getenv("ProgramData");
  char path[1024];
  (void)plan;
  lines[0] = '\0';
  if (!file) {
    (void)snprintf(path, sizeof(path), "%s/ssh/ssh_config", folder && folder[0] ? folder : "C:/ProgramData");
  } else if (strcasecmp(file, "none") == 0) {
    return 0;
  } else {
    char *whole = realpath(file, NULL);
    (void)snprintf(path, sizeof(path), "%s", whole ? whole : "");
    free(whole);
    if (!path[0] || strpbrk(path, "\"*?[")) {
      return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                           "ssh_config = %s: ssh cannot read a file of this name for its hops", file);
    }
  }
  for (char *at = path; *at; at++) {
    *at = *at == '\\' ? '/' : *at;
  }
  (void)snprintf(lines, size, "%sInclude \"%s\"\n", file ? "" : "Include ~/.ssh/config\n", path);
  return 0;
}

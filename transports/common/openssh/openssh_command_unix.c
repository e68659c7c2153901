/* SPDX-License-Identifier: MIT */
/* How ssh is started as a master that lends its session, behind a guard (openssh_folder.h). */
#include <stdlib.h>
#include <strings.h>

#include "common/openssh/openssh_command.h"
#include "common/ssh/config/ssh_files.h"
#include "common/ssh/hostkey/known_hosts.h"

enum { VERSION_HOSTS_COMMAND = 805 /* KnownHostsCommand */ };

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* The effective value of a keyword; "" if there is none. */
static const char *effective(const openssh_plan *plan, const char *keyword) {
  const ssh_config_line *line = ssh_config_get(plan->lines, keyword);
  return line ? line->value : "";
}

static void add_path(openssh_command *command, const openssh_plan *plan, const char *flag, const char *name) {
  char path[OPENSSH_PATH_SIZE];
  openssh_folder_path(plan->folder, name, path);
  openssh_command_add(command, flag);
  openssh_command_add(command, path);
}

void openssh_command_begin(openssh_command *command, const openssh_plan *plan) {
  openssh_command_add(command, "/bin/sh");
  openssh_command_add(command, "-c");
  openssh_command_add(command, openssh_guard);
  openssh_command_add(command, plan->folder->path);
  openssh_command_add(command, "ssh");
  openssh_command_add(command, "-v");
  openssh_command_add(command, "-M");
  openssh_command_add(command, "-N");
  add_path(command, plan, "-S", "control");
  add_path(command, plan, "-E", "log");
  openssh_command_add_option(command, "ControlPersist=no");
}

int openssh_command_include(const openssh_plan *plan, const char *file, char *lines, size_t size,
                            penstock_error *error) {
  char path[OPENSSH_PATH_SIZE];
  lines[0] = '\0';
  if (!file) {
    (void)snprintf(lines, size, "Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n");
  } else if (strcasecmp(file, "none") != 0) {
    /* By a name of ours: Include has patterns, tokens and quotes, and counts from ~/.ssh, where -F takes any path. */
    openssh_folder_path(plan->folder, "given", path);
    if (openssh_folder_link(plan->folder, "given", file, error)) {
      return PENSTOCK_E_FAILED;
    }
    (void)snprintf(lines, size, "Include %s\n", path);
  }
  return 0;
}

/* A pin says which key, and not that it is still good: as for the transport ssh, one that is revoked is refused. */
static int check_revoked(const openssh_plan *plan, penstock_error *error) {
  const char *alias = effective(plan, "hostkeyalias");
  int has_alias = alias[0] && strcmp(alias, "none") != 0;
  const char *name = has_alias ? alias : effective(plan, "hostname");
  unsigned long port = has_alias ? 22 : strtoul(effective(plan, "port"), NULL, 10);
  ssh_texts files = {0};
  known_hosts known = {0};
  int result = ssh_files_split(&files, effective(plan, "userknownhostsfile")) ||
                       ssh_files_split(&files, effective(plan, "globalknownhostsfile"))
                   ? out_of_memory(error)
                   : known_hosts_load(&known, (const char *const *)files.items, name, (uint16_t)port, error);
  for (size_t i = 0; i < known.count && !result; i++) {
    const known_hosts_entry *each = &known.entries[i];
    if (each->marker == KNOWN_HOSTS_REVOKED && strcmp(each->fingerprint, plan->extra->fingerprint) == 0) {
      result = penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY,
                             "the pinned key of %s is revoked: %s (@revoked in %s:%u)", name, each->fingerprint,
                             each->file, each->line);
      penstock_next(error, "The key was withdrawn, perhaps because it was stolen: ask the host's administrator for the "
                           "new one");
    }
  }
  known_hosts_unload(&known);
  ssh_texts_clear(&files);
  return result;
}

int openssh_command_add_pin(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
  char path[OPENSSH_PATH_SIZE];
  char text[400];
  if (plan->version < VERSION_HOSTS_COMMAND) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "host_key_fingerprint needs an OpenSSH client of version 8.5 or later; this is %d.%d",
                        plan->version / 100, plan->version % 100);
    penstock_next(error, "Put the host's key into known_hosts instead (penstock trust %s)", plan->config->profile);
    return PENSTOCK_E_FAILED;
  }
  if (check_revoked(plan, error)) {
    return PENSTOCK_E_FAILED;
  }
  /* Its arguments are the fingerprint, name, type and key of what the host shows. The pin was checked to be base64. */
  (void)snprintf(text, sizeof(text), "[ \"$1\" = '%s' ] && printf '%%s %%s %%s\\n' \"$2\" \"$3\" \"$4\"\nexit 0\n",
                 plan->extra->fingerprint);
  if (openssh_folder_write(plan->folder, "pin", text, error)) {
    return PENSTOCK_E_FAILED;
  }
  openssh_folder_path(plan->folder, "pin", path);
  (void)snprintf(text, sizeof(text), "KnownHostsCommand=/bin/sh %s %%f %%H %%t %%K", path);
  openssh_command_add_option(command, text);
  openssh_command_add_option(command, "UserKnownHostsFile=/dev/null");
  openssh_command_add_option(command, "GlobalKnownHostsFile=/dev/null");
  openssh_command_add_option(command, "StrictHostKeyChecking=yes");
  openssh_command_add_option(command, "VerifyHostKeyDNS=no");
  openssh_command_add_option(command, "UpdateHostKeys=no");
  return 0;
}

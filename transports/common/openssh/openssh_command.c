/* SPDX-License-Identifier: MIT */
#include "common/openssh/openssh_command.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "common/ssh/config/ssh_files.h"
#include "common/ssh/config/ssh_jump.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/hostkey/known_hosts.h"

enum {
  VERSION_PREFIX_SIGN = 801,   /* "Ciphers=^…" puts some in front */
  VERSION_HOSTS_COMMAND = 805, /* KnownHostsCommand */
  VERSION_NO_FORK = 807,       /* ForkAfterAuthentication */
  HOPS_MAX = 8,                /* as the transport ssh has it */
  ALIVE_COUNT = 2              /* the third interval of silence is the last one */
};

int openssh_version(const char *words) {
  const char *text = strstr(words, "OpenSSH_");
  char *end = NULL;
  if (!text) {
    return 0;
  }
  long major = strtol(text + 8, &end, 10);
  long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
  return major > 0 && major < 1000 && minor >= 0 && minor < 100 ? (int)(100 * major + minor) : 0;
}

void openssh_command_clear(openssh_command *command) {
  for (size_t i = 0; i < command->count; i++) {
    free(command->argv[i]);
  }
  free(command->argv);
  memset(command, 0, sizeof(*command));
}

static void add(openssh_command *command, const char *word) {
  char **grown = realloc(command->argv, (command->count + 2) * sizeof(*grown));
  char *copy = grown ? strdup(word) : NULL;
  command->argv = grown ? grown : command->argv;
  if (!copy) {
    command->failed = 1;
    return;
  }
  command->argv[command->count++] = copy;
  command->argv[command->count] = NULL;
}

static void add_option(openssh_command *command, const char *option) {
  add(command, "-o");
  add(command, option);
}

static void add_number(openssh_command *command, const char *keyword, uint64_t value) {
  char option[64];
  (void)snprintf(option, sizeof(option), "%s=%llu", keyword, (unsigned long long)value);
  add_option(command, option);
}

/* The effective value of a keyword; "" if there is none. */
static const char *effective(const openssh_plan *plan, const char *keyword) {
  const ssh_config_line *line = ssh_config_get(plan->lines, keyword);
  return line ? line->value : "";
}

static int is_set(const openssh_plan *plan, const char *keyword) {
  const ssh_config_line *line = ssh_config_get(plan->lines, keyword);
  return line && line->is_set;
}

int openssh_has_jump(const ssh_config *lines) {
  const ssh_config_line *line = ssh_config_get(lines, "proxyjump");
  return line && line->value[0] != '\0' && strcmp(line->value, "none") != 0;
}

/* --- what must hold -------------------------------------------------------------------------------- */

static void add_master(openssh_command *command, const openssh_plan *plan) {
  char path[OPENSSH_PATH_SIZE];
  add(command, "-v");
  add(command, "-M");
  add(command, "-N");
  openssh_folder_path(plan->folder, "control", path);
  add(command, "-S");
  add(command, path);
  openssh_folder_path(plan->folder, "log", path);
  add(command, "-E");
  add(command, path);
  add_option(command, "ControlPersist=no");
  add_option(command, "ClearAllForwardings=yes");
  add_option(command, "ForwardAgent=no");
  add_option(command, "ForwardX11=no");
  add_option(command, "Tunnel=no");
  add_option(command, "PermitLocalCommand=no");
  add_option(command, "RemoteCommand=none");
  add_option(command, "RequestTTY=no");
  if (plan->version >= VERSION_NO_FORK) {
    add_option(command, "ForkAfterAuthentication=no");
  }
}

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

/* --- who may log in how ---------------------------------------------------------------------------- */

static int check_method(const openssh_plan *plan, const char *method, penstock_error *error) {
  static const char *const known[] = {"publickey", "keyboard-interactive", "gssapi-with-mic", "hostbased"};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (strcmp(method, known[i]) == 0) {
      return 0;
    }
  }
  const char *place = plan->config->get_origin(plan->config, "auth");
  int is_password = strcmp(method, "password") == 0;
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%sauth = %s: %s", place ? place : "",
                      place ? ": " : "", method,
                      is_password ? "penstock never sends a password" : "no way to log in that ssh knows");
  penstock_next(error, is_password ? "Use a key (`ssh-copy-id` puts it on the host), or keyboard-interactive"
                                   : "It can be publickey, keyboard-interactive, gssapi-with-mic or hostbased");
  return PENSTOCK_E_FAILED;
}

int openssh_may_ask(const ssh_settings *extra) {
  for (size_t i = 0; i < extra->methods.count; i++) {
    if (strcmp(extra->methods.items[i], "keyboard-interactive") == 0) {
      return 1;
    }
  }
  return 0;
}

static int add_auth(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
  char list[200] = "PreferredAuthentications=";
  for (size_t i = 0; i < plan->extra->methods.count; i++) {
    const char *method = plan->extra->methods.items[i];
    if (check_method(plan, method, error)) {
      return PENSTOCK_E_FAILED;
    }
    size_t used = strlen(list);
    (void)snprintf(list + used, sizeof(list) - used, "%s%s", i ? "," : "", method);
    if (strcmp(method, "gssapi-with-mic") == 0) {
      add_option(command, "GSSAPIAuthentication=yes");
    } else if (strcmp(method, "hostbased") == 0) {
      add_option(command, "HostbasedAuthentication=yes");
    }
  }
  if (plan->extra->methods.count > 0) {
    add_option(command, list);
  }
  add_option(command, "PasswordAuthentication=no");
  add_option(command,
             openssh_may_ask(plan->extra) ? "KbdInteractiveAuthentication=yes" : "KbdInteractiveAuthentication=no");
  if (plan->config->get_item(plan->config, "key", 0) &&
      plan->config->get_int(plan->config, "identities_only", -1) < 0) {
    add_option(command, "IdentitiesOnly=yes");
  }
  return 0;
}

/* --- who the host must be -------------------------------------------------------------------------- */

/* A forwarded port makes any machine a localhost. */
static const char check_localhost[] = "NoHostAuthenticationForLocalhost=no";

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

static int add_pin(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
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
  add_option(command, text);
  add_option(command, "UserKnownHostsFile=/dev/null");
  add_option(command, "GlobalKnownHostsFile=/dev/null");
  add_option(command, "StrictHostKeyChecking=yes");
  add_option(command, "VerifyHostKeyDNS=no");
  add_option(command, "UpdateHostKeys=no");
  return 0;
}

/* Would ssh take a changed key too? */
static int takes_any_key(const ssh_config *lines) {
  const ssh_config_line *line = ssh_config_get(lines, "stricthostkeychecking");
  return line &&
         (strcmp(line->value, "no") == 0 || strcmp(line->value, "off") == 0 || strcmp(line->value, "false") == 0);
}

static void warn_of_policy(const openssh_plan *plan, const char *host) {
  penstock_logf(plan->host, PENSTOCK_LOG_WARN,
                "StrictHostKeyChecking no (for %s) is taken as accept-new: a new host is trusted, a changed key is "
                "refused",
                host);
}

/* As for the transport ssh: nobody is asked, and a changed key is refused whatever ssh_config says. */
static int add_trust(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
  const char *policy = effective(plan, "stricthostkeychecking");
  add_option(command, check_localhost); /* else not even a pin would hold there */
  if (plan->extra->fingerprint) {
    return add_pin(command, plan, error);
  }
  if (takes_any_key(plan->lines)) {
    warn_of_policy(plan, plan->request->host);
    add_option(command, "StrictHostKeyChecking=accept-new");
  } else if (strcmp(policy, "accept-new") != 0) {
    add_option(command, "StrictHostKeyChecking=yes");
  }
  return 0;
}

/* --- what holds for hops too ----------------------------------------------------------------------- */

/* Text that is put together in a fixed room. */
typedef struct page {
  char text[8192];
  size_t used;
  int is_full;
} page;

static void put(page *to, const char *text) {
  size_t length = strlen(text);
  if (length >= sizeof(to->text) - to->used) {
    to->is_full = 1;
    return;
  }
  memcpy(to->text + to->used, text, length + 1);
  to->used += length;
}

static void put_line(page *to, const char *before, const char *text, const char *behind) {
  put(to, before);
  put(to, text);
  put(to, behind);
}

static int put_policies(page *to, const openssh_plan *plan, const char *list, unsigned hops, penstock_error *error);

/* A hop, and those that its own ProxyJump leads over if the list does not say (`rest`). */
static int put_policy(page *to, const openssh_plan *plan, const char *host, const char *rest, unsigned hops,
                      penstock_error *error) {
  ssh_request hop = {0};
  ssh_config lines = {0};
  const char *file = plan->request->config_file;
  int result = ssh_profile_hop_request(&hop, plan->config, error) || ssh_request_set_host(&hop, host, error);
  if (!result && file) {
    free(hop.config_file);
    hop.config_file = strdup(file);
    result = hop.config_file ? 0 : out_of_memory(error);
  }
  if (!result) {
    result = ssh_config_load(&lines, &hop, SSH_CONFIG_SYSTEM, plan->deadline_ms, error);
  }
  if (!result && takes_any_key(&lines)) {
    warn_of_policy(plan, host);
    put_line(to, "Host ", hop.host, "\nStrictHostKeyChecking accept-new\n");
  }
  if (!result && !rest[0] && openssh_has_jump(&lines)) {
    result = put_policies(to, plan, ssh_config_get(&lines, "proxyjump")->value, hops, error);
  }
  ssh_config_unload(&lines);
  ssh_request_clear(&hop);
  return result ? PENSTOCK_E_FAILED : 0;
}

/* Where ssh_config lets a hop show any key: a changed one is refused all the same. `hops` are behind it. */
static int put_policies(page *to, const openssh_plan *plan, const char *list, unsigned hops, penstock_error *error) {
  char *rest = malloc(strlen(list) + 1);
  char *left = strdup(list);
  int result = 0;
  if (!rest || !left) {
    (void)out_of_memory(error);
    result = PENSTOCK_E_FAILED;
  }
  while (!result && left[0] && hops++ < HOPS_MAX) {
    ssh_jump jump;
    result = ssh_jump_last(left, &jump, rest, error);
    if (!result) {
      result = put_policy(to, plan, jump.host, rest, hops, error);
      memcpy(left, rest, strlen(rest) + 1);
    }
  }
  free(rest);
  free(left);
  return result;
}

/*
 * ssh starts another ssh for each hop, and gives it nothing of its own command line but -F. What holds for hops is
 * therefore written into a file that then reads the files that would have been read. Returns 1 if there is one.
 */
static int write_hop_config(const openssh_plan *plan, penstock_error *error) {
  const char *file = plan->request->config_file;
  page made = {.used = 0};
  ssh_request hop = {0};
  if (!openssh_has_jump(plan->lines)) {
    return 0;
  }
  /* A hop is logged in to with a key, as by the transport ssh: what asks the user there could be anybody. */
  put(&made, "PasswordAuthentication no\nKbdInteractiveAuthentication no\n");
  put_line(&made, "", check_localhost, "\n");
  int result = ssh_profile_hop_request(&hop, plan->config, error);
  for (size_t i = 0; i < hop.option_count; i++) {
    put_line(&made, "", hop.options[i], "\n");
  }
  ssh_request_clear(&hop);
  if (!result && !plan->config->get_string(plan->config, "host_key")) {
    result = put_policies(&made, plan, ssh_config_get(plan->lines, "proxyjump")->value, 0, error);
    put(&made, "Host *\n");
  }
  if (result) {
    return PENSTOCK_E_FAILED;
  }
  if (!file) {
    put(&made, "Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n");
  } else if (strcasecmp(file, "none") != 0) {
    /* By a name of ours: Include has patterns, tokens and quotes, and counts from ~/.ssh, where -F takes any path. */
    char path[OPENSSH_PATH_SIZE];
    openssh_folder_path(plan->folder, "given", path);
    if (openssh_folder_link(plan->folder, "given", file, error)) {
      return PENSTOCK_E_FAILED;
    }
    put_line(&made, "Include ", path, "\n");
  }
  if (made.is_full) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                         "the options of profile '%s' are too long for its hops", plan->config->profile);
  }
  return openssh_folder_write(plan->folder, "config", made.text, error) ? PENSTOCK_E_FAILED : 1;
}

static int add_config(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
  char path[OPENSSH_PATH_SIZE];
  int has_own = write_hop_config(plan, error);
  if (has_own < 0) {
    return has_own;
  }
  openssh_folder_path(plan->folder, "config", path);
  if (has_own || plan->request->config_file) {
    add(command, "-F");
    add(command, has_own ? path : plan->request->config_file);
  }
  return 0;
}

/* --- defaults -------------------------------------------------------------------------------------- */

static void add_defaults(openssh_command *command, const openssh_plan *plan) {
  uint64_t alive_ms = plan->extra->keepalive_ms;
  if (alive_ms > 0 || !is_set(plan, "serveraliveinterval")) {
    alive_ms = alive_ms > 0 ? alive_ms : 5000;
    add_number(command, "ServerAliveInterval", (alive_ms + 999) / 1000);
    add_number(command, "ServerAliveCountMax", ALIVE_COUNT);
  }
  if (!is_set(plan, "connecttimeout")) {
    add_number(command, "ConnectTimeout", plan->deadline_ms / 1000 + 1);
  }
  if (!is_set(plan, "ciphers") && plan->version >= VERSION_PREFIX_SIGN && cpu_has_aes()) {
    add_option(command, "Ciphers=^aes128-gcm@openssh.com,aes256-gcm@openssh.com");
  }
}

int openssh_command_make(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
  memset(command, 0, sizeof(*command));
  add(command, "/bin/sh");
  add(command, "-c");
  add(command, openssh_guard);
  add(command, plan->folder->path);
  add(command, "ssh");
  add_master(command, plan);
  int result = add_config(command, plan, error);
  result = result ? result : add_auth(command, plan, error);
  result = result ? result : add_trust(command, plan, error);
  add_defaults(command, plan);
  for (size_t i = 0; i < plan->request->option_count; i++) {
    add_option(command, plan->request->options[i]);
  }
  add(command, "--");
  add(command, plan->request->host);
  if (result == 0 && command->failed) {
    result = out_of_memory(error);
  }
  if (result) {
    openssh_command_clear(command);
  }
  return result;
}

/* SPDX-License-Identifier: MIT */
#include "common/openssh/openssh_command.h"

#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_jump.h"
#include "common/ssh/config/ssh_profile.h"

enum {
  VERSION_PREFIX_SIGN = 801, /* "Ciphers=^…" puts some in front */
  VERSION_NO_FORK = 807,     /* ForkAfterAuthentication */
  HOPS_MAX = 8,              /* as the transport ssh has it */
  ALIVE_COUNT = 2            /* the third interval of silence is the last one */
};

int openssh_version(const char *words) {
  static const char windows[] = "for_Windows_"; /* "OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2" */
  const char *text = strstr(words, "OpenSSH_");
  char *end = NULL;
  if (!text) {
    return 0;
  }
  text += 8;
  text += strncmp(text, windows, sizeof(windows) - 1) == 0 ? sizeof(windows) - 1 : 0;
  long major = strtol(text, &end, 10);
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

void openssh_command_add(openssh_command *command, const char *word) {
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

void openssh_command_add_option(openssh_command *command, const char *option) {
  openssh_command_add(command, "-o");
  openssh_command_add(command, option);
}

static void add_number(openssh_command *command, const char *keyword, uint64_t value) {
  char option[64];
  (void)snprintf(option, sizeof(option), "%s=%llu", keyword, (unsigned long long)value);
  openssh_command_add_option(command, option);
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

static void add_session(openssh_command *command, const openssh_plan *plan) {
  openssh_command_begin(command, plan);
  openssh_command_add_option(command, "ClearAllForwardings=yes");
  openssh_command_add_option(command, "ForwardAgent=no");
  openssh_command_add_option(command, "ForwardX11=no");
  openssh_command_add_option(command, "Tunnel=no");
  openssh_command_add_option(command, "PermitLocalCommand=no");
  openssh_command_add_option(command, "RemoteCommand=none");
  openssh_command_add_option(command, "RequestTTY=no");
  if (plan->version >= VERSION_NO_FORK) {
    openssh_command_add_option(command, "ForkAfterAuthentication=no");
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
  penstock_next(
      error,
      is_password
          ? "Use a key, whose .pub file's line stands in .ssh/authorized_keys on the host, or keyboard-interactive"
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
      openssh_command_add_option(command, "GSSAPIAuthentication=yes");
    } else if (strcmp(method, "hostbased") == 0) {
      openssh_command_add_option(command, "HostbasedAuthentication=yes");
    }
  }
  if (plan->extra->methods.count > 0) {
    openssh_command_add_option(command, list);
  }
  openssh_command_add_option(command, "PasswordAuthentication=no");
  openssh_command_add_option(command, openssh_may_ask(plan->extra) ? "KbdInteractiveAuthentication=yes"
                                                                   : "KbdInteractiveAuthentication=no");
  if (plan->config->get_item(plan->config, "key", 0) &&
      plan->config->get_int(plan->config, "identities_only", -1) < 0) {
    openssh_command_add_option(command, "IdentitiesOnly=yes");
  }
  return 0;
}

/* --- who the host must be -------------------------------------------------------------------------- */

/* A forwarded port makes any machine a localhost. */
static const char check_localhost[] = "NoHostAuthenticationForLocalhost=no";

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
  openssh_command_add_option(command, check_localhost); /* else not even a pin would hold there */
  if (plan->extra->fingerprint) {
    return openssh_command_add_pin(command, plan, error);
  }
  if (takes_any_key(plan->lines)) {
    warn_of_policy(plan, plan->request->host);
    openssh_command_add_option(command, "StrictHostKeyChecking=accept-new");
  } else if (strcmp(policy, "accept-new") != 0) {
    openssh_command_add_option(command, "StrictHostKeyChecking=yes");
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
  char include[1400];
  if (openssh_command_include(plan, file, include, sizeof(include), error)) {
    return PENSTOCK_E_FAILED;
  }
  put(&made, include);
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
    openssh_command_add(command, "-F");
    openssh_command_add(command, has_own ? path : plan->request->config_file);
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
    openssh_command_add_option(command, "Ciphers=^aes128-gcm@openssh.com,aes256-gcm@openssh.com");
  }
}

int openssh_command_make(openssh_command *command, const openssh_plan *plan, penstock_error *error) {
  memset(command, 0, sizeof(*command));
  add_session(command, plan);
  int result = add_config(command, plan, error);
  result = result ? result : add_auth(command, plan, error);
  result = result ? result : add_trust(command, plan, error);
  add_defaults(command, plan);
  for (size_t i = 0; i < plan->request->option_count; i++) {
    openssh_command_add_option(command, plan->request->options[i]);
  }
  openssh_command_add(command, "--");
  openssh_command_add(command, plan->request->host);
  if (result == 0 && command->failed) {
    result = out_of_memory(error);
  }
  if (result) {
    openssh_command_clear(command);
  }
  return result;
}

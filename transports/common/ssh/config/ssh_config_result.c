/* SPDX-License-Identifier: MIT */
/* From what was written in files of ssh_config to what `ssh -G` prints. */
#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/ssh/config/ssh_config_reader.h"

/* What is looked at when lines are made. */
typedef struct result {
  const ssh_reader *reader;
  ssh_config *config;
  ssh_tokens tokens;
  char *jump; /* what tokens.jump is cut out of */
} result;

static int is_none(const char *value) {
  return strcasecmp(value, "none") == 0;
}

static int is_one_of(const char *keyword, const char *const *keywords) {
  for (; *keywords; keywords++) {
    if (strcmp(keyword, *keywords) == 0) {
      return 1;
    }
  }
  return 0;
}

static int add_line(const result *to, const char *keyword, const char *value, int is_set) {
  return ssh_config_add(to->config, keyword, value, is_set) ? ssh_reader_out_of_memory(to->reader) : 0;
}

/* --- the host's name ------------------------------------------------------------------------------ */

/* Names in lower case, addresses in the form that the system prints. The caller frees it. */
static char *canonical_name(const char *name) {
  char address[1025];
  struct addrinfo *found = NULL;
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  int is_address = getaddrinfo(name, "22", &hints, &found) == 0;
  int is_printed = is_address && getnameinfo(found->ai_addr, (socklen_t)found->ai_addrlen, address, sizeof(address),
                                             NULL, 0, NI_NUMERICHOST) == 0;
  if (is_address) {
    freeaddrinfo(found);
  }
  char *copy = strdup(is_printed ? address : name);
  for (char *c = copy; c && *c && !is_address; c++) {
    *c = (char)tolower((unsigned char)*c);
  }
  return copy;
}

/* Looking names up while reading, and reading again with what was found, is left to ssh. */
static int check_canonical(const ssh_reader *reader) {
  const char *canonicalize = ssh_reader_value(reader, "canonicalizehostname");
  const char *cnames = ssh_reader_value(reader, "canonicalizepermittedcnames");
  int asks = canonicalize && strcmp(canonicalize, "false") != 0;
  if (!asks && (!cnames || is_none(cnames))) {
    return 0;
  }
  (void)penstock_fail(reader->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "ssh_config says %s for %s: only an ssh client can do that",
                      asks ? "CanonicalizeHostname" : "CanonicalizePermittedCNAMEs", reader->request->host);
  penstock_next(reader->error,
                "Install an OpenSSH client (package openssh-client): penstock then asks `ssh -G`; or "
                "set ssh_options = \"%s\" and write the full host name",
                asks ? "CanonicalizeHostname=no" : "CanonicalizePermittedCNAMEs=none");
  return PENSTOCK_E_FAILED;
}

/* --- values that ssh changes before it prints them ------------------------------------------------ */

/* `~`, tokens and variables replaced. The caller frees it. */
static char *expand(const result *to, const char *value, int is_path) {
  char *path = is_path ? ssh_local_path(&to->reader->local, value, to->reader->error) : strdup(value);
  char *expanded = path ? ssh_tokens_expand(&to->tokens, path, SSH_TOKENS_ALL, is_path, to->reader->error) : NULL;
  free(path);
  return expanded;
}

/* One value as it is printed. The caller frees it; NULL with the reader's error. */
static char *printed(const result *to, const char *keyword, const char *value) {
  static const char *const paths[] = {"controlpath", "identityagent", "userknownhostsfile", NULL};
  if (is_one_of(keyword, paths) && !is_none(value)) {
    return expand(to, value, 1);
  }
  if (strcmp(keyword, "forwardagent") == 0 && strpbrk(value, "/$~")) {
    return expand(to, value, 1);
  }
  if (strcmp(keyword, "remotecommand") == 0) {
    return expand(to, value, 0);
  }
  char *copy = strdup(value);
  if (!copy) {
    (void)ssh_reader_out_of_memory(to->reader);
  }
  return copy;
}

/* --- lines ---------------------------------------------------------------------------------------- */

/* `none` takes the line away. */
static int is_unset_by_none(const ssh_syntax *syntax, const ssh_words *values) {
  static const char *const keywords[] = {
      "localcommand",   "remotecommand",       "proxycommand",    "proxyjump",         "controlpath",
      "pkcs11provider", "securitykeyprovider", "revokedhostkeys", "knownhostscommand", NULL};
  return values->count > 0 && is_none(values->items[0]) && is_one_of(syntax->keyword, keywords);
}

/* The values of a keyword on one line. The caller frees it. */
static char *joined(const ssh_words *values) {
  size_t size = 1;
  size_t used = 0;
  for (size_t i = 0; i < values->count; i++) {
    size += strlen(values->items[i]) + 1;
  }
  char *line = calloc(1, size);
  for (size_t i = 0; line && i < values->count; i++) {
    used += (size_t)snprintf(line + used, size - used, "%s%s", i ? " " : "", values->items[i]);
  }
  return line;
}

/* Are these the values that hold if nothing is written? The system's ssh cannot tell them from written ones either. */
static int are_default(const ssh_syntax *syntax, const ssh_words *values) {
  const char *at = syntax->otherwise;
  for (size_t i = 0; at && i < values->count; i++) {
    size_t length = strcspn(at, "\n");
    if (strlen(values->items[i]) != length || strncmp(values->items[i], at, length) != 0) {
      return 0;
    }
    at = at[length] ? at + length + 1 : i + 1 == values->count ? "" : NULL;
  }
  return at && at[0] == '\0';
}

/* The lines of a keyword that is set. */
static int add_values(const result *to, const ssh_syntax *syntax, const ssh_words *values) {
  ssh_words lines = {0};
  int code = 0;
  for (size_t i = 0; i < values->count && code == 0; i++) {
    char *line = printed(to, syntax->keyword, values->items[i]);
    code = !line                                       ? PENSTOCK_E_FAILED
           : ssh_words_add(&lines, line, strlen(line)) ? ssh_reader_out_of_memory(to->reader)
                                                       : 0;
    free(line);
  }
  if (code == 0 && syntax->repeat == SSH_SYNTAX_LINE) {
    char *line = joined(&lines);
    ssh_words_clear(&lines);
    code = !line || ssh_words_add(&lines, line, strlen(line)) ? ssh_reader_out_of_memory(to->reader) : 0;
    free(line);
  }
  int is_set = code == 0 && !are_default(syntax, &lines);
  for (size_t i = 0; i < lines.count && code == 0; i++) {
    code = add_line(to, syntax->keyword, lines.items[i], is_set);
  }
  ssh_words_clear(&lines);
  return code;
}

/* The lines of a keyword that nobody has set. */
static int add_defaults(const result *to, const ssh_syntax *syntax) {
  char value[128];
  int code = 0;
  for (const char *at = syntax->otherwise; at && code == 0; at = at[strcspn(at, "\n")] ? strchr(at, '\n') + 1 : NULL) {
    (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
    code = add_line(to, syntax->keyword, value, 0);
  }
  return code;
}

/* The keywords whose defaults depend on others. Returns 1 if this is none of them. */
static int add_special(const result *to, const ssh_syntax *syntax, const ssh_words *values) {
  const ssh_reader *reader = to->reader;
  if (strcmp(syntax->keyword, "user") == 0) {
    return add_line(to, "user", to->tokens.user, strcmp(to->tokens.user, reader->local.user) != 0);
  }
  if (strcmp(syntax->keyword, "hostname") == 0) {
    char *otherwise = canonical_name(reader->request->host);
    int code = otherwise ? add_line(to, "hostname", to->tokens.host, strcmp(to->tokens.host, otherwise) != 0)
                         : ssh_reader_out_of_memory(reader);
    free(otherwise);
    return code;
  }
  if (strcmp(syntax->keyword, "userknownhostsfile") == 0 && values->count == 0) {
    char files[2 * sizeof(reader->local.home) + 64];
    (void)snprintf(files, sizeof(files), "%s/.ssh/known_hosts %s/.ssh/known_hosts2", reader->local.home,
                   reader->local.home);
    return add_line(to, "userknownhostsfile", files, 0);
  }
  if (strcmp(syntax->keyword, "updatehostkeys") == 0 && values->count == 0) {
    const char *dns = ssh_reader_value(reader, "verifyhostkeydns");
    const char *file = ssh_reader_value(reader, "userknownhostsfile");
    int is_on = (!dns || strcmp(dns, "false") == 0) && (!file || strcmp(file, "~/.ssh/known_hosts") == 0);
    return add_line(to, "updatehostkeys", is_on ? "true" : "false", !is_on);
  }
  return 1;
}

/* The host that is asked to pass us on: the last one of ProxyJump. It must not be the host itself. */
static int find_jump(result *to) {
  const char *value = ssh_reader_value(to->reader, "proxyjump");
  ssh_jump_host jump = {0};
  if (!value || is_none(value)) {
    return 0;
  }
  const char *comma = strrchr(value, ',');
  to->jump = strdup(comma ? comma + 1 : value);
  if (!to->jump) {
    return ssh_reader_out_of_memory(to->reader);
  }
  (void)ssh_jump_host_read(&jump, to->jump); /* it has been read before */
  to->tokens.jump = jump.host;
  if (strcmp(jump.host, to->tokens.host) != 0 || (jump.port ? jump.port : 22) != to->tokens.port ||
      (jump.user && strcmp(jump.user, to->tokens.user) != 0)) {
    return 0;
  }
  (void)penstock_fail(to->reader->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "ProxyJump of %s goes through %s itself", to->reader->request->host, jump.host);
  penstock_next(to->reader->error, "Write ProxyJump below a Host line that leaves %s out: Host !%s *", jump.host,
                jump.host);
  return PENSTOCK_E_FAILED;
}

/* The name of a forwarding, which ClearAllForwardings takes away. */
static int is_forwarding(const char *keyword) {
  static const char *const keywords[] = {"localforward", "remoteforward", "dynamicforward", "tunnel", NULL};
  return is_one_of(keyword, keywords);
}

static int add_keyword(const result *to, const ssh_syntax *syntax) {
  const char *clear = ssh_reader_value(to->reader, "clearallforwardings");
  const ssh_words *values = &to->reader->values[syntax - ssh_syntax_table];
  if (is_unset_by_none(syntax, values)) {
    return 0;
  }
  int code = add_special(to, syntax, values);
  if (code != 1) {
    return code;
  }
  int is_cleared = clear && strcmp(clear, "yes") == 0 && is_forwarding(syntax->keyword);
  return values->count == 0 || is_cleared ? add_defaults(to, syntax) : add_values(to, syntax, values);
}

int ssh_reader_result(ssh_reader *reader, ssh_config *config) {
  result to = {.reader = reader, .config = config};
  char *written = ssh_reader_host_name(reader);
  char *host = written ? canonical_name(reader->is_final ? reader->host : written) : NULL;
  int code = written && !host ? ssh_reader_out_of_memory(reader) : host ? 0 : PENSTOCK_E_FAILED;
  if (code == 0) {
    to.tokens = ssh_reader_tokens(reader, host);
    code =
        check_canonical(reader) || find_jump(&to) ? PENSTOCK_E_FAILED : add_line(&to, "host", reader->request->host, 0);
  }
  for (size_t i = 0; i < ssh_syntax_count && code == 0; i++) {
    code = add_keyword(&to, &ssh_syntax_table[i]);
  }
  (void)snprintf(config->source, sizeof(config->source), "penstock's own reader of ssh_config (there is no ssh here)");
  free(to.jump);
  free(host);
  free(written);
  return code;
}

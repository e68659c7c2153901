/* SPDX-License-Identifier: MIT */
/*
 * Prints what ssh_config comes to for some hosts, for tests/integration/test_ssh_config.py:
 *
 *   ssh_settings_dump system|reader|any [-F FILE] [-o Keyword=value]... HOST...
 *
 * For each host: a line "@HOST"; the lines of `ssh -G`, as "set KEYWORD VALUE" if somebody wrote them and "not KEYWORD
 * VALUE" if not; what penstock makes of them, in the same words, as "use KEYWORD VALUE". Or "error WHAT" and "next
 * WHAT" if they are refused. Warnings stand between as "warning TEXT".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/config/ssh_settings.h"

enum { DEADLINE_MS = 30000 };

/* A profile in which nothing is set. */
static const char *no_text(const penstock_config *config, const char *key) {
  (void)config;
  (void)key;
  return NULL;
}

static const char *no_item(const penstock_config *config, const char *key, uint32_t index) {
  (void)config;
  (void)key;
  (void)index;
  return NULL;
}

static int64_t no_number(const penstock_config *config, const char *key, int64_t otherwise) {
  (void)config;
  (void)key;
  return otherwise;
}

static const penstock_config empty_profile = {.struct_size = sizeof(empty_profile),
                                              .profile = "dump",
                                              .get_string = no_text,
                                              .get_int = no_number,
                                              .get_item = no_item,
                                              .get_origin = no_text};

static void log_warning(const penstock_host *host, uint32_t level, const char *text) {
  (void)host;
  if (level <= PENSTOCK_LOG_WARN) {
    (void)printf("warning %s\n", text);
  }
}

static const penstock_host host_table = {.struct_size = sizeof(host_table), .version = "test", .log = log_warning};

static void print_lines(const ssh_config *config) {
  for (size_t i = 0; i < config->count; i++) {
    const ssh_config_line *line = &config->lines[i];
    (void)printf("%s %s %s\n", line->is_set ? "set" : "not", line->keyword, line->value);
  }
}

static void print_text(const char *keyword, const char *value) {
  if (value) {
    (void)printf("use %s %s\n", keyword, value);
  }
}

static void print_number(const char *keyword, uint64_t value) {
  (void)printf("use %s %" PRIu64 "\n", keyword, value);
}

static void print_texts(const char *keyword, const ssh_texts *texts) {
  for (size_t i = 0; i < texts->count; i++) {
    (void)printf("use %s %s\n", keyword, texts->items[i]);
  }
}

static void print_settings(const ssh_settings *settings) {
  print_text("host", settings->alias);
  print_text("hostname", settings->host);
  print_number("port", settings->port);
  print_text("user", settings->user);
  print_number("loglevel", (uint64_t)settings->log_level);
  print_text("proxyjump", settings->jump);
  print_text("proxycommand", settings->proxy_command);
  print_number("addressfamily", (uint64_t)settings->family);
  print_text("bindaddress", settings->bind_address);
  print_text("bindinterface", settings->bind_interface);
  print_number("tcpkeepalive", (uint64_t)settings->tcp_keepalive);
  print_number("connecttimeout_ms", settings->connect_timeout_ms);
  print_number("connectionattempts", settings->connect_attempts);
  print_text("ciphers", settings->ciphers);
  print_text("macs", settings->macs);
  print_text("kexalgorithms", settings->kex);
  print_text("hostkeyalgorithms", settings->host_key_algorithms);
  print_text("pubkeyacceptedalgorithms", settings->pubkey_algorithms);
  print_number("compression", (uint64_t)settings->compression);
  print_number("rekey_bytes", settings->rekey_bytes);
  print_number("rekey_seconds", settings->rekey_seconds);
  print_number("requiredrsasize", settings->rsa_min_bits);
  print_text("stricthostkeychecking", settings->host_key == SSH_HOST_KEY_STRICT ? "strict" : "accept-new");
  print_text("hostkeyalias", settings->host_key_alias);
  print_texts("knownhostsfile", &settings->known_hosts);
  print_number("hashknownhosts", (uint64_t)settings->hash_known_hosts);
  print_texts("identityfile", &settings->keys);
  print_number("keys_are_default", (uint64_t)settings->keys_are_default);
  print_texts("certificatefile", &settings->certificates);
  print_text("identityagent", settings->agent_socket);
  print_number("identitiesonly", (uint64_t)settings->identities_only);
  print_number("batchmode", (uint64_t)settings->batch_mode);
  print_texts("method", &settings->methods);
  print_number("serveraliveinterval_ms", settings->keepalive_ms);
  print_number("serveralivecountmax", settings->keepalive_count);
  print_texts("environment", &settings->environment);
}

static int usage(void) {
  (void)fprintf(stderr, "usage: ssh_settings_dump system|reader|any [-F FILE] [-o Keyword=value]... HOST...\n");
  return 2;
}

static int read_arguments(ssh_request *request, int count, char **arguments) {
  int letter = 0;
  while ((letter = getopt(count, arguments, "F:o:")) != -1) {
    if (letter == 'F') {
      request->config_file = optarg;
    } else if (letter == 'o') {
      request->options[request->option_count++] = optarg;
    } else {
      return PENSTOCK_E_INVALID;
    }
  }
  return optind < count ? 0 : PENSTOCK_E_INVALID;
}

static void dump(const ssh_request *request, ssh_config_origin origin) {
  penstock_error error = {.struct_size = sizeof(error)};
  ssh_config config;
  ssh_settings settings = {0};
  (void)printf("@%s\n", request->host);
  int result = ssh_config_load(&config, request, origin, DEADLINE_MS, &error);
  if (result == 0) {
    print_lines(&config);
    result = ssh_settings_apply(&settings, &config, request, &empty_profile, &host_table, 0, &error);
    ssh_config_unload(&config);
    if (result == 0) {
      print_settings(&settings);
      ssh_settings_clear(&settings);
    }
  }
  if (result) {
    (void)printf("error %s\nnext %s\n", error.what, error.next);
  }
}

int main(int count, char **arguments) {
  ssh_request request = {0};
  if (count < 3) {
    return usage();
  }
  ssh_config_origin origin = strcmp(arguments[1], "system") == 0   ? SSH_CONFIG_SYSTEM
                             : strcmp(arguments[1], "reader") == 0 ? SSH_CONFIG_READER
                                                                   : SSH_CONFIG_ANY;
  request.options = calloc((size_t)count, sizeof(*request.options));
  int code = request.options && read_arguments(&request, count - 1, arguments + 1) == 0 ? 0 : usage();
  for (int i = optind + 1; i < count && code == 0; i++) {
    request.host = arguments[i];
    dump(&request, origin);
  }
  free(request.options);
  return code;
}

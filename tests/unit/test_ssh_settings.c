/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/config/ssh_profile.h"

enum { KEYS_MAX = 16 };

/* A profile: pairs of key and text; an item of a list is a pair of its own. */
typedef struct pair {
  const char *key;
  const char *value;
} pair;

static const pair *profile;

static const char *get_item(const penstock_config *config, const char *key, uint32_t index) {
  (void)config;
  for (const pair *each = profile; each->key; each++) {
    if (strcmp(each->key, key) == 0 && index-- == 0) {
      return each->value;
    }
  }
  return NULL;
}

static const char *get_string(const penstock_config *config, const char *key) {
  return get_item(config, key, 0);
}

static int64_t get_int(const penstock_config *config, const char *key, int64_t otherwise) {
  const char *value = get_item(config, key, 0);
  return value ? strtoll(value, NULL, 10) : otherwise;
}

static const char *get_origin(const penstock_config *config, const char *key) {
  (void)config;
  (void)key;
  return "penstock.ini:7";
}

static const penstock_config config = {
    .struct_size = sizeof(config),
    .profile = "lab",
    .get_string = get_string,
    .get_int = get_int,
    .get_item = get_item,
    .get_origin = get_origin,
};

static int read_profile(ssh_settings *settings, penstock_error *error) {
  ssh_request request = {0};
  int result = ssh_profile_check_methods(&config, error) || ssh_profile_request(&request, &config, NULL, error);
  if (!result) {
    result = ssh_settings_resolve(settings, &request, &config, NULL, 0, 10000, error);
  }
  ssh_request_clear(&request);
  return result;
}

static void read_good(const pair *pairs, ssh_settings *settings) {
  penstock_error error = {.struct_size = sizeof(error)};
  profile = pairs;
  int result = read_profile(settings, &error);
  if (result) {
    fail_msg("%s", error.what);
    abort(); /* is not reached, but clang-tidy does not know */
  }
}

/* The profile must be refused, with words that hold `expected`. */
static void assert_refused(const pair *pairs, const char *expected) {
  ssh_settings settings;
  penstock_error error = {.struct_size = sizeof(error)};
  profile = pairs;
  assert_int_not_equal(read_profile(&settings, &error), 0);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  if (!strstr(error.what, expected)) {
    fail_msg("\"%s\" does not say \"%s\"", error.what, expected);
  }
}

static int set_environment(void **state) {
  (void)state;
  return setenv("HOME", "/home/alice", 1) || unsetenv("SSH_AUTH_SOCK");
}

static void test_defaults(void **state) {
  static const pair pairs[] = {{"host", "gpu01"}, {"ssh_config", "none"}, {NULL, NULL}};
  ssh_settings settings;
  (void)state;
  read_good(pairs, &settings);
  assert_string_equal(settings.profile, "lab");
  assert_string_equal(settings.host, "gpu01");
  assert_int_equal(settings.port, 22);
  assert_true(settings.user[0] != '\0');
  assert_true(settings.keys_are_default);
  assert_true(settings.keys.count >= 3);
  assert_null(settings.agent_socket);
  assert_false(settings.identities_only);
  assert_true(settings.known_hosts.count >= 2);
  assert_int_equal(settings.host_key, SSH_HOST_KEY_STRICT);
  assert_null(settings.fingerprint);
  assert_int_equal(settings.keepalive_ms, 5000);
  assert_false(settings.compression);
  /* Both orders have the same ciphers; which comes first is the processor's choice. */
  assert_ptr_equal(strstr(settings.ciphers, cpu_has_aes() ? "aes128-gcm" : "chacha20"), settings.ciphers);
  ssh_settings_clear(&settings);
}

static void test_everything_set(void **state) {
  static const pair pairs[] = {{"host", "[2001:db8::1]"},
                               {"port", "2222"},
                               {"user", "bob"},
                               {"key", "~/keys/a key"},
                               {"key", "/other"},
                               {"passphrase", "env:PASS"},
                               {"known_hosts", "/kh"},
                               {"host_key", "accept-new"},
                               {"host_key_fingerprint", "SHA256:Z56uhbEZ1Wg/HXvgHaAG04wVBspc/4E9JbhzfiZLm2w="},
                               {"keepalive", "1000"},
                               {"ciphers", "aes256-ctr"},
                               {"ciphers", "aes128-ctr"},
                               {"compression", "1"},
                               {NULL, NULL}};
  ssh_settings settings;
  (void)state;
  assert_int_equal(setenv("SSH_AUTH_SOCK", "/run/agent", 1), 0);
  read_good(pairs, &settings);
  assert_string_equal(settings.host, "2001:db8::1");
  assert_int_equal(settings.port, 2222);
  assert_string_equal(settings.user, "bob");
  assert_int_equal(settings.keys.count, 2);
  assert_string_equal(settings.keys.items[0], "/home/alice/keys/a key");
  assert_string_equal(settings.keys.items[1], "/other");
  assert_false(settings.keys_are_default);
  assert_true(settings.identities_only); /* because key is set */
  assert_string_equal(settings.agent_socket, "/run/agent");
  assert_string_equal(settings.passphrase, "env:PASS");
  assert_string_equal(settings.known_hosts.items[0], "/kh");
  assert_int_equal(settings.host_key, SSH_HOST_KEY_ACCEPT_NEW);
  assert_string_equal(settings.fingerprint, "SHA256:Z56uhbEZ1Wg/HXvgHaAG04wVBspc/4E9JbhzfiZLm2w");
  assert_int_equal(settings.keepalive_ms, 1000);
  assert_string_equal(settings.ciphers, "aes256-ctr,aes128-ctr");
  assert_true(settings.compression);
  ssh_settings_clear(&settings);
}

static void test_agent_is_left_alone(void **state) {
  static const pair pairs[] = {{"host", "gpu01"}, {"agent", "no"}, {"identities_only", "1"}, {NULL, NULL}};
  ssh_settings settings;
  (void)state;
  assert_int_equal(setenv("SSH_AUTH_SOCK", "/run/agent", 1), 0);
  read_good(pairs, &settings);
  assert_null(settings.agent_socket);
  assert_true(settings.identities_only);
  ssh_settings_clear(&settings);
}

static void test_hosts_that_are_none(void **state) {
  static const char *const hosts[] = {
      "", "-oProxyCommand=touch x", "alice@gpu01", "gpu01 gpu02", "gpu01\nx", "a,b", "ssh://gpu01", "*"};
  (void)state;
  for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
    const pair pairs[] = {{"host", hosts[i]}, {NULL, NULL}};
    assert_refused(pairs, "penstock.ini:7: host = ");
  }
}

static void test_users_that_are_none(void **state) {
  static const char *const users[] = {"", "-x", "a b", "a\nb", "$(touch x)", "`id`", "a;b", "a|b", "a&b", "a'b", "a\\"};
  (void)state;
  for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
    const pair pairs[] = {{"host", "gpu01"}, {"user", users[i]}, {NULL, NULL}};
    assert_refused(pairs, "user = ");
  }
  const pair written[] = {{"host", "gpu01"}, {"ssh_options", "User=$(touch x)"}, {NULL, NULL}};
  assert_refused(written, "ssh_options = ");
}

static void test_pins_that_are_none(void **state) {
  static const char *const pins[] = {"",
                                     "SHA256:",
                                     "SHA256:short",
                                     "MD5:aa:bb",
                                     "Z56uhbEZ1Wg/HXvgHaAG04wVBspc/4E9JbhzfiZLm2w",
                                     "SHA256:Z56uhbEZ1Wg/HXvgHaAG04wVBspc/4E9JbhzfiZLm2w!",
                                     "SHA256:Z56uhbEZ1Wg/HXvgHaAG04wVBspc/4E9JbhzfiZLm2wX"};
  (void)state;
  for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
    const pair pairs[] = {{"host", "gpu01"}, {"host_key_fingerprint", pins[i]}, {NULL, NULL}};
    assert_refused(pairs, "host_key_fingerprint = ");
  }
}

static void test_too_many_keys(void **state) {
  pair pairs[KEYS_MAX + 3] = {{"host", "gpu01"}};
  (void)state;
  for (size_t i = 0; i <= KEYS_MAX; i++) {
    pairs[i + 1] = (pair){"key", "/k"};
  }
  assert_refused(pairs, "more than 16 files");
}

/* --- from a file ----------------------------------------------------------------------------------- */

static char file[64];

static int make_file(void **state) {
  (void)snprintf(file, sizeof(file), "/tmp/penstock-settings-XXXXXX");
  int fd = mkstemp(file);
  return set_environment(state) || fd < 0 || close(fd);
}

static int remove_file(void **state) {
  (void)state;
  return unlink(file);
}

static void write_config(const char *text) {
  FILE *config_file = fopen(file, "w");
  assert_non_null(config_file);
  assert_true(fputs(text, config_file) >= 0);
  assert_int_equal(fclose(config_file), 0);
}

/* The settings of a profile that says nothing but where its ssh_config is, and `key` = `value` (NULL = no more). */
static void read_config(const char *text, const char *key, const char *value, ssh_settings *settings) {
  const pair pairs[] = {{"host", "gpu01"}, {"ssh_config", file}, {key, value}, {NULL, NULL}};
  write_config(text);
  read_good(pairs, settings);
}

static void assert_config_refused(const char *text, const char *expected) {
  const pair pairs[] = {{"host", "gpu01"}, {"ssh_config", file}, {NULL, NULL}};
  write_config(text);
  assert_refused(pairs, expected);
}

static void test_signs_of_life(void **state) {
  static const struct {
    const char *text;
    const char *keepalive; /* of the profile */
    uint32_t ms;
    unsigned count;
  } cases[] = {
      {"", NULL, 5000, 3},
      {"ServerAliveInterval 60", NULL, 60000, 3},
      {"ServerAliveInterval 2m\nServerAliveCountMax 5", NULL, 120000, 5},
      {"ServerAliveInterval 0", NULL, 5000, 3},
      {"ServerAliveCountMax 9", NULL, 5000, 3},
      {"BatchMode yes", NULL, 5000, 3}, /* Debian's ssh makes an interval of 300 s of it */
      {"BatchMode yes\nServerAliveInterval 7", NULL, 7000, 3},
      {"ServerAliveInterval 60\nServerAliveCountMax 5", "1000", 1000, 3},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ssh_settings settings;
    read_config(cases[i].text, cases[i].keepalive ? "keepalive" : NULL, cases[i].keepalive, &settings);
    assert_int_equal(settings.keepalive_ms, cases[i].ms);
    assert_int_equal(settings.keepalive_count, cases[i].count);
    ssh_settings_clear(&settings);
  }
}

static void test_ways_to_log_in(void **state) {
  static const struct {
    const char *text;
    const char *refused; /* NULL = publickey is left */
  } cases[] = {
      {"PreferredAuthentications gssapi-with-mic,publickey,password", NULL},
      {"PreferredAuthentications password", "leaves password"},
      {"PreferredAuthentications password,keyboard-interactive", "leaves keyboard-interactive, password"},
      {"PubkeyAuthentication no\nPasswordAuthentication no", "leaves keyboard-interactive"},
      {"PubkeyAuthentication no\nPasswordAuthentication no\nKbdInteractiveAuthentication no", "leaves nothing"},
      {"PreferredAuthentications gssapi-with-mic\nGSSAPIAuthentication yes", "leaves gssapi-with-mic"},
      {"PreferredAuthentications publickeyx", "leaves nothing"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ssh_settings settings;
    if (cases[i].refused) {
      assert_config_refused(cases[i].text, cases[i].refused);
    } else {
      read_config(cases[i].text, NULL, NULL, &settings);
      assert_int_equal(settings.methods.count, 1);
      assert_string_equal(settings.methods.items[0], "publickey");
      ssh_settings_clear(&settings);
    }
    /* The profile's own word holds alone. */
    read_config(cases[i].text, "auth", "keyboard-interactive", &settings);
    assert_int_equal(settings.methods.count, 1);
    assert_string_equal(settings.methods.items[0], "keyboard-interactive");
    ssh_settings_clear(&settings);
  }
}

static void test_a_password_is_never_sent(void **state) {
  static const pair pairs[] = {{"host", "gpu01"}, {"auth", "password"}, {NULL, NULL}};
  (void)state;
  assert_refused(pairs, "auth = password");
}

static void test_keys_of_a_token(void **state) {
  ssh_settings settings;
  (void)state;
  assert_config_refused("PKCS11Provider /usr/lib/p11.so", "PKCS11Provider /usr/lib/p11.so");
  assert_int_equal(setenv("SSH_AUTH_SOCK", "/run/agent", 1), 0);
  read_config("PKCS11Provider /usr/lib/p11.so", NULL, NULL, &settings);
  ssh_settings_clear(&settings);
}

static void test_environment_of_the_launch(void **state) {
  ssh_settings settings;
  (void)state;
  assert_int_equal(setenv("PENSTOCK_A", "a b", 1) | setenv("PENSTOCK_B", "2", 1) | setenv("TERM", "vt100", 1), 0);
  read_config("SendEnv PENSTOCK_? TERM NO_SUCH_*\nSetEnv PENSTOCK_B=3 \"PENSTOCK_C=c d\" TERM=x", NULL, NULL,
              &settings);
  assert_int_equal(settings.environment.count, 3);
  size_t first = settings.environment.items[0][9] == 'A' ? 0 : 1; /* the order is the environment's own */
  assert_string_equal(settings.environment.items[first], "PENSTOCK_A=a b");
  assert_string_equal(settings.environment.items[1 - first], "PENSTOCK_B=3");
  assert_string_equal(settings.environment.items[2], "PENSTOCK_C=c d");
  ssh_settings_clear(&settings);
}

static void test_files_of_known_hosts(void **state) {
  static const char text[] = "UserKnownHostsFile /one /two\nGlobalKnownHostsFile /three";
  ssh_settings settings;
  (void)state;
  read_config(text, NULL, NULL, &settings);
  assert_int_equal(settings.known_hosts.count, 3);
  assert_int_equal(settings.known_hosts_own, 2);
  assert_string_equal(settings.known_hosts_file, "/one");
  assert_string_equal(settings.known_hosts.items[2], "/three");
  ssh_settings_clear(&settings);

  read_config(text, "known_hosts", "/my 100% own", &settings);
  assert_int_equal(settings.known_hosts.count, 2);
  assert_string_equal(settings.known_hosts_file, "/my 100% own");
  assert_string_equal(settings.known_hosts.items[1], "/three");
  ssh_settings_clear(&settings);

  read_config("UserKnownHostsFile none\nGlobalKnownHostsFile /three", NULL, NULL, &settings);
  assert_int_equal(settings.known_hosts.count, 1);
  assert_null(settings.known_hosts_file); /* the system's is not written to */
  ssh_settings_clear(&settings);
}

static void test_tokens_and_names(void **state) {
  ssh_settings settings;
  (void)state;
  assert_int_equal(setenv("PENSTOCK_DIR", "/d", 1), 0);
  read_config("HostName %h.example.com\nUser bob\nPort 2200\nHostKeyAlias cluster\nProxyJump a,alice@[::1]:33\n"
              "IdentityFile ${PENSTOCK_DIR}/%r@%h:%p-%n-%k-%j-%%",
              NULL, NULL, &settings);
  assert_string_equal(settings.host, "gpu01.example.com");
  assert_string_equal(settings.alias, "gpu01");
  assert_string_equal(settings.jump, "a,alice@[::1]:33");
  assert_string_equal(settings.keys.items[0], "/d/bob@gpu01.example.com:2200-gpu01-cluster-::1-%");
  assert_false(settings.keys_are_default);
  ssh_settings_clear(&settings);

  read_config("ProxyCommand nc -x %h:%p -u %r '%n' %%d", "key", "~/50%h", &settings);
  assert_non_null(strstr(settings.proxy_command, "nc -x gpu01:22 -u "));
  assert_non_null(strstr(settings.proxy_command, " 'gpu01' %d"));
  assert_string_equal(settings.keys.items[0], "/home/alice/50%h"); /* the profile's own: a name and nothing else */
  ssh_settings_clear(&settings);
}

static void test_agents(void **state) {
  static const struct {
    const char *text;
    const char *expected;
  } cases[] = {
      {"", "/run/agent"},
      {"IdentityAgent none", NULL},
      {"IdentityAgent SSH_AUTH_SOCK", "/run/agent"},
      {"IdentityAgent $PENSTOCK_AGENT", "/run/other"},
      {"IdentityAgent $PENSTOCK_NO_AGENT", NULL},
      {"IdentityAgent /run/%n", "/run/gpu01"},
  };
  (void)state;
  assert_int_equal(setenv("SSH_AUTH_SOCK", "/run/agent", 1) | setenv("PENSTOCK_AGENT", "/run/other", 1), 0);
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    ssh_settings settings;
    read_config(cases[i].text, NULL, NULL, &settings);
    if (cases[i].expected) {
      assert_string_equal(settings.agent_socket, cases[i].expected);
    } else {
      assert_null(settings.agent_socket);
    }
    ssh_settings_clear(&settings);
  }
}

static void test_values_of_all_kinds(void **state) {
  ssh_settings settings;
  (void)state;
  read_config("AddressFamily inet6\nBindAddress 10.0.0.1\nBindInterface eth1\nTCPKeepAlive no\nConnectTimeout 1m\n"
              "ConnectionAttempts 4\nRekeyLimit 1G 1h\nRequiredRSASize 3072\nLogLevel DEBUG3\nCompression yes\n"
              "HashKnownHosts yes\nIdentitiesOnly yes\nMACs hmac-sha2-512\nUser none\nStrictHostKeyChecking off\n",
              NULL, NULL, &settings);
  assert_int_equal(settings.family, 6);
  assert_string_equal(settings.bind_address, "10.0.0.1");
  assert_string_equal(settings.bind_interface, "eth1");
  assert_false(settings.tcp_keepalive);
  assert_int_equal(settings.connect_timeout_ms, 60000);
  assert_int_equal(settings.connect_attempts, 4);
  assert_true(settings.rekey_bytes == 1u << 30);
  assert_int_equal(settings.rekey_seconds, 3600);
  assert_int_equal(settings.rsa_min_bits, 3072);
  assert_int_equal(settings.log_level, PENSTOCK_LOG_TRACE);
  assert_true(settings.compression && settings.hash_known_hosts && settings.identities_only);
  assert_string_equal(settings.macs, "hmac-sha2-512");
  assert_null(settings.kex);
  assert_string_equal(settings.user, "none");
  assert_int_equal(settings.host_key, SSH_HOST_KEY_ACCEPT_NEW);
  assert_non_null(strstr(settings.source, "OpenSSH_"));
  ssh_settings_clear(&settings);
}

#define FROM_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_defaults, set_environment),
      cmocka_unit_test_setup(test_everything_set, set_environment),
      cmocka_unit_test_setup(test_agent_is_left_alone, set_environment),
      cmocka_unit_test_setup(test_hosts_that_are_none, set_environment),
      cmocka_unit_test_setup(test_users_that_are_none, set_environment),
      cmocka_unit_test_setup(test_pins_that_are_none, set_environment),
      cmocka_unit_test_setup(test_too_many_keys, set_environment),
      cmocka_unit_test_setup(test_a_password_is_never_sent, set_environment),
      FROM_FILE(test_signs_of_life),
      FROM_FILE(test_ways_to_log_in),
      FROM_FILE(test_keys_of_a_token),
      FROM_FILE(test_environment_of_the_launch),
      FROM_FILE(test_files_of_known_hosts),
      FROM_FILE(test_tokens_and_names),
      FROM_FILE(test_agents),
      FROM_FILE(test_values_of_all_kinds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

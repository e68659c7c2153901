/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/ssh/ssh_profile.h"

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
  int result = ssh_profile_request(&request, &config, NULL, error);
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
    print_error("%s\n", error.what);
  }
  assert_int_equal(result, 0);
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
  static const pair pairs[] = {{"host", "gpu01"}, {"agent", "0"}, {"identities_only", "1"}, {NULL, NULL}};
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
  static const char *const users[] = {"", "-x", "a b", "a\nb"};
  (void)state;
  for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
    const pair pairs[] = {{"host", "gpu01"}, {"user", users[i]}, {NULL, NULL}};
    assert_refused(pairs, "user = ");
  }
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_defaults, set_environment),
      cmocka_unit_test_setup(test_everything_set, set_environment),
      cmocka_unit_test_setup(test_agent_is_left_alone, set_environment),
      cmocka_unit_test_setup(test_hosts_that_are_none, set_environment),
      cmocka_unit_test_setup(test_users_that_are_none, set_environment),
      cmocka_unit_test_setup(test_pins_that_are_none, set_environment),
      cmocka_unit_test_setup(test_too_many_keys, set_environment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

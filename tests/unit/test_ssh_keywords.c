/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <strings.h>

#include "common/ssh/config/ssh_child.h"
#include "common/ssh/config/ssh_keywords.h"

/* The keywords of ssh_config(5) of OpenSSH 9.2 as Debian builds it, and what came after it until 10.1. */
static const char *const manual[] = {
    "AddKeysToAgent",
    "AddressFamily",
    "BatchMode",
    "BindAddress",
    "BindInterface",
    "CanonicalDomains",
    "CanonicalizeFallbackLocal",
    "CanonicalizeHostname",
    "CanonicalizeMaxDots",
    "CanonicalizePermittedCNAMEs",
    "CASignatureAlgorithms",
    "CertificateFile",
    "CheckHostIP",
    "Ciphers",
    "ClearAllForwardings",
    "Compression",
    "ConnectionAttempts",
    "ConnectTimeout",
    "ControlMaster",
    "ControlPath",
    "ControlPersist",
    "DynamicForward",
    "EnableEscapeCommandline",
    "EnableSSHKeysign",
    "EscapeChar",
    "ExitOnForwardFailure",
    "FingerprintHash",
    "ForkAfterAuthentication",
    "ForwardAgent",
    "ForwardX11",
    "ForwardX11Timeout",
    "ForwardX11Trusted",
    "GatewayPorts",
    "GlobalKnownHostsFile",
    "GSSAPIAuthentication",
    "GSSAPIClientIdentity",
    "GSSAPIDelegateCredentials",
    "GSSAPIKexAlgorithms",
    "GSSAPIKeyExchange",
    "GSSAPIRenewalForcesRekey",
    "GSSAPIServerIdentity",
    "GSSAPITrustDns",
    "HashKnownHosts",
    "Host",
    "HostbasedAcceptedAlgorithms",
    "HostbasedAuthentication",
    "HostKeyAlgorithms",
    "HostKeyAlias",
    "Hostname",
    "IdentitiesOnly",
    "IdentityAgent",
    "IdentityFile",
    "IgnoreUnknown",
    "Include",
    "IPQoS",
    "KbdInteractiveAuthentication",
    "KbdInteractiveDevices",
    "KexAlgorithms",
    "KnownHostsCommand",
    "LocalCommand",
    "LocalForward",
    "LogLevel",
    "LogVerbose",
    "MACs",
    "Match",
    "NoHostAuthenticationForLocalhost",
    "NumberOfPasswordPrompts",
    "PasswordAuthentication",
    "PermitLocalCommand",
    "PermitRemoteOpen",
    "PKCS11Provider",
    "Port",
    "PreferredAuthentications",
    "ProxyCommand",
    "ProxyJump",
    "ProxyUseFdpass",
    "PubkeyAcceptedAlgorithms",
    "PubkeyAuthentication",
    "RekeyLimit",
    "RemoteCommand",
    "RemoteForward",
    "RequestTTY",
    "RequiredRSASize",
    "RevokedHostKeys",
    "SecurityKeyProvider",
    "SendEnv",
    "ServerAliveCountMax",
    "ServerAliveInterval",
    "SessionType",
    "SetEnv",
    "StdinNull",
    "StreamLocalBindMask",
    "StreamLocalBindUnlink",
    "StrictHostKeyChecking",
    "SyslogFacility",
    "TCPKeepAlive",
    "Tunnel",
    "TunnelDevice",
    "UpdateHostKeys",
    "User",
    "UserKnownHostsFile",
    "VerifyHostKeyDNS",
    "VisualHostKey",
    "XAuthLocation",
    "Tag",
    "ChannelTimeout",
    "ObscureKeystrokeTiming",
    "RefuseConnection",
    "VersionAddendum",
    "WarnWeakCrypto",
    "UseKeychain",
};

/* What the judge said to the log. */
static char said[4096];
static size_t said_count;

static void log_line(const penstock_host *host, uint32_t level, const char *text) {
  (void)host;
  assert_int_equal(level, PENSTOCK_LOG_WARN);
  size_t used = strlen(said);
  (void)snprintf(said + used, sizeof(said) - used, "%s\n", text);
  said_count++;
}

static const penstock_host host_table = {.struct_size = sizeof(host_table), .log = log_line};

static int forget(void **state) {
  (void)state;
  said[0] = '\0';
  said_count = 0;
  return 0;
}

/* Judges one line for a profile of that name; a space parts the keyword from the value. */
static int judge(const char *profile, const char *text, int is_set, penstock_error *error) {
  char host[] = "gpu01";
  char keyword[64];
  size_t length = strcspn(text, " ");
  ssh_config lines = {0};
  const ssh_request request = {.host = host};
  (void)snprintf(keyword, sizeof(keyword), "%.*s", (int)length, text);
  assert_int_equal(ssh_config_add(&lines, keyword, text + length + (text[length] == ' '), is_set), 0);
  int result = ssh_keywords_judge(&lines, &request, profile, &host_table, error);
  ssh_config_unload(&lines);
  return result;
}

static void test_the_manual_is_covered(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof(manual) / sizeof(manual[0]); i++) {
    const ssh_keyword *found = ssh_keyword_find(manual[i]);
    if (!found) {
      fail_msg("%s is not in the table", manual[i]);
    } else {
      assert_string_equal(found->name, manual[i]);
    }
  }
}

/* Both as ssh prints them, and in any case. */
static void test_what_ssh_prints_is_covered(void **state) {
  static const char *const argv[] = {"ssh", "-F", "none", "-G", "gpu01", NULL};
  penstock_error error = {.struct_size = sizeof(error)};
  ssh_child_result result;
  size_t count = 0;
  (void)state;
  assert_int_equal(ssh_child_run(argv, 10000, &result, &error), 0);
  assert_false(result.is_missing);
  char *rest = NULL;
  for (char *line = strtok_r(result.output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), count++) {
    line[strcspn(line, " ")] = '\0';
    if (!ssh_keyword_find(line)) {
      fail_msg("%s is not in the table", line);
    }
  }
  assert_true(count > 50);
  ssh_child_clear(&result);
}

static void test_the_table_is_in_order(void **state) {
  size_t count;
  const ssh_keyword *keywords = ssh_keywords(&count);
  (void)state;
  for (size_t i = 0; i < count; i++) {
    if (i > 0 && strcasecmp(keywords[i - 1].name, keywords[i].name) >= 0) {
      fail_msg("%s stands before %s", keywords[i - 1].name, keywords[i].name);
    }
    assert_ptr_equal(ssh_keyword_find(keywords[i].name), &keywords[i]);
    assert_true(keywords[i].use == SSH_KEYWORD_HONOURED || keywords[i].note[0] != '\0');
  }
}

static void test_refused(void **state) {
  static const char *const lines[] = {"revokedhostkeys /etc/ssh/revoked", "knownhostscommand /bin/keys %H",
                                      "proxyusefdpass yes", "refuseconnection ask me first"};
  (void)state;
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    penstock_error error = {.struct_size = sizeof(error)};
    assert_int_not_equal(judge("refused", lines[i], 1, &error), 0);
    assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
    assert_non_null(strstr(error.what, "in ssh_config, for gpu01"));
    assert_non_null(strstr(error.what, strchr(lines[i], ' ') + 1)); /* the value */
    assert_true(error.next[0] != '\0');
  }
  assert_int_equal(said_count, 0);
}

static void test_values_that_ask_for_nothing(void **state) {
  static const char *const lines[] = {"revokedhostkeys none", "knownhostscommand none", "proxyusefdpass no",
                                      "tunnel false",         "checkhostip no",         "sessiontype default",
                                      "requesttty auto",      "ipqos none none",        "verifyhostkeydns false",
                                      "permitlocalcommand no"};
  (void)state;
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    assert_int_equal(judge("nothing", lines[i], 1, NULL), 0);
  }
  assert_int_equal(judge("nothing", "tunnel point-to-point", 0, NULL), 0); /* ssh's own default */
  assert_string_equal(said, "");
}

/* Debian's, Fedora's and macOS' own files. */
static void test_what_distributions_set_is_no_matter(void **state) {
  static const char *const lines[] = {"sendenv LANG",
                                      "sendenv LC_*",
                                      "hashknownhosts yes",
                                      "forwardx11trusted yes",
                                      "gssapikeyexchange no",
                                      "gssapiauthentication yes",
                                      "casignaturealgorithms ssh-ed25519",
                                      "hostbasedacceptedalgorithms ssh-ed25519",
                                      "requiredrsasize 2048"};
  (void)state;
  for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
    assert_int_equal(judge("distribution", lines[i], 1, NULL), 0);
  }
  assert_string_equal(said, "");
}

static void test_warned_once_for_each_profile(void **state) {
  (void)state;
  assert_int_equal(judge("one", "localforward 8080 [localhost]:80", 1, NULL), 0);
  assert_int_equal(judge("one", "localforward 8081 [localhost]:81", 1, NULL), 0);
  assert_int_equal(said_count, 1);
  assert_non_null(strstr(said, "LocalForward 8080 [localhost]:80 (in ssh_config, for gpu01) has no effect: "));
  assert_int_equal(judge("two", "localforward 8080 [localhost]:80", 1, NULL), 0);
  assert_int_equal(said_count, 2);
  assert_int_equal(judge("one", "remotecommand top", 1, NULL), 0);
  assert_int_equal(said_count, 3);
}

static void test_unknown_keywords_are_named(void **state) {
  (void)state;
  assert_int_equal(judge("new", "quantumtunnelling yes", 1, NULL), 0);
  assert_int_equal(judge("new", "quantumtunnelling yes", 1, NULL), 0);
  assert_int_equal(said_count, 1);
  assert_non_null(strstr(said, "quantumtunnelling yes"));
  assert_int_equal(judge("other", "quantumtunnelling no", 0, NULL), 0); /* the newer ssh's own default */
  assert_int_equal(said_count, 1);
}

/* The words say whose line it was. */
static void test_where_it_was_set(void **state) {
  char host[] = "gpu01";
  char option[] = "RevokedHostKeys=/r";
  char *options[] = {option};
  ssh_config lines = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  const ssh_request request = {.host = host, .options = options, .option_count = 1};
  (void)state;
  assert_int_equal(ssh_config_add(&lines, "revokedhostkeys", "/r", 1), 0);
  assert_int_not_equal(ssh_keywords_judge(&lines, &request, "own", NULL, &error), 0);
  assert_non_null(strstr(error.what, "in the profile, for gpu01"));
  ssh_config_unload(&lines);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_manual_is_covered),
      cmocka_unit_test(test_what_ssh_prints_is_covered),
      cmocka_unit_test(test_the_table_is_in_order),
      cmocka_unit_test_setup(test_refused, forget),
      cmocka_unit_test_setup(test_values_that_ask_for_nothing, forget),
      cmocka_unit_test_setup(test_what_distributions_set_is_no_matter, forget),
      cmocka_unit_test_setup(test_warned_once_for_each_profile, forget),
      cmocka_unit_test_setup(test_unknown_keywords_are_named, forget),
      cmocka_unit_test_setup(test_where_it_was_set, forget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

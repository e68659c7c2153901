/* SPDX-License-Identifier: MIT */
/* What ssh says, and what is made of it. The lines are OpenSSH 9.2's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/openssh/openssh_command.h"
#include "common/openssh/openssh_story.h"

static openssh_story story;
static char note[512];

static int setup(void **state) {
  (void)state;
  memset(&story, 0, sizeof(story));
  return 0;
}

static int hear(const char *line) {
  return openssh_story_add(&story, line, note, sizeof(note));
}

static penstock_error explain(const char *others, const char *pin) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const openssh_story_context context = {
      .host = "gpu01", .profile = "lab", .fingerprint = pin, .others = others, .exit_code = 255};
  openssh_story_error(&story, &context, &error);
  return error;
}

static void assert_error(const penstock_error *error, uint32_t leg, uint32_t error_class, const char *words) {
  if (error->leg != leg || error->error_class != error_class || !strstr(error->what, words)) {
    fail_msg("leg %u, class %u: %s", error->leg, error->error_class, error->what);
  }
  assert_int_not_equal(error->next[0], '\0');
}

static void login_is_followed_stage_by_stage(void **state) {
  (void)state;
  assert_int_equal(hear("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.22 25 Aug 2026"), 0);
  assert_int_equal(hear("debug1: Connecting to gpu01.example.com [192.0.2.7] port 2222."), 1);
  assert_int_equal(story.stage, OPENSSH_CALLING);
  assert_int_equal(story.is_name, 1);
  assert_string_equal(note, "192.0.2.7 port 2222");
  assert_int_equal(hear("debug1: Connection established."), 1);
  assert_int_equal(hear("debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2"), 0);
  assert_string_equal(note, ""); /* nobody is told twice */
  assert_int_equal(hear("debug1: Server host key: ssh-ed25519 SHA256:abc"), 0);
  assert_int_equal(hear("debug1: Found key in /home/a/.ssh/known_hosts:12"), 0);
  assert_int_equal(hear("debug1: SSH2_MSG_NEWKEYS sent"), 1);
  assert_string_equal(note, "known_hosts:12 ssh-ed25519 SHA256:abc");
  assert_int_equal(hear("debug1: Server accepts key: /home/a/.ssh/id_ed25519 ED25519 SHA256:def"), 0);
  assert_int_equal(hear("Authenticated to gpu01.example.com ([192.0.2.7]:2222) using \"publickey\"."), 1);
  assert_string_equal(note, "publickey /home/a/.ssh/id_ed25519 ED25519 SHA256:def");
  assert_int_equal(hear("debug1: SSH2_MSG_NEWKEYS sent"), 0); /* keys are exchanged anew */
  assert_int_equal(hear("debug1: Entering interactive session."), 1);
  assert_int_equal(story.stage, OPENSSH_READY);
}

static void address_is_no_name(void **state) {
  (void)state;
  (void)hear("debug1: Connecting to 192.0.2.7 [192.0.2.7] port 22.");
  assert_int_equal(story.is_name, 0);
}

static void security_key_wants_a_touch(void **state) {
  (void)state;
  assert_int_equal(hear("debug1: Server accepts key: /home/a/.ssh/id_sk ED25519-SK SHA256:def authenticator"), 0);
  assert_non_null(strstr(note, "touch"));
}

static void certificate_of_a_host(void **state) {
  (void)state;
  (void)hear("debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:abc, serial 0 ID \"x\" CA …");
  (void)hear("debug1: Found CA key in /etc/ssh/ssh_known_hosts:1");
  (void)hear("debug1: SSH2_MSG_NEWKEYS sent");
  assert_string_equal(note, "ssh_known_hosts:1 ssh-ed25519-cert-v01@openssh.com SHA256:abc");
}

static void hosts_are_refused_for_who_they_are(void **state) {
  (void)state;
  (void)hear("debug1: Server host key: ssh-ed25519 SHA256:abc");
  (void)hear("No ED25519 host key is known for gpu01 and you have requested strict checking.");
  (void)hear("Host key verification failed.");
  penstock_error error = explain("", NULL);
  assert_error(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "not known: ssh-ed25519 SHA256:abc");
  assert_non_null(strstr(error.next, "penstock trust lab"));
  error = explain("", "SHA256:pin");
  assert_error(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "not the pinned one, SHA256:pin");
  (void)hear("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @");
  (void)hear("Offending ECDSA key in /home/a/.ssh/known_hosts:3");
  (void)hear("Host key verification failed.");
  error = explain("", NULL);
  assert_error(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "has changed");
  assert_non_null(strstr(error.what, "/home/a/.ssh/known_hosts:3"));
  assert_null(strstr(error.detail, "@"));
}

typedef struct complaint {
  const char *line;
  uint32_t leg;
  uint32_t error_class;
} complaint;

static void complaints_have_a_leg_a_class_and_a_next_step(void **state) {
  static const complaint list[] = {
      {"ssh: Could not resolve hostname gpu01: Name or service not known", PENSTOCK_LEG_DNS, PENSTOCK_CLASS_TRANSIENT},
      {"ssh: connect to host 192.0.2.7 port 22: Connection refused", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT},
      {"ssh: connect to host 192.0.2.7 port 22: No route to host", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT},
      {"Connection timed out during banner exchange", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT},
      {"kex_exchange_identification: Connection closed by remote host", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT},
      {"channel 0: open failed: administratively prohibited: open failed", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_CONFIG},
      {"channel 0: open failed: connect failed: Connection refused", PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT},
      {"a@gpu01: Permission denied (publickey,password).", PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH},
      {"Received disconnect from 192.0.2.7 port 22:2: Too many authentication failures", PENSTOCK_LEG_AUTH,
       PENSTOCK_CLASS_AUTH},
      {"Unable to negotiate with 192.0.2.7 port 22: no matching cipher found. Their offer: 3des-cbc",
       PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG},
      {"/home/a/.ssh/config: line 3: Bad configuration option: colour", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG},
      {"Bad owner or permissions on /home/a/.ssh/config", PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG},
  };
  for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
    (void)setup(state);
    (void)hear("Warning: something that is beside the point");
    (void)hear(list[i].line);
    penstock_error error = explain(NULL, NULL);
    assert_error(&error, list[i].leg, list[i].error_class, strchr(list[i].line, ':') ? "" : list[i].line);
    assert_non_null(strstr(error.detail, list[i].line));
  }
}

static void hop_is_told_from_the_host(void **state) {
  (void)state;
  (void)hear("debug1: Executing proxy command: exec ssh -W '[gpu01]:22' gate");
  (void)hear("kex_exchange_identification: Connection closed by remote host");
  (void)hear("Connection closed by UNKNOWN port 65535");
  penstock_error error = explain("a@gate: Permission denied (publickey).\r\n", NULL);
  assert_error(&error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, "a@gate: Permission denied");
  error = explain("debug1: x\r\nNo ED25519 host key is known for gate and you have requested strict checking.\r\n"
                  "Host key verification failed.\r\n",
                  "SHA256:pin");
  assert_error(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "known for gate");
  assert_null(strstr(error.detail, "debug1"));
  error = explain("OpenSSH_9.2p1 Debian-2\r\nHost key verification failed.\r\n", NULL);
  assert_error(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "on the way is not trusted");
  assert_null(strstr(error.detail, "OpenSSH_9"));
}

static void command_on_the_way_is_told_from_a_server_that_hangs_up(void **state) {
  (void)hear("debug1: Connecting to gpu01 [192.0.2.7] port 22.");
  (void)hear("Connection closed by 192.0.2.7 port 22");
  penstock_error error = explain(NULL, NULL);
  assert_non_null(strstr(error.next, "Check `port`"));
  (void)setup(state);
  (void)hear("debug1: Executing proxy command: exec nowhere");
  (void)hear("Connection closed by UNKNOWN port 65535");
  (void)hear("Transferred: sent 4584, received 4264 bytes, in 0.6 seconds");
  error = explain(NULL, NULL);
  assert_non_null(strstr(error.next, "ProxyCommand"));
  assert_null(strstr(error.detail, "Transferred"));
}

static void login_that_failed_for_a_reason_here_names_it(void **state) {
  (void)state;
  (void)hear("debug1: SSH2_MSG_NEWKEYS sent");
  (void)hear("Load key \"/nonexistent/lab.ppk\": error in libcrypto");
  (void)hear("a@gpu01: Permission denied (publickey).");
  penstock_error error = explain(NULL, NULL);
  assert_error(&error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, "key file /nonexistent/lab.ppk ");
  (void)snprintf(story.unanswered, sizeof(story.unanswered), "Enter passphrase for key '/home/a/k': ");
  error = explain(NULL, NULL);
  assert_error(&error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, "nobody to ask: Enter passphrase for key '/home/a/k'");
}

static void link_that_broke_says_why(void **state) {
  (void)state;
  (void)hear("debug1: SSH2_MSG_NEWKEYS sent");
  (void)hear("debug1: Authenticated to gpu01 (via proxy) using \"gssapi-with-mic\".");
  assert_string_equal(story.method, "gssapi-with-mic");
  (void)hear("debug1: Entering interactive session.");
  (void)hear("Timeout, server gpu01 not responding.");
  penstock_error error = explain("", NULL);
  assert_int_equal(error.leg, PENSTOCK_LEG_TCP);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_non_null(strstr(error.what, "not responding"));
}

static void any_text_at_all_is_safe(void **state) {
  char line[600];
  (void)state;
  for (int round = 0; round < 20000; round++) {
    static const char *const heads[] = {"debug1: Connecting to ",
                                        "debug1: Server host key: ",
                                        "Load key \"",
                                        "debug1: Found key in ",
                                        "Offending ",
                                        "Authenticated to ",
                                        ""};
    size_t used = (size_t)snprintf(line, sizeof(line), "%s", heads[rand() % 7]);
    size_t length = (size_t)(rand() % 500);
    for (size_t i = 0; i < length; i++) {
      line[used++] = "[]\" ,:@ab\xC3\xA4\x1B"[rand() % 12];
    }
    line[used] = '\0';
    (void)hear(line);
    if (round % 100 == 0) {
      (void)explain(line, NULL);
      (void)setup(state);
    }
  }
}

static void versions_are_read(void **state) {
  (void)state;
  assert_int_equal(openssh_version("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.22\n"), 902);
  assert_int_equal(openssh_version("OpenSSH_10.0p2, OpenSSL 3.5.0"), 1000);
  assert_int_equal(openssh_version("OpenSSH_7.4p1"), 704);
  assert_int_equal(openssh_version("OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2"), 905);
  assert_int_equal(openssh_version("Dropbear v2022.83"), 0);
  assert_int_equal(openssh_version(""), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(login_is_followed_stage_by_stage, setup),
      cmocka_unit_test_setup(address_is_no_name, setup),
      cmocka_unit_test_setup(security_key_wants_a_touch, setup),
      cmocka_unit_test_setup(certificate_of_a_host, setup),
      cmocka_unit_test_setup(hosts_are_refused_for_who_they_are, setup),
      cmocka_unit_test_setup(complaints_have_a_leg_a_class_and_a_next_step, setup),
      cmocka_unit_test_setup(hop_is_told_from_the_host, setup),
      cmocka_unit_test_setup(command_on_the_way_is_told_from_a_server_that_hangs_up, setup),
      cmocka_unit_test_setup(login_that_failed_for_a_reason_here_names_it, setup),
      cmocka_unit_test_setup(link_that_broke_says_why, setup),
      cmocka_unit_test_setup(any_text_at_all_is_safe, setup),
      cmocka_unit_test(versions_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

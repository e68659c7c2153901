/* SPDX-License-Identifier: MIT */
/* What ssh says of its one channel, in the words of OpenSSH 9.2 and of Windows' 8.1; and versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/far_denial.h"
#include "common/openssh/openssh_command.h"
#include "common/openssh/openssh_words.h"

static void test_words(void **state) {
  static const struct {
    const char *line;
    openssh_word word;
  } cases[] = {
      {"debug2: channel 0: open confirm rwindow 2097152 rmax 32768", OPENSSH_WORD_OPEN},
      {"debug2: channel 0: rcvd eof", OPENSSH_WORD_EOF},
      {"debug2: channel 0: rcvd eow", OPENSSH_WORD_OTHER},
      {"debug2: exec request accepted on channel 0", OPENSSH_WORD_RUNS},
      {"exec request failed on channel 0", OPENSSH_WORD_NO_EXEC},
      {"debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0", OPENSSH_WORD_SIGNAL},
      {"debug1: client_input_channel_req: channel 0 rtype exit-status reply 0", OPENSSH_WORD_OTHER},
      {"debug1: Exit status 3", OPENSSH_WORD_STATUS},
      {"Transferred: sent 3532, received 3352 bytes, in 0.5 seconds", OPENSSH_WORD_OTHER},
      {"Authenticated to 127.0.0.1 ([127.0.0.1]:22) using \"publickey\".", OPENSSH_WORD_OTHER},
      {"channel 0: open failed: connect failed: Connection refused", OPENSSH_WORD_REFUSED},
      /* What a command says. */
      {"debug: channel 0: rcvd eof", OPENSSH_WORD_NONE},
      {"channel zero: open failed: connect failed", OPENSSH_WORD_NONE},
      {"Exit status 3", OPENSSH_WORD_NONE},
      {"", OPENSSH_WORD_NONE},
  };
  openssh_words words;
  (void)state;
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    if (openssh_words_read(cases[i].line, &words) != cases[i].word) {
      fail_msg("%s", cases[i].line);
    }
  }
  assert_int_equal(openssh_words_read("debug1: Exit status -1", &words), OPENSSH_WORD_STATUS);
  assert_int_equal(words.status, -1);
}

static void test_refusals(void **state) {
  openssh_words words;
  (void)state;
  (void)openssh_words_read("channel 0: open failed: connect failed: Connection refused", &words);
  assert_int_equal(words.code, 2);
  assert_string_equal(words.text, "Connection refused");
  (void)openssh_words_read("channel 3: open failed: administratively prohibited: open failed", &words);
  assert_int_equal(words.code, 1);
  assert_string_equal(words.text, "open failed");
  (void)openssh_words_read("channel 0: open failed: resource shortage", &words);
  assert_int_equal(words.code, 4);
  assert_string_equal(words.text, "");
  (void)openssh_words_read("channel 0: open failed: something\tnew", &words);
  assert_int_equal(words.code, 0);
  assert_string_equal(words.text, "something?new");
}

static void test_versions(void **state) {
  (void)state;
  assert_int_equal(openssh_version("OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19"), 902);
  assert_int_equal(openssh_version("OpenSSH_for_Windows_8.1p1, LibreSSL 3.0.2"), 801);
  assert_int_equal(openssh_version("OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2"), 905);
  assert_int_equal(openssh_version("plink: Release 0.80"), 0);
}

/* That there is no session is never taken for nobody listening, which would have a solver launched. */
static void test_no_session(void **state) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  (void)state;
  far_denial_error(&error, "gpu01", NULL, "127.0.0.1", 9090, FAR_DENIAL_NO_SESSION,
                   "ssh: connect to host gpu01 port 22: Connection refused");
  assert_int_equal(error.error_class, PENSTOCK_CLASS_TRANSIENT);
  assert_int_equal(error.leg, PENSTOCK_LEG_TCP);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_no_session),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

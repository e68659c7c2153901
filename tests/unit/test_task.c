/* SPDX-License-Identifier: MIT */
/* Tasks of Windows' Task Scheduler: names and XML; none of it needs Windows. */
#include "service/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_name(const char *profile, const char *expected) {
  ps_text name = {0};
  ps_task_name(&name, profile, "0123abcd");
  assert_string_equal(name.data, expected);
  char *back = ps_task_profile(name.data, "0123abcd");
  assert_string_equal(back, profile);
  free(back);
  assert_null(ps_task_profile(name.data, "0123abce")); /* another user's */
  free(name.data);
}

static void test_names_lead_back_to_profiles(void **state) {
  (void)state;
  check_name("lab", "penstock-lab-0123abcd");
  check_name("Müller 日本", "penstock-Müller 日本-0123abcd");
  check_name("a-b", "penstock-a-b-0123abcd");
  check_name("../a:b*?\"<>|%41", "penstock-%2E%2E%2Fa%3Ab%2A%3F%22%3C%3E%7C%2541-0123abcd");
  check_name("line\nend.", "penstock-line%0Aend%2E-0123abcd");
}

static void test_other_tasks_are_none(void **state) {
  (void)state;
  const char *const names[] = {
      "", "penstock", "penstock--0123abcd", "penstock-0123abcd", "Penstock-lab-0123abcd", "OneDrive-0123abcd"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    char *profile = ps_task_profile(names[i], "0123abcd");
    assert_null(profile);
  }
  char *odd = ps_task_profile("penstock-50% of%zz-0123abcd", "0123abcd"); /* somebody's own: taken as it is */
  assert_string_equal(odd, "50% of%zz");
  free(odd);
}

static void test_a_mark_is_a_users(void **state) {
  (void)state;
  char one[PS_TASK_MARK_SIZE];
  char other[PS_TASK_MARK_SIZE];
  ps_task_mark(one, "S-1-5-21-1-2-3-1000");
  ps_task_mark(other, "S-1-5-21-1-2-3-1001");
  assert_int_equal(strlen(one), 8);
  assert_string_not_equal(one, other);
}

static void test_xml_is_whole_whatever_texts_are(void **state) {
  (void)state;
  const ps_task task = {.user = "S-1-5-21-1-2-3-1000",
                        .program = "C:\\Program Files\\penstock & <co>\\penstockw.exe",
                        .arguments = "up \"Müller 日本\" --config \"C:\\a b\\x.ini\"",
                        .description = "of 'a\tb'"};
  ps_text xml = {0};
  ps_task_xml(&xml, &task);
  assert_false(xml.no_memory);
  assert_non_null(strstr(xml.data, "<Command>C:\\Program Files\\penstock &amp; &lt;co&gt;\\penstockw.exe</Command>"));
  assert_non_null(strstr(xml.data, "<Arguments>up \"Müller 日本\" --config \"C:\\a b\\x.ini\"</Arguments>"));
  assert_non_null(strstr(xml.data, "<Description>of 'a?b'</Description>"));
  /* Its own logon and its own rights, or an administrator is needed; no limit of time; batteries do not count. */
  assert_non_null(strstr(xml.data, "<Enabled>true</Enabled>\n      <UserId>S-1-5-21-1-2-3-1000</UserId>"));
  assert_non_null(strstr(xml.data, "<RunLevel>LeastPrivilege</RunLevel>"));
  assert_non_null(strstr(xml.data, "<LogonType>InteractiveToken</LogonType>"));
  assert_non_null(strstr(xml.data, "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>"));
  assert_non_null(strstr(xml.data, "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>"));
  assert_non_null(strstr(xml.data, "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>"));
  free(xml.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names_lead_back_to_profiles),
      cmocka_unit_test(test_other_tasks_are_none),
      cmocka_unit_test(test_a_mark_is_a_users),
      cmocka_unit_test(test_xml_is_whole_whatever_texts_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

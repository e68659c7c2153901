/* SPDX-License-Identifier: MIT */
/* What a transport for Windows makes of a folder and of a record, without Windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/native/batch.h"
#include "common/native/ending.h"
#include "common/native/layout.h"
#include "common/native/record.h"
#include "common/native/tail.h"

/* --- folders -------------------------------------------------------------------------------------- */

/* Files and folders that there are; a folder's name ends with a backslash. */
typedef struct disk {
  const char *const *names;
} disk;

static int exists(void *context, const char *path, int folder) {
  const disk *self = context;
  size_t size = strlen(path);
  for (const char *const *name = self->names; *name; name++) {
    int is_folder = strncmp(*name, path, size) == 0 && (*name)[size] == '\\';
    if (folder ? is_folder : strcmp(*name, path) == 0) {
      return 1;
    }
  }
  return 0;
}

#define DISK(...)                                                                                                      \
  &(disk) {                                                                                                            \
    (const char *const[]) {                                                                                            \
      __VA_ARGS__, NULL                                                                                                \
    }                                                                                                                  \
  }
#define EXE "ppf-cts-server.exe"

static void test_dev(void **state) {
  layout found;
  (void)state;
  assert_int_equal(layout_find(&found, "C:/ppf/src/cpp", NULL, exists,
                               DISK("C:\\ppf\\target\\release\\" EXE, "C:\\ppf\\bin\\" EXE,
                                    "C:\\ppf\\build-win-native\\python\\python.exe", "C:\\ppf\\src\\cpp\\x",
                                    "C:\\ppf\\python\\python.exe", "C:\\ppf\\build-win-native\\cuda\\bin\\y.dll")),
                   LAYOUT_FOUND);
  assert_string_equal(found.root, "C:\\ppf");
  assert_string_equal(found.program, "C:\\ppf\\target\\release\\" EXE);
  assert_int_equal(found.kind, LAYOUT_DEV);
  char *entries[LAYOUT_ENTRIES + 1];
  assert_int_equal(layout_environment(&found, "C:\\Windows", "D:\\py", entries), 0);
  assert_string_equal(entries[0], "PATH=C:\\ppf\\build-win-native\\python;C:\\ppf\\target\\release;"
                                  "C:\\ppf\\src\\cpp\\build\\lib;C:\\ppf\\build-win-native\\cuda\\bin;C:\\Windows");
  assert_string_equal(entries[1], "PYTHONPATH=C:\\ppf;D:\\py");
  assert_string_equal(entries[2], "CUDA_PATH=C:\\ppf\\build-win-native\\cuda");
  assert_null(entries[3]);
  for (int i = 0; i < LAYOUT_ENTRIES; i++) {
    free(entries[i]);
  }
  layout_clear(&found);
}

static void test_bundle(void **state) {
  layout found;
  char *entries[LAYOUT_ENTRIES + 1];
  (void)state;
  assert_int_equal(layout_find(&found, "\\\\server\\share\\Sölver 日本", NULL, exists,
                               DISK("\\\\server\\share\\Sölver 日本\\bin\\" EXE,
                                    "\\\\server\\share\\Sölver 日本\\python\\python.exe",
                                    "\\\\server\\share\\Sölver 日本\\build-win-native\\cuda\\bin\\y.dll")),
                   LAYOUT_FOUND);
  assert_int_equal(found.kind, LAYOUT_BUNDLE);
  assert_string_equal(found.program, "\\\\server\\share\\Sölver 日本\\bin\\" EXE);
  assert_int_equal(layout_environment(&found, NULL, NULL, entries), 0);
  assert_string_equal(entries[0], "PATH=\\\\server\\share\\Sölver 日本\\python;\\\\server\\share\\Sölver 日本\\bin;"
                                  "\\\\server\\share\\Sölver 日本\\target\\release");
  assert_string_equal(entries[1], "PYTHONPATH=\\\\server\\share\\Sölver 日本");
  assert_null(entries[2]); /* its CUDA is the developer's alone */
  free(entries[0]);
  free(entries[1]);
  layout_clear(&found);
}

static void test_root(void **state) {
  layout found;
  (void)state;
  /* A file is as good as the folder that it is in. */
  assert_int_equal(layout_find(&found, "D:\\s\\" EXE, NULL, exists, DISK("D:\\s\\" EXE, "D:\\s\\python\\python.exe")),
                   LAYOUT_FOUND);
  assert_string_equal(found.root, "D:\\s");
  assert_string_equal(found.program, "D:\\s\\" EXE);
  layout_clear(&found);
}

static void test_parents(void **state) {
  layout found;
  disk *here = DISK("C:\\r\\" EXE, "C:\\r\\python\\python.exe", "C:\\r\\1\\2\\3\\4\\5\\6\\7\\x");
  (void)state;
  assert_int_equal(layout_find(&found, "C:\\r\\1\\2\\3\\4\\5\\6\\", NULL, exists, here), LAYOUT_NO_FOLDER);
  layout_clear(&found);
  assert_int_equal(layout_find(&found, "C:\\r\\1\\2\\3\\4\\5\\6", NULL, exists, here), LAYOUT_FOUND);
  assert_string_equal(found.root, "C:\\r");
  layout_clear(&found);
  assert_int_equal(layout_find(&found, "C:\\r\\1\\2\\3\\4\\5\\6\\7", NULL, exists, here), LAYOUT_NO_PROGRAM);
  assert_string_equal(found.place, "C:\\r\\1\\2\\3\\4\\5\\6\\7\\target\\release\\" EXE);
  layout_clear(&found);
}

static void test_missing(void **state) {
  layout found;
  (void)state;
  assert_int_equal(layout_find(&found, "C:\\gone", NULL, exists, DISK("C:\\r\\x")), LAYOUT_NO_FOLDER);
  assert_string_equal(found.place, "C:\\gone");
  layout_clear(&found);
  assert_int_equal(layout_find(&found, "C:\\r", NULL, exists, DISK("C:\\r\\bin\\" EXE)), LAYOUT_NO_PYTHON);
  assert_string_equal(found.place, "C:\\r\\build-win-native\\python\\python.exe");
  assert_string_equal(found.other_place, "C:\\r\\python\\python.exe");
  layout_clear(&found);
}

static void test_named_program(void **state) {
  layout found;
  char *entries[LAYOUT_ENTRIES + 1];
  (void)state;
  assert_int_equal(
      layout_find(&found, "C:\\r\\sub", "tools/own.exe", exists, DISK("C:\\r\\tools\\own.exe", "C:\\r\\sub\\x")),
      LAYOUT_FOUND);
  assert_string_equal(found.root, "C:\\r");
  assert_string_equal(found.program, "C:\\r\\tools\\own.exe");
  assert_int_equal(found.kind, LAYOUT_PLAIN);
  assert_int_equal(layout_environment(&found, "C:\\W", NULL, entries), 0);
  assert_string_equal(entries[0], "PATH=C:\\W");
  free(entries[0]);
  free(entries[1]);
  layout_clear(&found);
  assert_int_equal(layout_find(&found, "C:\\r", "E:\\own.exe", exists, DISK("E:\\own.exe", "C:\\r\\x")), LAYOUT_FOUND);
  assert_string_equal(found.root, "C:\\r");
  layout_clear(&found);
}

static void check_up(const char *from, const char *to, int moves) {
  char path[64];
  (void)snprintf(path, sizeof(path), "%s", from);
  assert_int_equal(layout_go_up(path), moves);
  assert_string_equal(path, to);
}

static void test_go_up(void **state) {
  (void)state;
  check_up("C:\\a\\b", "C:\\a", 1);
  check_up("C:\\a", "C:\\", 1);
  check_up("C:\\", "C:\\", 0);
  check_up("\\\\s\\d\\x", "\\\\s\\d", 1);
  check_up("\\\\s\\d", "\\\\s\\d", 0);
  check_up("\\\\?\\C:\\a", "\\\\?\\C:\\", 1);
  check_up("\\\\?\\UNC\\s\\d", "\\\\?\\UNC\\s\\d", 0);
  check_up("\\a", "\\", 1);
}

/* --- the record ----------------------------------------------------------------------------------- */

#define TOKEN "0123456789abcdef0123456789abcdef"

static void test_record(void **state) {
  char text[512];
  record kept = {.pid = 4321,
                 .start = UINT64_C(133500000000000000),
                 .token = TOKEN,
                 .log = "server.log",
                 .progress = "progress.log"};
  record got;
  (void)state;
  int size = record_write(&kept, text, sizeof(text));
  assert_true(size > 0);
  assert_int_equal(record_read(text, (size_t)size, &got), 0);
  assert_int_equal(got.pid, kept.pid);
  assert_true(got.start == kept.start);
  assert_string_equal(got.token, kept.token);
  assert_string_equal(got.log, kept.log);
  assert_string_equal(got.progress, kept.progress);
  assert_int_equal(record_write(&kept, text, 20), -1);
}

static int reads(const char *text) {
  record got;
  return record_read(text, strlen(text), &got);
}

static void test_bad_record(void **state) {
  (void)state;
  assert_int_equal(reads("pid=1\r\nstart=2\r\ntoken=" TOKEN "\r\nlog=a\r\nprogress=b\r\n"), 0);
  assert_int_equal(reads(""), -1);
  assert_int_equal(reads("pid=0\nstart=2\ntoken=" TOKEN "\nlog=a\nprogress=b\n"), -1);
  assert_int_equal(reads("pid=-1\nstart=2\ntoken=" TOKEN "\nlog=a\nprogress=b\n"), -1);
  assert_int_equal(reads("pid=4294967296\nstart=2\ntoken=" TOKEN "\nlog=a\nprogress=b\n"), -1);
  assert_int_equal(reads("pid=1\nstart=2\ntoken=..\\x\nlog=a\nprogress=b\n"), -1);
  assert_int_equal(reads("pid=1\nstart=2\ntoken=" TOKEN "\nlog=..\\..\\x\nprogress=b\n"), -1);
  assert_int_equal(reads("pid=1\nstart=2\ntoken=" TOKEN "\nlog=C:x\nprogress=b\n"), -1);
}

static record_mark mark_of(const char *text, char *line, size_t size) {
  return record_read_mark(text, strlen(text), line, size);
}

static void test_marks(void **state) {
  char line[64];
  (void)state;
  assert_int_equal(mark_of("", line, sizeof(line)), RECORD_MARK_NONE);
  assert_int_equal(mark_of("SERVER_STARTING\r\n", line, sizeof(line)), RECORD_MARK_STARTING);
  assert_int_equal(mark_of("SERVER_STARTING\r\nSERVER_READY\r\n", line, sizeof(line)), RECORD_MARK_READY);
  assert_int_equal(mark_of("SERVER_STARTING\nERROR: no GPU\r\nmore", line, sizeof(line)), RECORD_MARK_FAILED);
  assert_string_equal(line, "ERROR: no GPU");
}

static void check_tail(const char *text, unsigned lines, const char *wanted) {
  const char *begin;
  assert_int_equal(record_tail(text, strlen(text), lines, &begin), strlen(wanted));
  assert_string_equal(begin, wanted);
}

static void test_tail(void **state) {
  (void)state;
  check_tail("", 2, "");
  check_tail("a\nb\nc\n", 2, "b\nc\n");
  check_tail("a\nb\nc", 2, "b\nc");
  check_tail("a\n", 20, "a\n");
  check_tail("\n\n\n", 1, "\n");
}

/* --- a solver without a Python of its own --------------------------------------------------------- */

static void test_venv(void **state) {
  layout found;
  char *entries[LAYOUT_ENTRIES + 1];
  (void)state;
  assert_int_equal(layout_find_venv(&found, "C:\\r\\sub", "run.py", "venv", exists,
                                    DISK("C:\\r\\run.py", "C:\\r\\sub\\x", "C:\\r\\venv\\Scripts\\python.exe",
                                         "C:\\r\\python\\python.exe")),
                   LAYOUT_FOUND);
  assert_int_equal(found.kind, LAYOUT_VENV);
  assert_string_equal(found.venv, "C:\\r\\venv");
  assert_int_equal(layout_environment(&found, "C:\\Windows", "D:\\py", entries), 0);
  assert_string_equal(entries[0], "PATH=C:\\r\\venv\\Scripts;C:\\Windows");
  assert_string_equal(entries[1], "VIRTUAL_ENV=C:\\r\\venv");
  assert_null(entries[2]);
  free(entries[0]);
  free(entries[1]);
  layout_clear(&found);
}

static void test_no_venv(void **state) {
  layout found;
  char *entries[LAYOUT_ENTRIES + 1];
  (void)state;
  assert_int_equal(layout_find_venv(&found, "C:\\r", NULL, "D:/gone", exists, DISK("C:\\r\\bin\\" EXE)), LAYOUT_FOUND);
  assert_string_equal(found.program, "C:\\r\\bin\\" EXE);
  assert_null(found.venv);
  assert_int_equal(layout_environment(&found, "C:\\Windows", NULL, entries), 0);
  assert_null(entries[0]);
  layout_clear(&found);
}

/* --- batch files ---------------------------------------------------------------------------------- */

static void test_batch(void **state) {
  const char *refused;
  (void)state;
  assert_true(batch_is_one("C:\\a.b\\Run.BAT") && batch_is_one("x.cmd"));
  assert_true(batch_is_one("x.bat.") && batch_is_one("x.CMD . ")); /* the system takes these for the same file */
  assert_false(batch_is_one("x.exe") || batch_is_one("x.cmdx") || batch_is_one("bat") || batch_is_one(""));
  char *line = batch_line((const char *const[]){"C:\\my run.cmd", "a & b", "", "\xc3\xb6!^", NULL}, &refused);
  assert_string_equal(line, "cmd.exe /d /v:off /s /c \"\"C:\\my run.cmd\" \"a & b\" \"\" \"\xc3\xb6!^\"\"");
  free(line);
  static const char *const bad[] = {"%PATH%", "a\"b", "a\nb", "a\rb"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_null(batch_line((const char *const[]){"x.cmd", bad[i], NULL}, &refused));
    assert_string_equal(refused, bad[i]);
  }
}

/* --- ends ----------------------------------------------------------------------------------------- */

static void test_endings(void **state) {
  char text[160];
  (void)state;
  ending_words(3, text, sizeof(text));
  assert_string_equal(text, "with exit code 3");
  ending_words(0xC0000005, text, sizeof(text));
  assert_string_equal(text, "by an access violation (0xC0000005)");
  ending_words(0xC0001234, text, sizeof(text));
  assert_string_equal(text, "with exit code 0xC0001234");
  assert_int_equal(ending_status(0), 0);
  assert_int_equal(ending_status(255), 255);
  assert_int_equal(ending_status(256), 255);
  assert_int_equal(ending_status(0xC0000005), 128 + 11);
  assert_int_equal(ending_status(0xC000013A), 128 + 2);
  assert_int_equal(ending_status(0xC0000135), 255);
}

static void test_kept(void **state) {
  tail kept;
  size_t size;
  (void)state;
  assert_int_equal(tail_init(&kept, 5), 0);
  (void)tail_text(&kept, &size);
  assert_int_equal(size, 0);
  tail_add(&kept, "abc", 3);
  assert_memory_equal(tail_text(&kept, &size), "abc", 3);
  tail_add(&kept, "de", 2);
  assert_memory_equal(tail_text(&kept, &size), "abcde", 5);
  tail_add(&kept, "fgh", 3);
  assert_memory_equal(tail_text(&kept, &size), "defgh", 5);
  tail_add(&kept, "0123456789", 10);
  assert_memory_equal(tail_text(&kept, &size), "56789", 5);
  assert_int_equal(size, 5);
  tail_clear(&kept);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dev),     cmocka_unit_test(test_bundle),  cmocka_unit_test(test_root),
      cmocka_unit_test(test_parents), cmocka_unit_test(test_missing), cmocka_unit_test(test_named_program),
      cmocka_unit_test(test_go_up),   cmocka_unit_test(test_record),  cmocka_unit_test(test_bad_record),
      cmocka_unit_test(test_marks),   cmocka_unit_test(test_tail),    cmocka_unit_test(test_venv),
      cmocka_unit_test(test_no_venv), cmocka_unit_test(test_batch),   cmocka_unit_test(test_endings),
      cmocka_unit_test(test_kept),
  };
  return cmocka_run_group_tests_name("native", tests, NULL, NULL);
}

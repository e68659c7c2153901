/* SPDX-License-Identifier: MIT */
/* Ownership and modes: what may decide what the gateway does. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/trust.h"
#include "plugin/trust_unix.h"

/** A folder of our own under /tmp, with folder/file in it. */
static char base[64];
static char folder[96];
static char file[128];
static penstock_error error;

static void put(const char *path, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "x", 1), 1);
  assert_int_equal(fchmod(fd, mode), 0);
  assert_int_equal(close(fd), 0);
}

static int setup(void **state) {
  (void)state;
  (void)snprintf(base, sizeof(base), "/tmp/penstock-trust-XXXXXX");
  assert_non_null(mkdtemp(base));
  (void)snprintf(folder, sizeof(folder), "%s/folder", base);
  (void)snprintf(file, sizeof(file), "%s/file", folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  put(file, 0644);
  memset(&error, 0, sizeof(error));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  (void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
  return system(command); // NOLINT(cert-env33-c): the folder is our own
}

static void assert_refused(const char *path, const char *words, const char *next) {
  assert_true(ps_trust_check_code(path, &error) < 0);
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  if (!strstr(error.what, words) || !strstr(error.next, next)) {
    print_error("what: %s\nnext: %s\n", error.what, error.next);
    fail();
  }
}

static void own_file_passes(void **state) {
  (void)state;
  assert_int_equal(ps_trust_check_code(file, &error), 0);
}

static void relative_path_passes(void **state) {
  (void)state;
  char before[1024];
  assert_non_null(getcwd(before, sizeof(before)));
  assert_int_equal(chdir(folder), 0);
  int code = ps_trust_check_code("./../folder//file", &error);
  assert_int_equal(chdir(before), 0);
  assert_int_equal(code, 0);
}

static void open_gives_the_file_and_its_real_path(void **state) {
  (void)state;
  char link[128];
  (void)snprintf(link, sizeof(link), "%s/link", base);
  assert_int_equal(symlink("folder/file", link), 0);
  int fd = -1;
  char *resolved = NULL;
  assert_int_equal(ps_trust_open_code(link, &fd, &resolved, &error), 0);
  struct stat opened;
  struct stat expected;
  assert_int_equal(fstat(fd, &opened), 0);
  assert_int_equal(stat(file, &expected), 0);
  assert_true(opened.st_ino == expected.st_ino && opened.st_dev == expected.st_dev);
  assert_string_equal(resolved, file);
  assert_int_equal(close(fd), 0);
  free(resolved);
}

static void missing_file_is_told_apart(void **state) {
  (void)state;
  char path[160];
  (void)snprintf(path, sizeof(path), "%s/none", folder);
  assert_int_equal(ps_trust_check_code(path, &error), PENSTOCK_E_NOT_FOUND);
  assert_non_null(strstr(error.what, path));
}

static void group_writable_file_is_refused(void **state) {
  (void)state;
  assert_int_equal(chmod(file, 0664), 0);
  assert_refused(file, "written by its group", "chmod go-w");
  assert_non_null(strstr(error.what, "mode 0664"));
  assert_non_null(strstr(error.what, file));
}

static void world_writable_file_is_refused(void **state) {
  (void)state;
  assert_int_equal(chmod(file, 0646), 0);
  assert_refused(file, "written by everyone", "chmod go-w");
}

static void writable_folder_is_refused(void **state) {
  (void)state;
  assert_int_equal(chmod(folder, 0770), 0);
  assert_refused(file, "folder can be written by its group", folder);
  assert_int_equal(chmod(folder, 0707), 0);
  assert_refused(file, "folder can be written by everyone", folder);
}

static void writable_ancestor_is_refused(void **state) {
  (void)state;
  assert_int_equal(chmod(base, 0777), 0);
  assert_refused(file, "folder can be written by everyone", base);
}

static void sticky_ancestor_passes(void **state) {
  (void)state;
  assert_int_equal(chmod(base, 01777), 0);
  assert_int_equal(ps_trust_check_code(file, &error), 0);
}

/* The place where the link lies counts as much as the place that it leads to. */
static void link_in_a_writable_folder_is_refused(void **state) {
  (void)state;
  char open_folder[96];
  char link[128];
  (void)snprintf(open_folder, sizeof(open_folder), "%s/open", base);
  (void)snprintf(link, sizeof(link), "%s/link", open_folder);
  assert_int_equal(mkdir(open_folder, 0700), 0);
  assert_int_equal(symlink(file, link), 0);
  assert_int_equal(ps_trust_check_code(link, &error), 0);
  assert_int_equal(chmod(open_folder, 0777), 0);
  assert_refused(link, "folder can be written by everyone", open_folder);
}

static void link_to_a_writable_file_is_refused(void **state) {
  (void)state;
  char link[128];
  (void)snprintf(link, sizeof(link), "%s/link", base);
  assert_int_equal(symlink(file, link), 0);
  assert_int_equal(chmod(file, 0666), 0);
  assert_refused(link, "file can be written by everyone", file);
}

static void circle_of_links_ends(void **state) {
  (void)state;
  char link[128];
  (void)snprintf(link, sizeof(link), "%s/circle", base);
  assert_int_equal(symlink("circle", link), 0);
  assert_refused(link, "links", "");
}

static void folder_and_pipe_are_no_files(void **state) {
  (void)state;
  char pipe_path[128];
  (void)snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", base);
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  assert_refused(folder, "this is a folder", "regular file");
  assert_refused(pipe_path, "no regular file", "regular file");
  assert_refused("/", "this is a folder", "regular file");
}

static void long_paths_are_refused(void **state) {
  (void)state;
  static char path[8192];
  memset(path, 'a', sizeof(path) - 1);
  assert_refused(path, "too long", "");
  path[300] = '\0';
  assert_refused(path, "too long", "");
}

static void the_command_is_quoted(void **state) {
  (void)state;
  char path[160];
  (void)snprintf(path, sizeof(path), "%s/a b'$(c)", folder);
  put(path, 0666);
  char command[256];
  (void)snprintf(command, sizeof(command), "chmod go-w '%s/a b'\\''$(c)'", folder);
  assert_refused(path, "everyone", command);
}

/* The verdict itself, for owners that a test may have no right to make. */
static void owners_are_judged(void **state) {
  (void)state;
  struct stat facts = {.st_mode = S_IFREG | 0644, .st_uid = 1000};
  assert_int_equal(ps_trust_judge("/f", &facts, 1000, &error), 0);
  assert_int_equal(ps_trust_judge("/f", &facts, 1001, &error), PENSTOCK_E_FAILED);
  assert_non_null(strstr(error.what, "mode 0644"));
  assert_non_null(strstr(error.next, "chown"));
  assert_int_equal(ps_trust_judge("/f", &facts, 0, &error), PENSTOCK_E_FAILED);
  facts.st_uid = 0;
  assert_int_equal(ps_trust_judge("/f", &facts, 1001, &error), 0);

  /* The owner of a sticky folder may exchange what lies in it. */
  struct stat sticky = {.st_mode = S_IFDIR | 01777, .st_uid = 1000};
  assert_int_equal(ps_trust_judge("/d", &sticky, 1001, &error), PENSTOCK_E_FAILED);
  sticky.st_uid = 0;
  assert_int_equal(ps_trust_judge("/d", &sticky, 1001, &error), 0);
  /* On a file the sticky bit protects nothing. */
  facts.st_mode = S_IFREG | 01666;
  assert_int_equal(ps_trust_judge("/f", &facts, 1001, &error), PENSTOCK_E_FAILED);

  /* A link that somebody else put into /tmp, in our name's place. */
  struct stat link = {.st_mode = S_IFLNK | 0777, .st_uid = 1000};
  assert_int_equal(ps_trust_judge("/l", &link, 1001, &error), PENSTOCK_E_FAILED);
  assert_int_equal(ps_trust_judge("/l", &link, 1000, &error), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(own_file_passes, setup, teardown),
      cmocka_unit_test_setup_teardown(relative_path_passes, setup, teardown),
      cmocka_unit_test_setup_teardown(open_gives_the_file_and_its_real_path, setup, teardown),
      cmocka_unit_test_setup_teardown(missing_file_is_told_apart, setup, teardown),
      cmocka_unit_test_setup_teardown(group_writable_file_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(world_writable_file_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(writable_folder_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(writable_ancestor_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(sticky_ancestor_passes, setup, teardown),
      cmocka_unit_test_setup_teardown(link_in_a_writable_folder_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(link_to_a_writable_file_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(circle_of_links_ends, setup, teardown),
      cmocka_unit_test_setup_teardown(folder_and_pipe_are_no_files, setup, teardown),
      cmocka_unit_test_setup_teardown(long_paths_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(the_command_is_quoted, setup, teardown),
      cmocka_unit_test(owners_are_judged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

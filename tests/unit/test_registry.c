/* SPDX-License-Identifier: MIT */
/* Finding and loading: what is named is loaded, what is refused never runs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugin/registry.h"
#include "plugin_files.h"

static char base[64];
static char first[96];
static char second[96];
static char folders[256];
static char tripwire[96];
static penstock_error error;

static int setup(void **state) {
  (void)state;
  (void)snprintf(base, sizeof(base), "/tmp/penstock-registry-XXXXXX");
  assert_non_null(mkdtemp(base));
  (void)snprintf(first, sizeof(first), "%s/first", base);
  (void)snprintf(second, sizeof(second), "%s/second", base);
  (void)snprintf(folders, sizeof(folders), "%s:%s", first, second);
  (void)snprintf(tripwire, sizeof(tripwire), "%s/tripwire", base);
  assert_int_equal(mkdir(first, 0700), 0);
  assert_int_equal(mkdir(second, 0700), 0);
  assert_int_equal(setenv("PENSTOCK_TEST_TRIPWIRE", tripwire, 1), 0);
  memset(&error, 0, sizeof(error));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  (void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
  return system(command); // NOLINT(cert-env33-c): the folder is our own
}

/** Puts a test plugin into a folder as NAME.so; returns its path. */
static const char *place(const char *plugin, const char *folder, const char *name) {
  static char path[256];
  (void)snprintf(path, sizeof(path), "%s/%s.so", folder, name);
  copy_plugin(plugin, path);
  return path;
}

static const penstock_transport *find(const char *transport, const char *pin) {
  ps_plugin_request request = {.transport = transport, .plugin_path = folders, .plugin_sha256 = pin};
  const penstock_transport *found = NULL;
  const ps_plugin *plugin = NULL;
  int code = ps_registry_find(&request, &found, &plugin, &error);
  assert_true(code == 0 ? found && plugin : code < 0 && !found);
  return found;
}

static void assert_words(const char *words, const char *next) {
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  if (!strstr(error.what, words) || !strstr(error.next, next)) {
    print_error("what: %s\nnext: %s\ndetail: %s\n", error.what, error.next, error.detail);
    fail();
  }
}

static int tripped(void) {
  return access(tripwire, F_OK) == 0;
}

/** Nothing of that name can be had, these are the words, and no code of it ran. */
static void assert_refused(const char *transport, const char *words, const char *next) {
  assert_null(find(transport, NULL));
  assert_words(words, next);
  assert_false(tripped());
}

static void plugin_is_found_by_its_name(void **state) {
  (void)state;
  (void)place("good.so", second, "good");
  assert_false(tripped());
  const penstock_transport *good = find("good", NULL);
  assert_non_null(good);
  assert_true(tripped()); /* so that its absence elsewhere proves something */
  assert_string_equal(good->name, "good");
  assert_int_equal(good->option_count, 5);
  assert_string_equal(good->options[2].choices[1], "green");
  assert_ptr_equal(find("good", NULL), good); /* loaded once */
}

static void plugin_is_found_by_its_file(void **state) {
  (void)state;
  const char *path = place("good.so", first, "any-name");
  ps_plugin_request request = {.transport = "better", .plugin = path};
  const penstock_transport *found = NULL;
  const ps_plugin *plugin = NULL;
  assert_int_equal(ps_registry_find(&request, &found, &plugin, &error), 0);
  assert_string_equal(found->name, "better");
  assert_string_equal(plugin->path, path);
  assert_string_equal(plugin->plugin->name, "test-good");
  assert_int_equal(plugin->plugin->transport_count, 2);

  request.transport = "best";
  assert_int_equal(ps_registry_find(&request, &found, &plugin, &error), PENSTOCK_E_NOT_FOUND);
  assert_words("brings no transport 'best'", "good, better");
}

static void first_folder_wins(void **state) {
  (void)state;
  (void)place("good.so", second, "good");
  (void)place("no-symbol.so", first, "good");
  assert_refused("good", "first/good.so: refused: it does not export", "");
}

static void missing_members_read_as_zero(void **state) {
  (void)state;
  (void)place("shrunk.so", first, "shrunk");
  const penstock_transport *shrunk = find("shrunk", NULL);
  assert_non_null(shrunk);
  assert_int_equal(shrunk->struct_size, sizeof(penstock_transport));
  assert_null(shrunk->get_extension);
  assert_non_null(shrunk->cancel_open);
}

static void later_members_are_left_out(void **state) {
  (void)state;
  (void)place("grown.so", first, "grown");
  const penstock_transport *grown = find("grown", NULL);
  assert_non_null(grown);
  assert_int_equal(grown->struct_size, sizeof(penstock_transport));
  assert_int_equal(grown->option_count, 2);
  assert_string_equal(grown->options[1].key, "second"); /* the plugin's stride is not ours */
  assert_int_equal(grown->options[1].struct_size, sizeof(penstock_option));
}

static void refused_files_never_run(void **state) {
  (void)state;
  static const struct {
    const char *file, *name, *words, *next;
  } cases[] = {
      {"other-major.so", "other-major", "version 2 of the plugin interface", "newer penstock"},
      {"older-major.so", "older-major", "version 0 of the plugin interface", "newer build"},
      {"no-symbol.so", "no-symbol", "does not export penstock_plugin_1", "PENSTOCK_PLUGIN"},
      {"function.so", "function", "is a function", "PENSTOCK_PLUGIN"},
      {"small.so", "small", "too small", "PENSTOCK_PLUGIN"},
      {"program.so", "program", "is a program", "cc -shared"},
      {"unbound.so", "unbound", "penstock_test_is_nowhere", "ldd"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    (void)place(cases[i].file, first, cases[i].name);
    assert_refused(cases[i].name, cases[i].words, cases[i].next);
  }
}

static void truncated_file_never_runs(void **state) {
  (void)state;
  const char *path = place("good.so", first, "good");
  struct stat facts;
  assert_int_equal(stat(path, &facts), 0);
  assert_int_equal(truncate(path, facts.st_size / 2), 0);
  assert_refused("good", "truncated", "again");
}

static void writable_file_or_folder_never_runs(void **state) {
  (void)state;
  const char *path = place("good.so", first, "good");
  assert_int_equal(chmod(path, 0666), 0);
  assert_refused("good", "file can be written by everyone", "chmod go-w");
  assert_int_equal(chmod(path, 0664), 0);
  assert_refused("good", "file can be written by its group", "chmod go-w");
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(chmod(first, 0770), 0);
  assert_refused("good", "folder can be written by its group", "chmod go-w");
  assert_int_equal(chmod(first, 0700), 0);
  assert_non_null(find("good", NULL));
}

static void wrong_pin_never_runs(void **state) {
  (void)state;
  (void)place("good.so", first, "good");
  char pin[65];
  memset(pin, 'a', sizeof(pin) - 1);
  pin[64] = '\0';
  assert_null(find("good", pin));
  assert_words("its SHA-256 sum is", "do not use it");
  assert_false(tripped());
  pin[63] = '\0';
  assert_null(find("good", pin));
  assert_words("not a SHA-256 sum", "sha256sum ");
  assert_false(tripped());
}

static void right_pin_passes_and_is_checked_again(void **state) {
  (void)state;
  (void)place("good.so", first, "good");
  char wrong[65];
  memset(wrong, '0', sizeof(wrong) - 1);
  wrong[64] = '\0';
  assert_null(find("good", wrong));
  /* The refusal tells the sum; it is the one that sha256sum prints, see test_pin. */
  char pin[65];
  const char *sum = strstr(error.what, "sum is ");
  assert_non_null(sum);
  memcpy(pin, sum + strlen("sum is "), 64);
  pin[64] = '\0';
  const penstock_transport *good = find("good", pin);
  assert_non_null(good);
  /* That it is loaded already does not make another pin right. */
  assert_null(find("good", wrong));
}

static void bad_table_is_refused(void **state) {
  (void)state;
  (void)place("bad-table.so", first, "bad-table");
  assert_null(find("bad-table", NULL));
  assert_words("transport 'bad-table': its slot connect is empty", "author");
}

static void unknown_name_gets_the_nearest(void **state) {
  (void)state;
  (void)place("good.so", first, "good");
  (void)place("grown.so", second, "grown");
  assert_refused("godo", "there is no transport 'godo'; did you mean 'good'?", "good, grown");
  assert_non_null(strstr(error.detail, first));
  assert_non_null(strstr(error.detail, second));
  assert_refused("winnative", "there is no transport 'winnative'", "good, grown");
  assert_null(strstr(error.what, "did you mean"));
  assert_refused("../second/grown", "there is no transport '../second/grown'", "");
  assert_refused("", "names no transport", "plugin list");
}

static void missing_file_is_an_error(void **state) {
  (void)state;
  ps_plugin_request request = {.transport = "good", .plugin = "/nowhere/good.so"};
  const penstock_transport *found = NULL;
  assert_int_equal(ps_registry_find(&request, &found, NULL, &error), PENSTOCK_E_NOT_FOUND);
  assert_words("/nowhere", "spelling");
}

static void lists_are_in_order(void **state) {
  (void)state;
  char path[256];
  (void)place("good.so", first, "b");
  (void)place("good.so", first, "a");
  (void)snprintf(path, sizeof(path), "%s/readme.txt", first);
  write_file(path, "x", 1);
  ps_plugin_request request = {.plugin_path = folders};
  char **list = ps_registry_folders(&request);
  assert_string_equal(list[0], first);
  assert_string_equal(list[1], second);
  assert_non_null(strstr(list[2], "plugins"));
  assert_null(list[3]);
  ps_registry_free_list(list);

  list = ps_registry_files(first);
  (void)snprintf(path, sizeof(path), "%s/a.so", first);
  assert_string_equal(list[0], path);
  (void)snprintf(path, sizeof(path), "%s/b.so", first);
  assert_string_equal(list[1], path);
  assert_null(list[2]);
  ps_registry_free_list(list);

  list = ps_registry_files("/nowhere");
  assert_non_null(list);
  assert_null(list[0]);
  ps_registry_free_list(list);
  assert_false(tripped());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(plugin_is_found_by_its_name, setup, teardown),
      cmocka_unit_test_setup_teardown(plugin_is_found_by_its_file, setup, teardown),
      cmocka_unit_test_setup_teardown(first_folder_wins, setup, teardown),
      cmocka_unit_test_setup_teardown(missing_members_read_as_zero, setup, teardown),
      cmocka_unit_test_setup_teardown(later_members_are_left_out, setup, teardown),
      cmocka_unit_test_setup_teardown(refused_files_never_run, setup, teardown),
      cmocka_unit_test_setup_teardown(truncated_file_never_runs, setup, teardown),
      cmocka_unit_test_setup_teardown(writable_file_or_folder_never_runs, setup, teardown),
      cmocka_unit_test_setup_teardown(wrong_pin_never_runs, setup, teardown),
      cmocka_unit_test_setup_teardown(right_pin_passes_and_is_checked_again, setup, teardown),
      cmocka_unit_test_setup_teardown(bad_table_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(unknown_name_gets_the_nearest, setup, teardown),
      cmocka_unit_test_setup_teardown(missing_file_is_an_error, setup, teardown),
      cmocka_unit_test_setup_teardown(lists_are_in_order, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

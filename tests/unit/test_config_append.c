/* SPDX-License-Identifier: MIT */
/* Writing to a profiles file: values come back as they were, and the file is never broken. */
#include <fcntl.h>

#include "base/text.h"
#include "config/append.h"
#include "config/ini_text.h"
#include "config_fixture.h"

/* --- values ------------------------------------------------------------------------------------- */

static const penstock_option options[] = {
    {sizeof(penstock_option), PENSTOCK_OPTION_STRING, 0, 0, "text", NULL, "", 0, 0, NULL},
    {sizeof(penstock_option), PENSTOCK_OPTION_LIST, 0, 0, "list", NULL, "", 0, 0, NULL},
};
static const penstock_transport transport = {
    .struct_size = sizeof(transport), .name = "test", .options = options, .option_count = COUNT(options)};

static const char *const values[] = {
    "x",
    "a b",
    " a ",
    "a, b",
    "a;b",
    "a ;b",
    "a # b",
    "#a",
    ";a",
    "[a]",
    "a=b",
    "=",
    "\"",
    "\"a\"",
    "\"a\" b",
    "a \"b\" c",
    "it's",
    "it's ; 'b",
    "a\\",
    "a\\b",
    "a\\\\b",
    "a\\\"b",
    "\\",
    "$",
    "$$",
    "$HOME",
    "${HOME}",
    "${NOPE}",
    "${NOPE:-x,y}",
    "$(reboot)",
    "~",
    "~/x",
    "SetEnv=A=\"x y\"",
    "ProxyCommand=sh -c 'a ; b' # \"c, d\"",
    "k=\"",
    "\xC3\xA4 \xE2\x82\xAC",
};

static ps_settings *load_value(const ps_text *lines) {
  ps_text text = {0};
  ps_text_adds(&text, "[lab]\ntransport = test\n");
  ps_text_adds(&text, lines->data);
  fixture_load(text.data);
  free(text.data);
  assert_no_problems();
  ps_settings *settings = ps_config_check_profile(config, "lab", &transport, &problems);
  assert_no_problems();
  assert_non_null(settings);
  return settings;
}

static void a_text_comes_back_as_it_was(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(values); i++) {
    for (int with_comment = 0; with_comment < 2; with_comment++) {
      ps_text lines = {0};
      assert_int_equal(ps_ini_add_key(&lines, "text", values[i], with_comment ? "a \"comment; x" : NULL), 0);
      ps_settings *settings = load_value(&lines);
      assert_string_equal(ps_settings_string(settings, "text"), values[i]);
      ps_settings_free(settings);
      free(lines.data);
    }
  }
}

static void a_list_comes_back_as_it_was(void **state) {
  const char *list[COUNT(values) + 2] = {"", NULL};
  ps_text lines = {0};
  (void)state;
  for (size_t i = 0; i < COUNT(values); i++) {
    const char *one[] = {values[i], NULL};
    list[i + 1] = values[i];
    assert_int_equal(ps_ini_add_list(&lines, "list", one, "a comment"), 0);
    ps_settings *settings = load_value(&lines);
    assert_string_equal(ps_settings_item(settings, "list", 0), values[i]);
    assert_null(ps_settings_item(settings, "list", 1));
    ps_settings_free(settings);
    lines.size = 0;
  }
  assert_int_equal(ps_ini_add_list(&lines, "list", list, NULL), 0);
  ps_settings *settings = load_value(&lines);
  for (uint32_t i = 0; list[i]; i++) {
    assert_string_equal(ps_settings_item(settings, "list", i), list[i]);
  }
  assert_null(ps_settings_item(settings, "list", COUNT(values) + 1));
  ps_settings_free(settings);
  free(lines.data);
}

static void what_no_file_can_hold_is_refused(void **state) {
  static const char *const bad[] = {"a\nb", "a\tb", "\033[31m", "\xFF", "\xC3", "\xC2\x85"};
  (void)state;
  for (size_t i = 0; i < COUNT(bad); i++) {
    const char *list[] = {"a", bad[i], NULL};
    ps_text lines = {0};
    assert_int_equal(ps_ini_add_key(&lines, "text", bad[i], NULL), PENSTOCK_E_INVALID);
    assert_int_equal(ps_ini_add_list(&lines, "list", list, NULL), PENSTOCK_E_INVALID);
    assert_int_equal(lines.size, 0);
    free(lines.data);
  }
}

static void an_exact_text_is_taken_as_it_is(void **state) {
  ps_settings *settings = ps_settings_defaults("lab", &transport);
  (void)state;
  assert_non_null(settings);
  assert_int_equal(ps_settings_set_exact(settings, "text", "\"${NOPE}\" $$ \\\n x"), 0);
  assert_string_equal(ps_settings_string(settings, "text"), "\"${NOPE}\" $$ \\\n x");
  assert_null(ps_settings_origin(settings, "text"));
  assert_int_not_equal(ps_settings_set_exact(settings, "list", "x"), 0);
  assert_int_not_equal(ps_settings_set_exact(settings, "nope", "x"), 0);
  ps_settings_free(settings);
}

static void names_are_judged(void **state) {
  static const char *const bad[] = {"",        "-a",      "a]",   "[a",    "a\"b", "a\\b", " a",       "a ",
                                    "gateway", "Gateway", "a\nb", "a\x7F", "\xFF", "\tab", "\xC2\x85", "a[b]"};
  char long_name[66];
  (void)state;
  for (size_t i = 0; i < COUNT(bad); i++) {
    assert_non_null(ps_config_name_fault(bad[i]));
  }
  memset(long_name, 'x', sizeof(long_name) - 1);
  long_name[65] = '\0';
  assert_non_null(ps_config_name_fault(long_name));
  long_name[64] = '\0';
  assert_null(ps_config_name_fault(long_name));
  assert_null(ps_config_name_fault("gpu 01"));
  assert_null(ps_config_name_fault("\xC3\xA4"));
}

/* --- the file ----------------------------------------------------------------------------------- */

static char *read_back(const char *path) {
  static char bytes[4096];
  FILE *file = fopen(path, "re");
  if (!file) {
    return NULL;
  }
  size_t size = fread(bytes, 1, sizeof(bytes) - 1, file);
  (void)fclose(file);
  bytes[size] = '\0';
  return bytes;
}

/* What a check gets, and what it says. */
typedef struct check {
  int answer;
  int calls;
  char seen[4096];
  const char *spoil; /* a file to write to meanwhile */
} check;

static int look(void *context, const char *made) {
  check *self = context;
  self->calls++;
  (void)snprintf(self->seen, sizeof(self->seen), "%s", read_back(made));
  if (self->spoil) {
    FILE *file = fopen(self->spoil, "ae");
    assert_non_null(file);
    (void)fputs("; somebody else\n", file);
    (void)fclose(file);
  }
  return self->answer;
}

/* How many files are in the folder? */
static int count_files(void) {
  char command[128];
  int count = 0;
  (void)snprintf(command, sizeof(command), "ls -A %s | wc -l", fixture_folder);
  FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c) */
  assert_non_null(pipe);
  assert_int_equal(fscanf(pipe, "%d", &count), 1); /* NOLINT(cert-err34-c) */
  (void)pclose(pipe);
  return count;
}

static mode_t mode_of(const char *path) {
  struct stat facts;
  assert_int_equal(stat(path, &facts), 0);
  return facts.st_mode & 07777;
}

static void a_file_is_added_to(void **state) {
  static const struct {
    const char *before;
    const char *after;
  } rows[] = {
      {"", "[b]\nx = 1\n"},
      {"[a]\n", "[a]\n\n[b]\nx = 1\n"},
      {"[a]\n; no end", "[a]\n; no end\n\n[b]\nx = 1\n"},
      {"[a]\r\ny = 2\r\n", "[a]\r\ny = 2\r\n\r\n[b]\r\nx = 1\r\n"},
      {"\xEF\xBB\xBF[a]\n  ; odd\t \n\n\n", "\xEF\xBB\xBF[a]\n  ; odd\t \n\n\n\n[b]\nx = 1\n"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    check saw = {0};
    penstock_error error;
    (void)fixture_write("penstock.ini", rows[i].before);
    assert_int_equal(chmod(fixture_path, 0640), 0);
    assert_int_equal(ps_config_append(fixture_path, "[b]\nx = 1\n", look, &saw, &error), 0);
    assert_string_equal(read_back(fixture_path), rows[i].after);
    assert_string_equal(saw.seen, rows[i].after);
    assert_int_equal(mode_of(fixture_path), 0640);
    assert_int_equal(count_files(), 1);
  }
}

static void a_file_is_made_with_its_folders(void **state) {
  char path[256];
  check saw = {0};
  penstock_error error;
  (void)state;
  (void)snprintf(path, sizeof(path), "%s/a/b/penstock.ini", fixture_folder);
  assert_int_equal(ps_config_append(path, "[b]\n", look, &saw, &error), 0);
  assert_string_equal(read_back(path), "[b]\n");
  assert_int_equal(mode_of(path), 0600);
  (void)snprintf(path, sizeof(path), "%s/a/b", fixture_folder);
  assert_int_equal(mode_of(path), 0700);
}

static void a_link_stays_a_link(void **state) {
  char link[256];
  char target[8];
  check saw = {0};
  penstock_error error;
  (void)state;
  (void)fixture_write("real.ini", "[a]\n");
  (void)snprintf(link, sizeof(link), "%s/link.ini", fixture_folder);
  assert_int_equal(symlink("real.ini", link), 0);
  assert_int_equal(ps_config_append(link, "[b]\n", look, &saw, &error), 0);
  assert_int_equal(readlink(link, target, sizeof(target)), 8);
  assert_string_equal(read_back(link), "[a]\n\n[b]\n");
}

static void a_refused_file_is_not_put_in_place(void **state) {
  check saw = {.answer = 7};
  penstock_error error;
  (void)state;
  (void)fixture_write("penstock.ini", "[a]\n");
  assert_int_equal(ps_config_append(fixture_path, "[b]\n", look, &saw, &error), 7);
  assert_int_equal(saw.calls, 1);
  assert_string_equal(read_back(fixture_path), "[a]\n");
  assert_int_equal(count_files(), 1);
}

static void what_others_write_meanwhile_is_kept(void **state) {
  check saw = {.spoil = fixture_path};
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  (void)fixture_write("penstock.ini", "[a]\n");
  assert_int_equal(ps_config_append(fixture_path, "[b]\n", look, &saw, &error), PENSTOCK_E_FAILED);
  assert_non_null(strstr(error.what, "was changed meanwhile"));
  assert_string_equal(read_back(fixture_path), "[a]\n; somebody else\n");
  assert_int_equal(count_files(), 1);
}

static void what_cannot_be_written_is_told(void **state) {
  char path[300];
  check saw = {0};
  penstock_error error = {.struct_size = sizeof(error)};
  (void)state;
  (void)fixture_write("penstock.ini", "[a]\n");
  (void)snprintf(path, sizeof(path), "%s/x.ini", fixture_path); /* below a file */
  assert_int_equal(ps_config_append(path, "[b]\n", look, &saw, &error), PENSTOCK_E_FAILED);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(error.what, path));
  assert_int_equal(ps_config_append(fixture_folder, "[b]\n", look, &saw, &error), PENSTOCK_E_FAILED);
  assert_int_equal(saw.calls, 0);
}

int main(void) {
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
  const struct CMUnitTest tests[] = {
      IN_FOLDER(a_text_comes_back_as_it_was),
      IN_FOLDER(a_list_comes_back_as_it_was),
      cmocka_unit_test(what_no_file_can_hold_is_refused),
      cmocka_unit_test(an_exact_text_is_taken_as_it_is),
      cmocka_unit_test(names_are_judged),
      IN_FOLDER(a_file_is_added_to),
      IN_FOLDER(a_file_is_made_with_its_folders),
      IN_FOLDER(a_link_stays_a_link),
      IN_FOLDER(a_refused_file_is_not_put_in_place),
      IN_FOLDER(what_others_write_meanwhile_is_kept),
      IN_FOLDER(what_cannot_be_written_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

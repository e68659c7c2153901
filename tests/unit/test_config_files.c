/* SPDX-License-Identifier: MIT */
/* Finding, reading and including files. */
#include "config_fixture.h"

static void assert_raw(const char *profile, const char *key, const char *expected) {
  const char *text = ps_config_raw(config, profile, key);
  assert_non_null(text);
  assert_string_equal(text, expected);
}

static void sections_in_order(void **state) {
  (void)state;
  fixture_load(
      "; a comment\n# another\n[gateway]\nprofile = lab two\n[ lab two ] ; here too\ntransport = ssh ; kept out\n"
      "description: Lab; no comment\n\n[a]\n");
  assert_no_problems();
  assert_string_equal(ps_config_path(config), fixture_path);
  assert_int_equal(ps_config_profile_count(config), 2);
  assert_string_equal(ps_config_profile_name(config, 0), "lab two");
  assert_string_equal(ps_config_profile_name(config, 1), "a");
  assert_null(ps_config_profile_name(config, 2));
  assert_raw("lab two", "transport", "ssh");
  assert_raw("lab two", "description", "Lab; no comment");
  assert_null(ps_config_raw(config, "a", "transport"));
  assert_null(ps_config_raw(config, "nobody", "transport"));
}

static void quotes_and_comments(void **state) {
  (void)state;
  fixture_load("[a]\ndescription = \"a ; b \" ; c\nx = say \"a ; b\" now\ny = 5\" disk ; gone\nz = \"q \\\" \\\\ "
               "r\"\nw = it's ; gone\n"
               "v = \"one\" \"two\"\n");
  assert_no_problems();
  assert_raw("a", "description", "a ; b ");
  assert_raw("a", "x", "say \"a ; b\" now");
  assert_raw("a", "y", "5\" disk");
  assert_raw("a", "z", "q \" \\ r");
  assert_raw("a", "w", "it's");
  assert_raw("a", "v", "\"one\" \"two\"");
}

static void any_line_ends_and_a_bom(void **state) {
  (void)state;
  fixture_load("\xEF\xBB\xBF[a]\r\ntransport = ssh\r\n\r\n[b]\r\ntransport = local");
  assert_no_problems();
  assert_raw("a", "transport", "ssh");
  assert_raw("b", "transport", "local");
}

/* Whatever the line limit of this build of inih is, ours is the one that counts. */
static void long_lines_stay_whole(void **state) {
  (void)state;
  char value[5001];
  char text[5100];
  const char *pieces = "word ;x,  end#";
  for (size_t i = 0; i < sizeof(value) - 1; i++) {
    value[i] = pieces[i % strlen(pieces)];
  }
  value[sizeof(value) - 2] = '.';
  value[sizeof(value) - 1] = '\0';
  (void)snprintf(text, sizeof(text), "[a]\nx = \"%s\"\ny = 1\n", value);
  fixture_load(text);
  assert_no_problems();
  assert_raw("a", "x", value);
  assert_raw("a", "y", "1");
}

static void indented_keys_are_keys(void **state) {
  (void)state;
  fixture_load("[a]\n  transport = ssh\n  description = x\n[b]\n\ttransport = local\n");
  assert_no_problems();
  assert_raw("a", "transport", "ssh");
  assert_raw("a", "description", "x");
  assert_raw("b", "transport", "local");
}

static void bad_lines_are_all_told(void **state) {
  (void)state;
  static const char text[] =
      "early = 1\n[a]\nnonsense\n= 5\nx = 1\nx = 2\n[a]\ny = 1\n[b\n[]\n[-x]\n[GATEWAY]\n[c] more\n"
      "z\0z = 1\nq\xFF = 1\nq\001 = 1\n[a\"b]\n";
  (void)fixture_write_bytes("penstock.ini", text, sizeof(text) - 1);
  config = ps_config_load(fixture_path, &problems);
  assert_non_null(config);
  (void)find_problem(1, "before any section");
  (void)find_problem(3, "neither `key = value` nor a [section]");
  (void)find_problem(4, "no key before the `=`");
  assert_non_null(strstr(find_problem(6, "`x` is set twice")->text, "penstock.ini:5"));
  assert_non_null(strstr(find_problem(7, "[a] is there twice")->text, "penstock.ini:2"));
  (void)find_problem(9, "closing `]`");
  (void)find_problem(10, "empty");
  (void)find_problem(11, "taken for an option");
  (void)find_problem(12, "write [gateway]");
  (void)find_problem(13, "`more` follows");
  (void)find_problem(14, "NUL");
  (void)find_problem(15, "0xFF is no UTF-8");
  (void)find_problem(16, "control character");
  (void)find_problem(17, "quote");
  assert_int_equal(problems.count, 14);
  assert_int_equal(ps_problems_fatal(&problems), 14);
}

static void odd_files(void **state) {
  (void)state;
  fixture_load("");
  assert_no_problems();
  assert_int_equal(ps_config_profile_count(config), 0);
  fixture_load("[a]\nx = 1 # not a comment\n");
  assert_int_equal(find_problem(2, "`#` begins no comment")->fatal, 0);
  fixture_clear();
  (void)fixture_write_bytes("penstock.ini", "\xFF\xFE[\0a\0]\0", 8);
  config = ps_config_load(fixture_path, &problems);
  (void)find_problem(1, "UTF-16");
  fixture_clear();
  char *huge = calloc(1, 1100000);
  memset(huge, '\n', 1100000);
  (void)fixture_write_bytes("penstock.ini", huge, 1100000);
  config = ps_config_load(fixture_path, &problems);
  (void)find_problem(0, "larger than 1 MiB");
  fixture_clear();
  memset(huge, 'x', 20000);
  huge[20000] = '\n';
  (void)fixture_write_bytes("penstock.ini", huge, 20001);
  free(huge);
  config = ps_config_load(fixture_path, &problems);
  (void)find_problem(1, "longer than 16384 bytes");
  assert_int_equal(problems.count, 1);
}

static void untrusted_files(void **state) {
  (void)state;
  fixture_load("[a]\n");
  assert_int_equal(chmod(fixture_path, 0644), 0);
  fixture_clear();
  config = ps_config_load(fixture_path, &problems);
  assert_non_null(config);
  assert_int_equal(find_problem(0, "chmod 600")->fatal, 0);
  fixture_clear();
  assert_int_equal(chmod(fixture_path, 0602), 0);
  config = ps_config_load(fixture_path, &problems);
  assert_null(config);
  assert_int_equal(find_problem(0, "chmod go-w")->fatal, 1);
  fixture_clear();
  assert_int_equal(chmod(fixture_path, 0600), 0);
  assert_int_equal(chmod(fixture_folder, 0777), 0);
  config = ps_config_load(fixture_path, &problems);
  assert_null(config);
  (void)find_problem(0, "folder can be written by everyone");
  fixture_clear();
  assert_int_equal(chmod(fixture_folder, 0700), 0);
  config = ps_config_load(fixture_folder, &problems);
  assert_null(config);
  (void)find_problem(0, "folder");
  fixture_clear();
  config = ps_config_load("/nonexistent/penstock.ini", &problems);
  assert_null(config);
  (void)find_problem(0, "No such file");
}

static void includes(void **state) {
  (void)state;
  char folder[64];
  (void)snprintf(folder, sizeof(folder), "%s/d[1]", fixture_folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  (void)fixture_write("one.ini", "include = d[1]/deep.ini\n[one]\ntransport = ssh\n");
  (void)fixture_write("d[1]/deep.ini", "include = *.part\n[deep]\ntransport = ssh\n");
  (void)fixture_write("d[1]/x.part", "[x]\ntransport = local\n");
  (void)fixture_write("d[1]/y.part", "[y]\ntransport = local\nplugin = sub/p.so\n");
  assert_int_equal(setenv("PENSTOCK_TEST_NAME", "one", 1), 0);
  fixture_load("[gateway]\ninclude = ${PENSTOCK_TEST_NAME}.ini\n[main]\ninherit = y\n");
  assert_no_problems();
  assert_int_equal(ps_config_profile_count(config), 5);
  assert_string_equal(ps_config_profile_name(config, 0), "main");
  assert_string_equal(ps_config_profile_name(config, 1), "one");
  assert_string_equal(ps_config_profile_name(config, 2), "deep");
  assert_raw("main", "transport", "local");
  /* A path counts from the file that it stands in, also when it is inherited. */
  char expected[96];
  (void)snprintf(expected, sizeof(expected), "%s/sub/p.so", folder);
  assert_raw("main", "plugin", expected);
}

static void bad_includes(void **state) {
  (void)state;
  (void)fixture_write("loop.ini", "include = penstock.ini\n");
  (void)fixture_write("open.ini", "[open]\n");
  (void)fixture_write("dup.ini", "\n[a]\n");
  char path[64];
  (void)snprintf(path, sizeof(path), "%s/open.ini", fixture_folder);
  assert_int_equal(chmod(path, 0666), 0);
  fixture_load("include = loop.ini, missing.ini\n  dup.ini\n  dup.ini\n  *.none\n  open.ini, ${PENSTOCK_NOT_SET}/x\n"
               "[a]\ninclude = x.ini\n[gateway]\ninclude = \"oops\n");
  (void)find_problem(1, "circle");
  (void)find_problem(1, "missing.ini: No such file");
  assert_non_null(strstr(find_problem(2, "[a] is there twice")->file, "dup.ini"));
  (void)find_problem(3, "dup.ini is included twice");
  assert_int_equal(find_problem(4, "no file matches")->fatal, 0);
  assert_non_null(strstr(find_problem(0, "can be written by everyone")->file, "open.ini"));
  (void)find_problem(5, "PENSTOCK_NOT_SET is not set");
  (void)find_problem(7, "`include` belongs at the top");
  (void)find_problem(9, "quote is not closed");
  assert_null(ps_config_raw(config, "open", "transport"));
}

static void include_has_a_depth(void **state) {
  (void)state;
  for (int i = 0; i < 12; i++) {
    char name[32];
    char text[64];
    (void)snprintf(name, sizeof(name), "%d.ini", i);
    (void)snprintf(text, sizeof(text), "include = %d.ini\n[p%d]\n", i + 1, i);
    (void)fixture_write(name, text);
  }
  fixture_load("include = 0.ini\n");
  (void)find_problem(1, "8 files deep");
  assert_int_equal(problems.count, 1);
  assert_int_equal(ps_config_profile_count(config), 8);
}

static void inheritance(void **state) {
  (void)state;
  fixture_load("[a]\ninherit = b\ndescription = own\n[b]\ninherit = c\n[c]\ntransport = ssh\ndescription = "
               "far\nplugin_sha256 = x\n"
               "[gateway]\nplugin_path = /g\n[d]\ninherit=a\nplugin_path = /own:sub\n");
  assert_no_problems();
  assert_raw("a", "description", "own");
  assert_raw("a", "transport", "ssh");
  assert_raw("a", "plugin_path", "/g");
  char expected[96];
  (void)snprintf(expected, sizeof(expected), "/own:%s/sub", fixture_folder);
  assert_raw("d", "plugin_path", expected);
  fixture_load("[t]\nhold = 5s\n[u]\ninherit = t\ntransport = ssh\n");
  assert_true(ps_config_is_template(config, "t"));
  assert_false(ps_config_is_template(config, "u"));
  assert_false(ps_config_is_template(config, "nobody"));
}

static void bad_inheritance(void **state) {
  (void)state;
  fixture_load("[lab]\n[a]\ninherit = lba\n[b]\ninherit = c\n[c]\ninherit = d\n[d]\ninherit = c\n[e]\ninherit = "
               "e\n[f]\ninherit = gateway\n"
               "[g]\ninherit = zzzzzz\n");
  (void)find_problem(3, "did you mean 'lab'?");
  (void)find_problem(7, "c -> d -> c");
  (void)find_problem(11, "e -> e");
  (void)find_problem(13, "[gateway] is no profile");
  assert_null(strstr(find_problem(15, "no profile 'zzzzzz'")->text, "did you mean"));
  assert_int_equal(problems.count, 5);
}

static void search_order(void **state) {
  (void)state;
  char *found = ps_config_find("given.ini", &problems);
  assert_string_equal(found, "given.ini");
  free(found);
  assert_int_equal(setenv("PENSTOCK_CONFIG", "/from/environment.ini", 1), 0);
  found = ps_config_find(NULL, &problems);
  assert_string_equal(found, "/from/environment.ini");
  free(found);
  assert_int_equal(unsetenv("PENSTOCK_CONFIG"), 0);
  char folder[96];
  char file[160];
  (void)snprintf(folder, sizeof(folder), "%s/penstock", fixture_folder);
  (void)snprintf(file, sizeof(file), "%s/penstock.ini", folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  (void)fixture_write("penstock/penstock.ini", "");
  assert_int_equal(setenv("XDG_CONFIG_HOME", fixture_folder, 1), 0);
  found = ps_config_find(NULL, &problems);
  assert_string_equal(found, file);
  free(found);
  assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
  (void)snprintf(folder, sizeof(folder), "%s/.config", fixture_folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  (void)snprintf(folder, sizeof(folder), "%s/.config/penstock", fixture_folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  (void)fixture_write(".config/penstock/penstock.ini", "");
  assert_int_equal(setenv("HOME", fixture_folder, 1), 0);
  found = ps_config_find(NULL, &problems);
  assert_non_null(found);
  assert_non_null(strstr(found, "/.config/penstock/penstock.ini"));
  free(found);
  assert_no_problems();
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
  const struct CMUnitTest tests[] = {
      TEST(sections_in_order),
      TEST(quotes_and_comments),
      TEST(any_line_ends_and_a_bom),
      TEST(long_lines_stay_whole),
      TEST(indented_keys_are_keys),
      TEST(bad_lines_are_all_told),
      TEST(odd_files),
      TEST(untrusted_files),
      TEST(includes),
      TEST(bad_includes),
      TEST(include_has_a_depth),
      TEST(inheritance),
      TEST(bad_inheritance),
      TEST(search_order),
  };
  return cmocka_run_group_tests_name("config files", tests, NULL, NULL);
}

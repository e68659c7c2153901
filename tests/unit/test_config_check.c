/* SPDX-License-Identifier: MIT */
/* Sections against the tables of the core and of a transport. */
#include "config_fixture.h"

#define OPTION(type, flags, key, otherwise)                                                                            \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, flags, 0, key, otherwise, "help of " key, 0, 0, NULL }

static const penstock_option options[] = {
    OPTION(STRING, PENSTOCK_OPTION_REQUIRED, "host", NULL),
    OPTION(INT, 0, "port", "22"),
    OPTION(LIST, 0, "args", NULL),
    OPTION(STRING, PENSTOCK_OPTION_FAR_PATH, "root", NULL),
    OPTION(PATH, 0, "key_file", "~/.ssh/id"),
    OPTION(STRING, PENSTOCK_OPTION_DEPRECATED, "hostname", NULL),
};
static const penstock_transport transport = {
    .struct_size = sizeof(transport), .name = "test", .options = options, .option_count = COUNT(options)};

static ps_settings *gateway;
static ps_settings *settings;

/* Loads the text and checks [gateway] and the profile "a". */
static void check(const char *text) {
  ps_settings_free(gateway);
  ps_settings_free(settings);
  fixture_load(text);
  assert_non_null(config);
  gateway = ps_config_check_gateway(config, &problems);
  settings = ps_config_check_profile(config, "a", &transport, &problems);
}

static int teardown(void **state) {
  ps_settings_free(gateway);
  ps_settings_free(settings);
  gateway = NULL;
  settings = NULL;
  return fixture_teardown(state);
}

static void assert_string(const char *key, const char *expected) {
  const char *text = ps_settings_string(settings, key);
  assert_non_null(text);
  assert_string_equal(text, expected);
}

static void assert_origin(const char *key, int line) {
  char expected[300];
  (void)snprintf(expected, sizeof(expected), "%s:%d", fixture_path, line);
  assert_string_equal(ps_settings_origin(settings, key), expected);
}

static void defaults_are_as_documented(void **state) {
  (void)state;
  check("[a]\ntransport = test\nhost = gpu01\n");
  assert_no_problems();
  assert_string_equal(ps_settings_string(gateway, "listen"), "127.0.0.1:9090");
  assert_string_equal(ps_settings_string(gateway, "log_level"), "info");
  assert_string_equal(ps_settings_string(gateway, "log_format"), "auto");
  assert_null(ps_settings_string(gateway, "log_file"));
  assert_int_equal(ps_settings_int(gateway, "stop_timeout", 0), 10000);
  static const struct {
    const char *key;
    int64_t number;
  } numbers[] = {{"expose", 0},        {"hold", 20000},    {"connect_timeout", 30000}, {"ready_timeout", 16000},
                 {"restart_limit", 5}, {"retry_min", 500}, {"retry_max", 30000},       {"lanes", 1},
                 {"port", 22}};
  for (size_t i = 0; i < COUNT(numbers); i++) {
    assert_int_equal(ps_settings_int(settings, numbers[i].key, -1), numbers[i].number);
    assert_null(ps_settings_origin(settings, numbers[i].key));
  }
  assert_string("peers", "own");
  assert_string("launch", "auto");
  assert_string("probe", "auto");
  assert_string("on_exit", "keep");
  assert_string("restart", "always");
  assert_null(ps_settings_string(settings, "plugin"));
}

static void transports_see_all_keys(void **state) {
  (void)state;
  assert_int_equal(setenv("HOME", "/home/me", 1), 0);
  check("[gateway]\nlisten = 9191\nplugin_path = ~/p\n[a]\ntransport = test\nhost = gpu01\nargs = x, y\nroot = "
        "~/far\nhold = 5s\n");
  assert_no_problems();
  const penstock_config *view = ps_settings_abi(settings);
  assert_string_equal(view->profile, "a");
  assert_string_equal(view->get_string(view, "host"), "gpu01");
  assert_string_equal(view->get_string(view, "root"), "~/far"); /* the far side's home, not ours */
  assert_string_equal(view->get_string(view, "key_file"), "/home/me/.ssh/id");
  assert_string_equal(view->get_string(view, "listen"), "127.0.0.1:9191");
  assert_string_equal(view->get_string(view, "plugin_path"), "/home/me/p");
  assert_null(view->get_string(view, "port"));
  assert_null(view->get_string(view, "unheard_of"));
  assert_int_equal(view->get_int(view, "hold", 1), 5000);
  assert_int_equal(view->get_int(view, "host", 1), 1);
  assert_string_equal(view->get_item(view, "args", 1), "y");
  assert_null(view->get_item(view, "args", 2));
  assert_origin("listen", 2);
  assert_origin("host", 6);
  assert_null(view->get_origin(view, "port"));
}

static void inherited_values(void **state) {
  (void)state;
  check("[base]\nhost = far\nport = 23\nargs = x\n[a]\ninherit = base\ntransport = test\nport = 24\nargs =\nkey_file "
        "=\n");
  assert_no_problems();
  assert_string("host", "far");
  assert_origin("host", 2);
  assert_int_equal(ps_settings_int(settings, "port", 0), 24);
  /* An empty text takes away what is inherited, and a default. */
  assert_null(ps_settings_item(settings, "args", 0));
  assert_null(ps_settings_string(settings, "key_file"));
}

static void all_faults_are_told(void **state) {
  (void)state;
  check("[gateway]\nlog_levl = info\nhold = 5s\nprofile = aa\nlisten = x\n"
        "[a]\nporrt = 5\nlanes = 0\nhold = soon\nlog_file = x\nprobe = tcdm\nzzzzzzzz = 1\nretry_min = "
        "1m\nplugin_sha256 = 12\n"
        "hostname = old\nlane = 2\n");
  (void)find_problem(2, "unknown key `log_levl`; did you mean `log_level`?");
  (void)find_problem(3, "`hold` belongs in a profile");
  (void)find_problem(4, "no profile 'aa'");
  (void)find_problem(5, "`listen`");
  (void)find_problem(6, "[a] must set `transport`");
  (void)find_problem(6, "[a] must set `host`: help of host");
  (void)find_problem(7, "unknown key `porrt` for transport test; did you mean `port`?");
  (void)find_problem(8, "0 is out of range: from 1 to 16");
  (void)find_problem(9, "'soon' is no duration");
  (void)find_problem(10, "`log_file` belongs under [gateway]");
  (void)find_problem(11, "did you mean 'tcmd'?");
  assert_null(strstr(find_problem(12, "unknown key `zzzzzzzz`")->text, "did you mean"));
  (void)find_problem(13, "`retry_min` is larger than `retry_max`");
  (void)find_problem(14, "64 hex digits");
  assert_int_equal(find_problem(15, "`hostname` is out of date: help of hostname")->fatal, 0);
  (void)find_problem(16, "did you mean `lanes`?");
  assert_int_equal(problems.count, 16);
  assert_null(gateway);
  assert_null(settings);
  ps_problems_sort(&problems);
  for (size_t i = 1; i < problems.count; i++) {
    assert_true(problems.items[i - 1].line <= problems.items[i].line);
  }
}

static void required_but_empty(void **state) {
  (void)state;
  check("[a]\ntransport = test\nhost =\n");
  (void)find_problem(3, "`host` is empty, and must be set");
  assert_null(settings);
  check("[gatway]\nlisten = 5\n[a]\ntransport = test\nhost = x\n");
  assert_null(ps_config_check_profile(config, "gatway", NULL, &problems));
  (void)find_problem(1, "did you mean [gateway]?");
  assert_null(ps_config_check_profile(config, "nobody", NULL, &problems));
  (void)find_problem(0, "no profile 'nobody'");
}

/* A fault in what two profiles inherit is one fault. */
static void told_once(void **state) {
  (void)state;
  check("[base]\nport = x\nhost = h\ntransport = test\n[a]\ninherit = base\n[b]\ninherit = base\n");
  assert_null(ps_config_check_profile(config, "b", &transport, &problems));
  (void)find_problem(2, "`port`");
  assert_int_equal(problems.count, 1);
}

static void unknown_transport(void **state) {
  (void)state;
  fixture_load("[a]\ntransport = lost\nwhatever = 1\nlanes = 99\n");
  assert_null(ps_config_check_profile(config, "a", NULL, &problems));
  (void)find_problem(4, "out of range");
  assert_int_equal(problems.count, 1);
}

static void exposure(void **state) {
  (void)state;
  check("[a]\ntransport = test\nhost = x\nlisten = 0.0.0.0:9090\n");
  (void)find_problem(4, "`expose = yes`");
  check("[gateway]\nlisten = [::]:9090\n[a]\ntransport = test\nhost = x\n");
  (void)find_problem(2, "`expose = yes`");
  check("[a]\ntransport = test\nhost = x\nlisten = 0.0.0.0:9090\nexpose = yes\n");
  assert_no_problems();
  check("[a]\ntransport = test\nhost = x\nlisten = [::1]:0\n");
  assert_no_problems();
  assert_string("listen", "[::1]:0");
}

static void command_line(void **state) {
  (void)state;
  check("[a]\ntransport = test\nhost = x\n");
  assert_int_equal(ps_settings_set(settings, "listen", "127.0.0.1:7", "--listen", &problems), 0);
  assert_string("listen", "127.0.0.1:7");
  assert_string_equal(ps_settings_origin(settings, "listen"), "--listen");
  assert_int_equal(ps_settings_set(gateway, "log_level", "debug", "--log-level", &problems), 0);
  assert_no_problems();
  assert_int_equal(ps_settings_set(gateway, "log_level", "dbug", "--log-level", &problems), PENSTOCK_E_INVALID);
  assert_string_equal(find_problem(0, "did you mean 'debug'?")->file, "--log-level");
  assert_int_equal(ps_settings_set(settings, "listen", "0.0.0.0:7", "--listen", &problems), PENSTOCK_E_INVALID);
  (void)find_problem(0, "`expose = yes`");
  assert_int_equal(ps_settings_set(settings, "nothing", "1", "--nothing", &problems), PENSTOCK_E_INVALID);
}

static void without_a_file(void **state) {
  (void)state;
  settings = ps_settings_defaults("probe", &transport);
  assert_string("listen", "127.0.0.1:9090");
  assert_int_equal(ps_settings_int(settings, "port", 0), 22);
  assert_null(ps_settings_string(settings, "host"));
  assert_string_equal(ps_settings_abi(settings)->profile, "probe");
}

/* What a plugin declares is not ours to trust. */
static void defective_tables(void **state) {
  (void)state;
  static const char *const none[] = {NULL};
  penstock_option rows[] = {
      OPTION(INT, 0, "lanes", "7"),    OPTION(STRING, 0, "host", NULL), OPTION(STRING, 0, "host", "b"),
      OPTION(STRING, 0, "Bad", NULL),  OPTION(CHOICE, 0, "mode", NULL), OPTION(STRING, 0, "odd", NULL),
      OPTION(INT, 0, "count", "many"),
  };
  rows[4].choices = none;
  rows[5].type = 77;
  penstock_transport bad = {.struct_size = sizeof(bad), .name = "bad", .options = rows, .option_count = COUNT(rows)};
  fixture_load("[a]\ntransport = bad\n");
  assert_null(ps_config_check_profile(config, "a", &bad, &problems));
  (void)find_problem(0, "declares `lanes`, which is penstock's own");
  (void)find_problem(0, "declares `host`, which it has already");
  (void)find_problem(0, "(`Bad`)");
  (void)find_problem(0, "CHOICE without choices");
  (void)find_problem(0, "type is unknown");
  (void)find_problem(0, "default of `count`: 'many'");
  assert_int_equal(problems.count, 6);
  ps_problems_clear(&problems);
  bad.option_count = 1;
  settings = ps_config_check_profile(config, "a", &bad, &problems);
  assert_int_equal(ps_settings_int(settings, "lanes", 0), 1); /* the core's wins */
  ps_problems_clear(&problems);
  rows[0].struct_size = 8;
  assert_null(ps_config_check_profile(config, "a", &bad, &problems));
  (void)find_problem(0, "have no size");
}

/* A plugin of a later minor version has longer rows. */
static void longer_rows(void **state) {
  (void)state;
  struct row {
    penstock_option option;
    char later[24];
  } rows[] = {{OPTION(STRING, 0, "one", "1"), "more"}, {OPTION(STRING, 0, "two", "2"), "more"}};
  rows[0].option.struct_size = rows[1].option.struct_size = sizeof(rows[0]);
  const penstock_transport later = {
      .struct_size = sizeof(later), .name = "later", .options = &rows[0].option, .option_count = COUNT(rows)};
  fixture_load("[a]\ntransport = later\ntwo = zwei\n");
  settings = ps_config_check_profile(config, "a", &later, &problems);
  assert_no_problems();
  assert_string("one", "1");
  assert_string("two", "zwei");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(defaults_are_as_documented),
      TEST(transports_see_all_keys),
      TEST(inherited_values),
      TEST(all_faults_are_told),
      TEST(required_but_empty),
      TEST(told_once),
      TEST(unknown_transport),
      TEST(exposure),
      TEST(command_line),
      TEST(without_a_file),
      TEST(defective_tables),
      TEST(longer_rows),
  };
  return cmocka_run_group_tests_name("config check", tests, NULL, NULL);
}

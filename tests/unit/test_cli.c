/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/show.h"

/* --- exit codes --------------------------------------------------------------------------------- */

static int code(uint32_t leg, uint32_t error_class) {
  penstock_error error;
  penstock_fail(&error, leg, error_class, "x");
  return (int)ps_cli_exit_code(&error);
}

static void errors_have_their_exit_codes(void **state) {
  (void)state;
  assert_int_equal(ps_cli_exit_code(NULL), PS_EXIT_OK);
  assert_int_equal(code(PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG), PS_EXIT_CONFIG);
  assert_int_equal(code(PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_CONFIG), PS_EXIT_CONFIG);
  assert_int_equal(code(PENSTOCK_LEG_DNS, PENSTOCK_CLASS_CONFIG), PS_EXIT_UNREACHABLE);
  assert_int_equal(code(PENSTOCK_LEG_DNS, PENSTOCK_CLASS_TRANSIENT), PS_EXIT_UNREACHABLE);
  assert_int_equal(code(PENSTOCK_LEG_TCP, PENSTOCK_CLASS_REFUSED), PS_EXIT_UNREACHABLE);
  assert_int_equal(code(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT), PS_EXIT_UNREACHABLE);
  assert_int_equal(code(PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_TRANSIENT), PS_EXIT_UNREACHABLE);
  assert_int_equal(code(PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH), PS_EXIT_AUTH);
  assert_int_equal(code(PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_REFUSED), PS_EXIT_AUTH);
  assert_int_equal(code(PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY), PS_EXIT_IDENTITY);
  assert_int_equal(code(PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED), PS_EXIT_PORT);
  assert_int_equal(code(PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED), PS_EXIT_PORT);
  assert_int_equal(code(PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_REFUSED), PS_EXIT_LAUNCH);
  assert_int_equal(code(PENSTOCK_LEG_LAUNCH, PENSTOCK_CLASS_TRANSIENT), PS_EXIT_LAUNCH);
  assert_int_equal(code(PENSTOCK_LEG_READY, PENSTOCK_CLASS_TRANSIENT), PS_EXIT_LAUNCH);
  assert_int_equal(code(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_REFUSED), PS_EXIT_LAUNCH);
  assert_int_equal(code(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_TRANSIENT), PS_EXIT_LAUNCH);
  assert_int_equal(code(PENSTOCK_LEG_CONTAINER, PENSTOCK_CLASS_CONFIG), PS_EXIT_CONFIG);
  assert_int_equal(code(PENSTOCK_LEG_READY, PENSTOCK_CLASS_CANCELLED), PS_EXIT_FAILED);
  assert_int_equal(code(PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_REFUSED), PS_EXIT_FAILED);
  assert_int_equal(code(PENSTOCK_LEG_TCP, PENSTOCK_CLASS_INTERNAL), PS_EXIT_FAILED);
}

/* --- the command line --------------------------------------------------------------------------- */

typedef struct parsed {
  int flag;
  const char *value;
  char **arguments;
  int exit_code;
  int go_on;
} parsed;

/* Reads `line` (NULL-terminated) as `cmd --flag --value X [ONE]`. */
static parsed parse(char **line) {
  parsed out = {0};
  int argc = 0;
  const ps_cli_option options[] = {
      {"flag", NULL, "a flag", &out.flag, NULL},
      {"value", "X", "a value", NULL, &out.value},
  };
  const ps_cli_syntax syntax = {"cmd", "ONE", "Does nothing.", options, 2, 1, 1};
  while (line[argc]) {
    argc++;
  }
  out.go_on = ps_cli_parse(&syntax, argc, line, &out.arguments, &out.exit_code);
  return out;
}

#define PARSE(...) parse((char *[]){"cmd", __VA_ARGS__, NULL})

static void options_stand_anywhere(void **state) {
  (void)state;
  parsed out = PARSE("one", "--flag", "--value", "v");
  assert_int_equal(out.go_on, 1);
  assert_int_equal(out.flag, 1);
  assert_string_equal(out.value, "v");
  assert_string_equal(out.arguments[0], "one");
  assert_null(out.arguments[1]);
  out = PARSE("--value=--flag", "one");
  assert_int_equal(out.go_on, 1);
  assert_int_equal(out.flag, 0);
  assert_string_equal(out.value, "--flag");
  out = PARSE("--", "--flag");
  assert_int_equal(out.go_on, 1);
  assert_int_equal(out.flag, 0);
  assert_string_equal(out.arguments[0], "--flag");
}

static void a_wrong_line_is_a_usage_error(void **state) {
  (void)state;
  const parsed outcomes[] = {PARSE("one", "--flga"),  PARSE("one", "-x"),        PARSE("one", "-xyz"),
                             PARSE("one", "--value"), PARSE("one", "--flag=no"), PARSE("one", "two"),
                             PARSE("--flag"),         PARSE("one", "--\x1b[2J"), PARSE("one", "--help=me"),
                             PARSE("one", "--=")};
  for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
    assert_int_equal(outcomes[i].go_on, 0);
    assert_int_equal(outcomes[i].exit_code, PS_EXIT_USAGE);
  }
}

static void help_ends_well(void **state) {
  (void)state;
  parsed out = PARSE("--help");
  assert_int_equal(out.go_on, 0);
  assert_int_equal(out.exit_code, PS_EXIT_OK);
  out = PARSE("one", "two", "three", "-h");
  assert_int_equal(out.go_on, 0);
  assert_int_equal(out.exit_code, PS_EXIT_OK);
}

/* --- what is told of commands ------------------------------------------------------------------- */

/* How a command was told. */
typedef struct told_command {
  const char *prefix; /* the word it shares with others, or NULL */
  const char *name;
  int syntaxes;
} told_command;

static void read_all(told_command *walk, const ps_cli_group *group);

static void on_syntax(void *context, const ps_cli_syntax *syntax) {
  told_command *walk = context;
  char command[64];
  (void)snprintf(command, sizeof(command), "%s%s%s", walk->prefix ? walk->prefix : "", walk->prefix ? " " : "",
                 walk->name);
  assert_string_equal(syntax->command, command);
  assert_true(syntax->text[0] != '\0');
  assert_true(syntax->option_count + 2 <= PS_CLI_MOST_OPTIONS);
  for (size_t i = 0; i < syntax->option_count; i++) {
    assert_true(!syntax->options[i].argument == !syntax->options[i].value);
    assert_true(!syntax->options[i].argument != !syntax->options[i].flag);
  }
  walk->syntaxes++;
}

static void on_group(void *context, const ps_cli_group *group) {
  told_command *walk = context;
  assert_null(walk->prefix);
  assert_string_equal(group->command, walk->name);
  walk->prefix = group->command;
  read_all(walk, group);
  walk->prefix = NULL;
}

static void read_all(told_command *walk, const ps_cli_group *group) {
  const ps_cli_reader reader = {.context = walk, .syntax = on_syntax, .group = on_group};
  for (size_t i = 0; i < group->count; i++) {
    int before = walk->syntaxes;
    walk->name = group->commands[i].name;
    assert_true(group->commands[i].summary[0] != '\0');
    ps_cli_read(&group->commands[i], &reader);
    assert_true(walk->syntaxes > before);
  }
}

static void every_command_tells_what_it_takes(void **state) {
  (void)state;
  told_command walk = {0};
  read_all(&walk, &ps_cli_program);
  assert_null(ps_cli_current_reader());
}

static void words_of_an_option_are_checked(void **state) {
  (void)state;
  const char *value = NULL;
  const ps_cli_option level = {"log-level", "LEVEL", "how much", NULL, &value};
  const ps_cli_option other = {"other", "THING", "anything", NULL, &value};
  assert_int_equal(ps_cli_argument_check(&level, "debug"), 0);
  assert_int_equal(ps_cli_argument_check(&level, "debg"), PS_EXIT_USAGE);
  assert_int_equal(ps_cli_argument_check(&level, ""), PS_EXIT_USAGE);
  assert_int_equal(ps_cli_argument_check(&other, "debg"), 0);
  assert_null(ps_cli_argument_find("LEVEL", 4));
}

/* --- showing ------------------------------------------------------------------------------------ */

static void foreign_text_is_made_harmless(void **state) {
  (void)state;
  char text[64];
  assert_string_equal(ps_show_safe(text, sizeof(text), "a\x1b[2Jb"), "a\\x1b[2Jb");
  assert_string_equal(ps_show_bytes(text, sizeof(text), "\0a\0\0b\0", 6), "\\x00a\\x00\\x00b\\x00");
  assert_string_equal(ps_show_bytes(text, sizeof(text), "", 0), "");
  assert_string_equal(ps_show_bytes(text, sizeof(text), "SSH-2.0\r\nxx", 9), "SSH-2.0\\r\\n");
  assert_string_equal(ps_show_safe(text, 4, "12\xe2\x82\xac"), "12");
}

static void spans_are_readable(void **state) {
  (void)state;
  char text[32];
  assert_string_equal(ps_show_span(text, sizeof(text), 0), "0.0 ms");
  assert_string_equal(ps_show_span(text, sizeof(text), 1234567), "1.2 ms");
  assert_string_equal(ps_show_span(text, sizeof(text), 9949999), "9.9 ms");
  assert_string_equal(ps_show_span(text, sizeof(text), 9950000), "10 ms");
  assert_string_equal(ps_show_span(text, sizeof(text), 999400000), "999 ms");
  assert_string_equal(ps_show_span(text, sizeof(text), 999600000), "1.0 s");
  assert_string_equal(ps_show_span(text, sizeof(text), UINT64_C(600000000000)), "10 min");
}

static void errors_become_json_whatever_they_hold(void **state) {
  (void)state;
  penstock_error error;
  penstock_fail(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_PEER_IDENTITY, "bad \xff byte");
  penstock_next(&error, "do\nthis");
  json_t *object = ps_json_error(&error);
  assert_non_null(object);
  assert_string_equal(json_string_value(json_object_get(object, "leg")), "host-key");
  assert_string_equal(json_string_value(json_object_get(object, "class")), "peer-identity");
  assert_string_equal(json_string_value(json_object_get(object, "what")), "bad \\xff byte");
  assert_string_equal(json_string_value(json_object_get(object, "next")), "do\nthis");
  assert_string_equal(json_string_value(json_object_get(object, "detail")), "");
  json_decref(object);
  assert_true(json_is_null(ps_json_error(NULL)));
  assert_true(json_is_null(ps_json_text(NULL)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_have_their_exit_codes),          cmocka_unit_test(options_stand_anywhere),
      cmocka_unit_test(a_wrong_line_is_a_usage_error),         cmocka_unit_test(help_ends_well),
      cmocka_unit_test(every_command_tells_what_it_takes),     cmocka_unit_test(words_of_an_option_are_checked),
      cmocka_unit_test(foreign_text_is_made_harmless),         cmocka_unit_test(spans_are_readable),
      cmocka_unit_test(errors_become_json_whatever_they_hold),
  };
  return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}

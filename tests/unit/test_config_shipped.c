/* SPDX-License-Identifier: MIT */
/* What conf/ and docs/ say of the core's keys is what the tables say. */
#include "config_fixture.h"

#include "base/text.h"
#include "config/sections.h"
#include "config/value.h"

/* A file of the checkout that this test was compiled from. */
static char *shipped(const char *name) {
  char block[4096];
  ps_text path = {0};
  ps_text text = {0};
  size_t count;
  ps_text_adds(&path, PENSTOCK_CHECKOUT);
  ps_text_adds(&path, name);
  FILE *file = fopen(path.data, "re");
  if (!file) {
    fail_msg("cannot open %s", path.data);
  }
  while ((count = fread(block, 1, sizeof(block), file)) > 0) {
    ps_text_add(&text, block, count);
  }
  (void)fclose(file);
  free(path.data);
  return text.data;
}

static int clear(void **state) {
  (void)state;
  fixture_clear();
  return 0;
}

static const char *or_empty(const char *text) {
  return text ? text : "";
}

/* Makes a file in memory with every `;key =` line of the text uncommented, and nothing else that is a comment. */
static char *uncomment(const char *text) {
  ps_text out = {0};
  while (*text) {
    size_t size = strcspn(text, "\n");
    int is_key = text[0] == ';' && text[1] >= 'a' && text[1] <= 'z' && strncmp(text, ";include", 8) != 0;
    ps_text_add(&out, text + is_key, size - (size_t)is_key);
    ps_text_adds(&out, "\n");
    text += size + (text[size] == '\n');
  }
  return out.data;
}

/* Checks that `section` sets each key of a table to its default. Returns nothing: fails the test. */
static void assert_defaults(const ps_section *section, const ps_option_table *table) {
  assert_non_null(section);
  for (uint32_t i = 0; i < table->count; i++) {
    const penstock_option *option = &table->options[i];
    const ps_entry *entry = ps_section_own(section, option->key);
    if (!entry) {
      fail_msg("[%s] does not tell of `%s`", section->name, option->key);
      return;
    }
    if (!(option->flags & PENSTOCK_OPTION_REQUIRED) && strcmp(entry->text, or_empty(option->default_value)) != 0) {
      fail_msg("`%s` is told to be '%s' by default, and is '%s'", option->key, entry->text,
               or_empty(option->default_value));
    }
  }
}

static void penstock_ini_tells_every_key(void **state) {
  (void)state;
  char *text = shipped("conf/penstock.ini");
  char *all = uncomment(text);
  config = ps_config_parse("/conf/penstock.ini", all, strlen(all), &problems);
  assert_no_problems();
  assert_defaults(config->gateway, &ps_gateway_table);
  assert_defaults(ps_sections_profile(config, "example"), &ps_profile_table);
  fixture_clear();
  /* As it is shipped, it is a file without fault. */
  config = ps_config_parse("/conf/penstock.ini", text, strlen(text), &problems);
  ps_settings_free(ps_config_check_gateway(config, &problems));
  ps_settings_free(ps_config_check_profile(config, "example", NULL, &problems));
  assert_no_problems();
  free(text);
  free(all);
}

static const char *type_of(const penstock_option *option) {
  static const char *const words[] = {[PENSTOCK_OPTION_STRING] = "text",       [PENSTOCK_OPTION_INT] = "number",
                                      [PENSTOCK_OPTION_BOOL] = "yes or no",    [PENSTOCK_OPTION_CHOICE] = "choice",
                                      [PENSTOCK_OPTION_DURATION] = "duration", [PENSTOCK_OPTION_PATH] = "path",
                                      [PENSTOCK_OPTION_ADDRESS] = "address",   [PENSTOCK_OPTION_LIST] = "list",
                                      [PENSTOCK_OPTION_ENV] = "environment"};
  return option->flags & PS_OPTION_FOLDERS ? "folders" : words[option->type];
}

/* "100ms", "10m", "24h", as a user would write it; 0 has no unit. */
static void add_limit(ps_text *text, const penstock_option *option, int64_t value) {
  static const struct {
    int64_t ms;
    const char *unit;
  } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
  if (option->type != PENSTOCK_OPTION_DURATION || value == 0) {
    ps_text_addf(text, "%lld", (long long)value);
    return;
  }
  size_t i = 0;
  while (value % units[i].ms != 0) {
    i++;
  }
  ps_text_addf(text, "%lld%s", (long long)(value / units[i].ms), units[i].unit);
}

/* What a row says of the values that there may be; a key that is [gateway]'s too says it there. */
static void assert_values(const char *row, const penstock_option *option) {
  char *line = strndup(row, strcspn(row, "\n"));
  ps_text words = {0};
  for (size_t i = 0; option->type == PENSTOCK_OPTION_CHOICE && option->choices[i]; i++) {
    words.size = 0;
    ps_text_addf(&words, "`%s`", option->choices[i]);
    if (!strstr(line, words.data)) {
      fail_msg("docs/CONFIGURATION.md does not tell that `%s` may be %s", option->key, words.data);
    }
  }
  int has_range = (option->type == PENSTOCK_OPTION_INT || option->type == PENSTOCK_OPTION_DURATION) && option->max > 0;
  if (has_range && !strstr(line, "as in `[gateway]`")) {
    words.size = 0;
    add_limit(&words, option, option->min);
    ps_text_adds(&words, strstr(line, "0 = never, to ") && option->min == 0 ? " = never, to " : " to ");
    add_limit(&words, option, option->max);
    if (!strstr(line, words.data)) {
      fail_msg("docs/CONFIGURATION.md does not tell that `%s` may be %s", option->key, words.data);
    }
  }
  free(words.data);
  free(line);
}

static void assert_row(const char *text, const penstock_option *option) {
  char row[128];
  (void)snprintf(row, sizeof(row), "\n| `%s` | ", option->key);
  const char *found = strstr(text, row);
  if (!found) {
    fail_msg("docs/CONFIGURATION.md does not tell of `%s`", option->key);
    return;
  }
  found += strlen(row);
  assert_values(found, option);
  if (strncmp(found, type_of(option), strlen(type_of(option))) != 0 || found[strlen(type_of(option))] != ' ') {
    fail_msg("docs/CONFIGURATION.md: `%s` is not of the type %.20s", option->key, found);
  }
  found = strchr(found, '|');
  (void)snprintf(row, sizeof(row), option->default_value ? "| `%s` |" : "| %s|",
                 option->default_value                      ? option->default_value
                 : option->flags & PENSTOCK_OPTION_REQUIRED ? "must be set "
                                                            : "");
  if (strncmp(found, row, strlen(row)) != 0) {
    fail_msg("docs/CONFIGURATION.md: the default of `%s` is not '%s' in %.40s", option->key, row, found);
  }
}

static void configuration_md_tells_every_key(void **state) {
  (void)state;
  char *text = shipped("docs/CONFIGURATION.md");
  const char *profiles = strstr(text, "## Keys of every profile");
  assert_non_null(profiles);
  for (uint32_t i = 0; i < ps_gateway_table.count; i++) {
    assert_row(text, &ps_gateway_table.options[i]);
  }
  for (uint32_t i = 0; i < ps_profile_table.count; i++) {
    assert_row(profiles, &ps_profile_table.options[i]);
  }
  free(text);
}

/* Which keys a reload changes at once is told where reloads are. */
static void configuration_md_tells_what_is_live(void **state) {
  (void)state;
  char word[64];
  char *text = shipped("docs/CONFIGURATION.md");
  char *at_once = strstr(text, "\n- at once, ");
  assert_non_null(at_once);
  char *end = strstr(at_once, "\n- by connecting");
  assert_non_null(end);
  *end = '\0';
  for (uint32_t i = 0; i < ps_profile_table.count; i++) {
    const penstock_option *option = &ps_profile_table.options[i];
    (void)snprintf(word, sizeof(word), "`%s`", option->key);
    if (!strstr(at_once, word) != !(option->flags & PENSTOCK_OPTION_LIVE)) {
      fail_msg("docs/CONFIGURATION.md is wrong about when a change of `%s` counts", option->key);
    }
  }
  free(text);
}

static void examples_have_no_fault(void **state) {
  (void)state;
  static const char *const names[] = {"conf/examples/local.ini",        "conf/examples/winnative.ini",
                                      "conf/examples/ssh.ini",          "conf/examples/ssh-forward-only.ini",
                                      "conf/examples/ssh-command.ini",  "conf/examples/docker.ini",
                                      "conf/examples/docker-ssh.ini",   "conf/examples/docker-ssh-command.ini",
                                      "conf/examples/compose.ini",      "conf/examples/null-plugin.ini",
                                      "conf/examples/local-windows.ini"};
  for (size_t i = 0; i < COUNT(names); i++) {
    char *text = shipped(names[i]);
    fixture_clear();
    config = ps_config_parse("/conf/example.ini", text, strlen(text), &problems);
    free(text);
    ps_settings *gateway = ps_config_check_gateway(config, &problems);
    assert_non_null(gateway);
    ps_settings *profile = ps_config_check_profile(config, ps_settings_string(gateway, "profile"), NULL, &problems);
    assert_non_null(profile);
    assert_no_problems();
    ps_settings_free(gateway);
    ps_settings_free(profile);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(penstock_ini_tells_every_key, clear),
      cmocka_unit_test_teardown(configuration_md_tells_every_key, clear),
      cmocka_unit_test_teardown(configuration_md_tells_what_is_live, clear),
      cmocka_unit_test_teardown(examples_have_no_fault, clear),
  };
  return cmocka_run_group_tests_name("config as shipped", tests, NULL, NULL);
}

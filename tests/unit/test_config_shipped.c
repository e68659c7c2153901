/* SPDX-License-Identifier: MIT */
/* What conf/ and docs/ say of the core's keys is what the tables say. */
#include "config_fixture.h"

#include "base/text.h"
#include "config/sections.h"

/* A file of the checkout that this test was compiled from. */
static char *shipped(const char *name) {
  static const char here[] = __FILE__;
  static const char self[] = "tests/unit/test_config_shipped.c";
  char block[4096];
  ps_text path = {0};
  ps_text text = {0};
  size_t count;
  ps_text_add(&path, here, sizeof(here) - sizeof(self));
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

static void assert_row(const char *text, const penstock_option *option) {
  char row[128];
  (void)snprintf(row, sizeof(row), "\n| `%s` | ", option->key);
  const char *found = strstr(text, row);
  if (!found) {
    fail_msg("docs/CONFIGURATION.md does not tell of `%s`", option->key);
    return;
  }
  found = strchr(found + strlen(row), '|');
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

static void examples_have_no_fault(void **state) {
  (void)state;
  static const char *const names[] = {"conf/examples/local.ini",       "conf/examples/winnative.ini",
                                      "conf/examples/ssh.ini",         "conf/examples/ssh-forward-only.ini",
                                      "conf/examples/ssh-command.ini", "conf/examples/docker.ini",
                                      "conf/examples/docker-ssh.ini",  "conf/examples/docker-ssh-command.ini",
                                      "conf/examples/compose.ini",     "conf/examples/null-plugin.ini"};
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
      cmocka_unit_test_teardown(examples_have_no_fault, clear),
  };
  return cmocka_run_group_tests_name("config as shipped", tests, NULL, NULL);
}

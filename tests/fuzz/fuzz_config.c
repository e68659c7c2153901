/* SPDX-License-Identifier: MIT */
/* Profile files: reading, inheritance, checking against every type of option. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/sections.h"
#include "fuzz.h"

#define COUNT(list) (uint32_t)(sizeof(list) / sizeof((list)[0]))
#define OPTION(type, key, otherwise, min, max, choices)                                                                \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, 0, 0, key, otherwise, NULL, min, max, choices }

static const char *const modes[] = {"one", "two", NULL};
static const penstock_option options[] = {
    OPTION(STRING, "host", NULL, 0, 0, NULL),
    OPTION(INT, "port", "22", 1, 65535, NULL),
    OPTION(BOOL, "agent", "yes", 0, 0, NULL),
    OPTION(CHOICE, "mode", "one", 0, 0, modes),
    OPTION(DURATION, "keepalive", "5s", 0, 0, NULL),
    OPTION(PATH, "key", "~/k", 0, 0, NULL),
    OPTION(ADDRESS, "endpoint", NULL, 0, 0, NULL),
    OPTION(LIST, "args", NULL, 0, 0, NULL),
    OPTION(ENV, "env", NULL, 0, 0, NULL),
};
static const penstock_transport transport = {
    .struct_size = sizeof(transport), .name = "fuzz", .options = options, .option_count = COUNT(options)};

static void must(int holds) {
  if (!holds) {
    abort();
  }
}

/* A problem has a place that is there, and a text that is safe to print. */
static void check_problems(const ps_problems *problems, int lines) {
  for (size_t i = 0; i < problems->count; i++) {
    ps_text safe = {0};
    must(problems->items[i].line >= 0 && problems->items[i].line <= lines);
    ps_text_add_safe(&safe, problems->items[i].text);
    must(safe.data && safe.size > 0 && strcmp(safe.data, problems->items[i].text) == 0);
    free(safe.data);
  }
}

/* Each value is of its type: a text that cannot be printed, say, never reaches a transport. */
static void check_settings(const ps_settings *settings) {
  const penstock_config *view = ps_settings_abi(settings);
  for (uint32_t i = 0; i < COUNT(options); i++) {
    const char *text = view->get_string(view, options[i].key);
    for (; text && *text; text++) {
      must((unsigned char)*text >= 0x20);
    }
    (void)view->get_origin(view, options[i].key);
    for (uint32_t item = 0; view->get_item(view, options[i].key, item); item++) {
      must(options[i].type != PENSTOCK_OPTION_ENV || strchr(view->get_item(view, options[i].key, item), '='));
    }
  }
  int64_t port = view->get_int(view, "port", -1);
  must(port >= 1 && port <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ps_problems problems = {0};
  int lines = 1;
  for (size_t i = 0; i < size; i++) {
    lines += data[i] == '\n';
  }
  ps_config *config = ps_config_parse("/fuzz/penstock.ini", (const char *)data, size, &problems);
  must(config != NULL);
  ps_settings_free(ps_config_check_gateway(config, &problems));
  for (size_t i = 0; i < ps_config_profile_count(config) && i < 16; i++) {
    const char *name = ps_config_profile_name(config, i);
    (void)ps_config_raw(config, name, "transport");
    (void)ps_config_raw(config, name, "plugin_path");
    ps_settings *settings = ps_config_check_profile(config, name, &transport, &problems);
    if (settings) {
      check_settings(settings);
    }
    ps_settings_free(settings);
  }
  ps_problems_sort(&problems);
  check_problems(&problems, lines);
  ps_problems_clear(&problems);
  ps_config_free(config);
  return 0;
}

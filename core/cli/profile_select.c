/* SPDX-License-Identifier: MIT */
#include "cli/profile_select.h"

#include <limits.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "base/text.h"
#include "cli/cli.h"
#include "log/log.h"

int ps_profiles_load(ps_profiles *profiles) {
  memset(profiles, 0, sizeof(*profiles));
  char *path = ps_config_find(ps_cli_options.config, &profiles->problems);
  if (path) {
    profiles->config = ps_config_load(path, &profiles->problems);
  }
  free(path);
  if (!profiles->config) {
    return PENSTOCK_E_FAILED;
  }
  profiles->gateway = ps_config_check_gateway(profiles->config, &profiles->problems);
  return 0;
}

void ps_profiles_free(ps_profiles *profiles) {
  ps_settings_free(profiles->gateway);
  ps_config_free(profiles->config);
  ps_problems_clear(&profiles->problems);
}

size_t ps_profiles_list(const ps_profiles *profiles, const char **names, size_t room) {
  size_t count = 0;
  for (size_t i = 0; i < ps_config_profile_count(profiles->config); i++) {
    const char *name = ps_config_profile_name(profiles->config, i);
    if (!ps_config_is_template(profiles->config, name)) {
      if (count < room) {
        names[count] = name;
      }
      count++;
    }
  }
  return count;
}

/* "'a', 'b' and 3 more". */
static void list_names(const ps_profiles *profiles, ps_text *text) {
  const char *names[8];
  const size_t room = sizeof(names) / sizeof(names[0]);
  size_t count = ps_profiles_list(profiles, names, room);
  for (size_t i = 0; i < count && i < room; i++) {
    ps_text_addf(text, "%s'%s'", i ? ", " : "", names[i]);
  }
  if (count > room) {
    ps_text_addf(text, " and %zu more", count - room);
  }
}

static void complain(const ps_profiles *profiles, const char *command, const char *name) {
  ps_text names = {0};
  ps_nearest nearest;
  const char *path = ps_config_path(profiles->config);
  list_names(profiles, &names);
  if (!names.data) {
    (void)ps_cli_usage(command, "%s holds no profile", path);
  } else if (!name) {
    (void)ps_cli_usage(command, "say which profile: %s", names.data);
  } else {
    ps_nearest_init(&nearest, name);
    for (size_t i = 0; i < ps_config_profile_count(profiles->config); i++) {
      ps_nearest_offer(&nearest, ps_config_profile_name(profiles->config, i));
    }
    if (nearest.best) {
      (void)ps_cli_usage(command, "no profile '%s' in %s; did you mean '%s'?", name, path, nearest.best);
    } else {
      (void)ps_cli_usage(command, "no profile '%s' in %s; there is %s", name, path, names.data);
    }
  }
  free(names.data);
}

const char *ps_profiles_find(const ps_profiles *profiles, const char *name, penstock_error *error) {
  ps_nearest nearest;
  const char *path = ps_config_path(profiles->config);
  ps_nearest_init(&nearest, name);
  for (size_t i = 0; i < ps_config_profile_count(profiles->config); i++) {
    const char *known = ps_config_profile_name(profiles->config, i);
    if (strcmp(known, name) == 0) {
      return known;
    }
    ps_nearest_offer(&nearest, known);
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "no profile '%s' in %s", name, path);
  if (nearest.best) {
    penstock_next(error, "did you mean '%s'?", nearest.best);
  } else {
    penstock_next(error, "`penstock profiles` lists those that there are");
  }
  return NULL;
}

const char *ps_profiles_choose(const ps_profiles *profiles, const char *command, const char *given, int *exit_code) {
  const char *only = NULL;
  size_t runnable = ps_profiles_list(profiles, &only, 1);
  const char *name = given;
  if (!name && profiles->gateway) {
    name = ps_settings_string(profiles->gateway, "profile");
  }
  if (!name && runnable == 1) {
    name = only;
  }
  for (size_t i = 0; name && i < ps_config_profile_count(profiles->config); i++) {
    if (strcmp(ps_config_profile_name(profiles->config, i), name) == 0) {
      return ps_config_profile_name(profiles->config, i);
    }
  }
  complain(profiles, command, name);
  *exit_code = name || runnable == 0 ? PS_EXIT_CONFIG : PS_EXIT_USAGE;
  return NULL;
}

/* A fault of the plugin is a fault of the line that names it, or else its transport. */
static void add_plugin_problem(ps_profiles *profiles, const char *name, const penstock_error *error) {
  int line = 0;
  const char *file = ps_config_place(profiles->config, name, "plugin", &line);
  if (!file) {
    file = ps_config_place(profiles->config, name, "transport", &line);
  }
  ps_problems_add(&profiles->problems, 1, file ? file : ps_config_path(profiles->config), line, "profile '%s': %s%s%s",
                  name, error->what, error->next[0] ? "; " : "", error->next);
}

void ps_profiles_add_problem(ps_profiles *profiles, const char *name, int is_fatal, const penstock_error *error) {
  int line = 0;
  const char *what = error->what;
  const char *file = ps_config_place(profiles->config, name, "transport", &line);
  size_t size = file ? strlen(file) : 0;
  if (file && strncmp(what, file, size) == 0 && what[size] == ':') {
    char *end = NULL;
    long told = strtol(what + size + 1, &end, 10);
    if (told > 0 && told <= INT_MAX && strncmp(end, ": ", 2) == 0) {
      line = (int)told;
      what = end + 2;
    }
  }
  ps_problems_add(&profiles->problems, is_fatal, file ? file : ps_config_path(profiles->config), line,
                  "profile '%s': %s%s%s", name, what, error->next[0] ? "; " : "", error->next);
}

void ps_profiles_add_refusal(ps_profiles *profiles, const char *name, const penstock_error *error) {
  ps_profiles_add_problem(profiles, name, 1, error);
}

static int load_plugin(ps_profiles *profiles, ps_profile *profile, penstock_error *error) {
  const ps_plugin_request request = {
      .transport = ps_config_raw(profiles->config, profile->name, "transport"),
      .plugin = ps_config_raw(profiles->config, profile->name, "plugin"),
      .plugin_path = ps_config_raw(profiles->config, profile->name, "plugin_path"),
      .plugin_sha256 = ps_config_raw(profiles->config, profile->name, "plugin_sha256"),
  };
  if (!request.transport || !request.transport[0]) {
    return 0; /* told by the check of the settings */
  }
  return ps_registry_find(&request, &profile->transport, &profile->plugin, error);
}

int ps_profile_open(ps_profiles *profiles, const char *name, ps_profile *profile) {
  penstock_error error;
  size_t before = ps_problems_fatal(&profiles->problems);
  memset(profile, 0, sizeof(*profile));
  profile->name = name;
  int loaded = load_plugin(profiles, profile, &error);
  if (loaded != 0) {
    add_plugin_problem(profiles, name, &error);
  }
  profile->settings = ps_config_check_profile(profiles->config, name, profile->transport, &profiles->problems);
  profile->usable = ps_problems_fatal(&profiles->problems) == before && profile->settings && profile->transport;
  return profile->usable ? 0 : PENSTOCK_E_FAILED;
}

void ps_profile_close(ps_profile *profile) {
  ps_settings_free(profile->settings);
  profile->settings = NULL;
}

int ps_cli_change_log(const ps_settings *gateway, uint32_t otherwise, penstock_error *error) {
  const char *file = ps_cli_options.log_file;
  const char *format = ps_cli_options.log_format;
  uint32_t level = ps_cli_options.log_level;
  if (gateway) {
    file = file ? file : ps_settings_string(gateway, "log_file");
    format = format ? format : ps_settings_string(gateway, "log_format");
    if (!level && ps_settings_origin(gateway, "log_level")) {
      level = ps_log_level_parse(ps_settings_string(gateway, "log_level"));
    }
  }
  ps_log_format form = format ? ps_log_format_parse(format) : PS_LOG_AUTO;
  return ps_log_open(file, form, level ? level : otherwise, error);
}

int ps_cli_open_log(const ps_settings *gateway, uint32_t otherwise) {
  penstock_error error;
  if (ps_cli_change_log(gateway, otherwise, &error) != 0) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
    return ps_cli_exit_code(&error);
  }
  return PS_EXIT_OK;
}

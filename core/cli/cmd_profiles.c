/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "base/text.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/profile_select.h"
#include "cli/show.h"

/* What is listed of one profile; text is raw, from the file. */
typedef struct profile_row {
  const char *name;
  const char *transport;   /* "" if it is missing */
  const char *description; /* "" if there is none */
  char listen[128];
  size_t errors;
  int is_default;
} profile_row;

static void fill_row(ps_profiles *profiles, const char *name, profile_row *out) {
  ps_profile profile;
  size_t before = ps_problems_fatal(&profiles->problems);
  const char *transport = ps_config_raw(profiles->config, name, "transport");
  const char *description = ps_config_raw(profiles->config, name, "description");
  const char *listen = ps_config_raw(profiles->config, name, "listen");
  const char *chosen = profiles->gateway ? ps_settings_string(profiles->gateway, "profile") : NULL;
  (void)ps_profile_open(profiles, name, &profile);
  if (profile.settings && ps_settings_string(profile.settings, "listen")) {
    listen = ps_settings_string(profile.settings, "listen");
  }
  out->name = name;
  out->transport = transport ? transport : "";
  out->description = description ? description : "";
  (void)snprintf(out->listen, sizeof(out->listen), "%s", listen ? listen : "");
  out->errors = ps_problems_fatal(&profiles->problems) - before;
  out->is_default = chosen && strcmp(chosen, name) == 0;
  ps_profile_close(&profile);
}

static json_t *row_json(const profile_row *row) {
  return json_pack("{s:o, s:o, s:o, s:o, s:b, s:I}", "name", ps_json_text(row->name), "transport",
                   ps_json_text(row->transport), "listen", ps_json_text(row->listen), "description",
                   ps_json_text(row->description), "default", row->is_default, "errors", (json_int_t)row->errors);
}

static void print_json(ps_profiles *profiles) {
  json_t *list = json_array();
  for (size_t i = 0; i < ps_config_profile_count(profiles->config); i++) {
    profile_row row;
    if (ps_config_is_template(profiles->config, ps_config_profile_name(profiles->config, i))) {
      continue;
    }
    fill_row(profiles, ps_config_profile_name(profiles->config, i), &row);
    (void)json_array_append_new(list, row_json(&row));
  }
  ps_json_line(json_pack("{s:o, s:o}", "config", ps_json_text(ps_config_path(profiles->config)), "profiles", list));
}

static void print_rows(ps_profiles *profiles) {
  size_t errors = 0;
  ps_out_line("%-20s %-20s %-22s %s", "PROFILE", "TRANSPORT", "LISTEN", "DESCRIPTION");
  for (size_t i = 0; i < ps_config_profile_count(profiles->config); i++) {
    profile_row row;
    char name[128];
    char transport[128];
    char listen[128];
    char description[512];
    if (ps_config_is_template(profiles->config, ps_config_profile_name(profiles->config, i))) {
      continue;
    }
    fill_row(profiles, ps_config_profile_name(profiles->config, i), &row);
    errors += row.errors;
    ps_out_line("%-20s %-20s %-22s %s%s%s%s%s", ps_show_safe(name, sizeof(name), row.name),
                ps_show_safe(transport, sizeof(transport), row.transport[0] ? row.transport : "?"),
                ps_show_safe(listen, sizeof(listen), row.listen),
                ps_show_safe(description, sizeof(description), row.description), row.is_default ? " (default)" : "",
                row.errors ? ps_term_style(PS_STDOUT, PS_STYLE_BAD) : "", row.errors ? " [has errors]" : "",
                row.errors ? ps_term_style(PS_STDOUT, PS_STYLE_END) : "");
  }
  if (errors > 0 || ps_problems_fatal(&profiles->problems) > 0) {
    ps_out_text("Something is wrong in the file: 'penstock check' says what.");
  }
}

int ps_cmd_profiles(int argc, char **argv) {
  int json = 0;
  char **arguments;
  int exit_code;
  ps_profiles profiles;
  const ps_cli_option options[] = {{"json", NULL, "one JSON object", &json, NULL}};
  const ps_cli_syntax syntax = {
      "profiles", "", "Lists the profiles: name, transport, local address, description.", options, 1, 0, 0};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (ps_profiles_load(&profiles) != 0) {
    ps_cli_print_problems(PS_STDERR, &profiles.problems);
    exit_code = PS_EXIT_CONFIG;
  } else if (json) {
    print_json(&profiles);
    exit_code = PS_EXIT_OK;
  } else {
    print_rows(&profiles);
    exit_code = PS_EXIT_OK;
  }
  ps_profiles_free(&profiles);
  return exit_code;
}

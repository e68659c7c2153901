/* SPDX-License-Identifier: MIT */
/* penstock plugin list|show: what is there, or why it is refused; and what a profile may set. */
#include "cli/cli.h"

#include <stdlib.h>

#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/plugin_show.h"
#include "cli/profile_select.h"
#include "cli/show.h"
#include "plugin/registry.h"

/* One file of a folder: loaded, or refused. */
typedef struct plugin_row {
  const char *path;
  const ps_plugin *plugin; /* NULL = refused */
  penstock_error error;
} plugin_row;

static void load_row(const char *path, plugin_row *row) {
  memset(row, 0, sizeof(*row));
  row->path = path;
  if (ps_registry_load(path, NULL, &row->plugin, &row->error) != 0) {
    row->plugin = NULL;
  }
}

static void print_row(const plugin_row *row) {
  char path[1024];
  char names[512] = "";
  if (!row->plugin) {
    ps_cli_print_error(PS_STDOUT, "Unusable", &row->error);
    return;
  }
  const penstock_plugin *plugin = row->plugin->plugin;
  for (uint32_t i = 0; i < plugin->transport_count; i++) {
    size_t used = strlen(names);
    (void)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", plugin->transports[i]->name);
  }
  ps_out_line("%-20s %-10s %-30s %s", plugin->name, plugin->version, names,
              ps_show_safe(path, sizeof(path), row->path));
}

static json_t *row_json(const plugin_row *row) {
  json_t *object = row->plugin ? ps_plugin_json(row->plugin, 0) : json_object();
  (void)json_object_set_new(object, "path", ps_json_text(row->path));
  (void)json_object_set_new(object, "error", ps_json_error(row->plugin ? NULL : &row->error));
  return object;
}

static void list_text(char **folders) {
  char folder[1024];
  ps_out_line("%-20s %-10s %-30s %s", "PLUGIN", "VERSION", "TRANSPORTS", "FILE");
  for (size_t i = 0; folders[i]; i++) {
    char **files = ps_registry_files(folders[i]);
    for (size_t k = 0; files && files[k]; k++) {
      plugin_row row;
      load_row(files[k], &row);
      print_row(&row);
    }
    if (!files || !files[0]) {
      ps_out_line("No plugin files (*" PENSTOCK_PLUGIN_SUFFIX ") in %s",
                  ps_show_safe(folder, sizeof(folder), folders[i]));
    }
    ps_registry_free_list(files);
  }
}

static void list_json(char **folders) {
  json_t *places = json_array();
  json_t *plugins = json_array();
  for (size_t i = 0; folders[i]; i++) {
    char **files = ps_registry_files(folders[i]);
    (void)json_array_append_new(places, ps_json_text(folders[i]));
    for (size_t k = 0; files && files[k]; k++) {
      plugin_row row;
      load_row(files[k], &row);
      (void)json_array_append_new(plugins, row_json(&row));
    }
    ps_registry_free_list(files);
  }
  ps_json_line(json_pack("{s:o, s:o}", "folders", places, "plugins", plugins));
}

/* What both commands share: where to look, and in which form to answer. */
typedef struct plugin_command {
  const char *path;
  int json;
} plugin_command;

/*
 * The folders to look through: --path, else plugin_path of [gateway], then the built-in one. Without a profiles
 * file there is no [gateway], which is no fault here unless the command line named the file. Returns 0 or an exit
 * code after a complaint. The caller frees `profiles`, which the request borrows from.
 */
static int make_request(const plugin_command *command, ps_profiles *profiles, ps_plugin_request *request) {
  memset(request, 0, sizeof(*request));
  request->plugin_path = command->path;
  if (ps_profiles_load(profiles) != 0 || !profiles->gateway) {
    if (!ps_cli_options.config) {
      return 0;
    }
    ps_cli_print_problems(PS_STDERR, &profiles->problems);
    return PS_EXIT_CONFIG;
  }
  if (!request->plugin_path) {
    request->plugin_path = ps_settings_string(profiles->gateway, "plugin_path");
  }
  return 0;
}

static int run_list(const plugin_command *command) {
  ps_profiles profiles;
  ps_plugin_request request;
  int exit_code = make_request(command, &profiles, &request);
  char **folders = exit_code ? NULL : ps_registry_folders(&request);
  if (folders && command->json) {
    list_json(folders);
  } else if (folders) {
    list_text(folders);
  } else if (!exit_code) {
    exit_code = PS_EXIT_FAILED;
  }
  ps_registry_free_list(folders);
  ps_profiles_free(&profiles);
  return exit_code;
}

/* Is it a file that is meant, rather than a transport? */
static int names_file(const char *what) {
  size_t length = strlen(what);
  return strchr(what, '/') || (length > strlen(PENSTOCK_PLUGIN_SUFFIX) &&
                               strcmp(what + length - strlen(PENSTOCK_PLUGIN_SUFFIX), PENSTOCK_PLUGIN_SUFFIX) == 0);
}

static int run_show(const plugin_command *command, const char *what) {
  ps_profiles profiles;
  ps_plugin_request request;
  const ps_plugin *plugin = NULL;
  const penstock_transport *transport = NULL;
  penstock_error error;
  int exit_code = make_request(command, &profiles, &request);
  if (!exit_code) {
    request.transport = what;
    int code = names_file(what) ? ps_registry_load(what, NULL, &plugin, &error)
                                : ps_registry_find(&request, &transport, &plugin, &error);
    if (code) {
      ps_cli_print_error(PS_STDERR, "Failed", &error);
      exit_code = ps_cli_exit_code(&error);
    } else if (command->json) {
      ps_json_line(ps_plugin_json(plugin, 1));
    } else {
      ps_plugin_print(plugin);
    }
  }
  ps_profiles_free(&profiles);
  return exit_code;
}

static int cmd_list(int argc, char **argv) {
  plugin_command command = {0};
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {
      {"json", NULL, "one JSON object", &command.json, NULL},
      {"path", "FOLDERS", "look in these, separated by ':', instead of plugin_path of [gateway]", NULL, &command.path},
  };
  const ps_cli_syntax syntax = {
      "plugin list",
      "",
      "Lists the plugin files of the folders that are searched, with the transports they bring\n"
      "or why they are refused.\n"
      "\n"
      "Files that pass every check are loaded, which runs code of theirs: only what lies in\n"
      "these folders, and only what nobody but root and you can change.",
      options,
      2,
      0,
      0};
  return ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code) ? run_list(&command) : exit_code;
}

static int cmd_show(int argc, char **argv) {
  plugin_command command = {0};
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {
      {"json", NULL, "one JSON object", &command.json, NULL},
      {"path", "FOLDERS", "look in these, separated by ':', instead of plugin_path of [gateway]", NULL, &command.path},
  };
  const ps_cli_syntax syntax = {"plugin show",
                                "TRANSPORT|FILE",
                                "Shows the transports of a plugin and what a profile may set for each.\n"
                                "What has a '/' in it or ends in " PENSTOCK_PLUGIN_SUFFIX " is a file.",
                                options,
                                2,
                                1,
                                1};
  return ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code) ? run_show(&command, arguments[0]) : exit_code;
}

int ps_cmd_plugin(int argc, char **argv) {
  static const ps_cli_command commands[] = {
      {"list", "the plugin files, their transports, or why they are refused", cmd_list},
      {"show", "a plugin's transports, and what a profile may set for each", cmd_show},
  };
  static const ps_cli_group group = {"plugin", commands, sizeof(commands) / sizeof(commands[0])};
  return ps_cli_run_group(&group, argc, argv);
}

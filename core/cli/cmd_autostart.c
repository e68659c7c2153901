/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/text.h"
#include "cli/background.h"
#include "cli/out.h"
#include "cli/profile_select.h"
#include "cli/several.h"
#include "cli/show.h"
#include "log/log.h"
#include "service/autostart.h"

static int failed(const penstock_error *error) {
  ps_cli_print_error(PS_STDERR, "Failed", error);
  return (int)ps_cli_exit_code(error);
}

/* --- enable --------------------------------------------------------------------------------------- */

/* What the gateway is called with: as little as it needs to find what this command has found. */
typedef struct line {
  char *config; /* the whole path; NULL: it is where it is looked for */
  char *log;    /* NULL: the profiles file names one */
  const char *words[12];
} line;

static void make_line(line *self, const char *profile) {
  size_t used = 0;
  self->words[used++] = "up";
  self->words[used++] = profile;
  self->words[used++] = "--batch"; /* there is nobody to ask */
  if (self->config) {
    self->words[used++] = "--config";
    self->words[used++] = self->config;
  }
  if (self->log) {
    self->words[used++] = "--log-file";
    self->words[used++] = self->log;
  }
  self->words[used] = NULL;
}

static int names_log(const ps_settings *gateway) {
  const char *format = ps_settings_string(gateway, "log_format");
  return ps_settings_string(gateway, "log_file") || (format && ps_log_is_of_system(ps_log_format_parse(format)));
}

static int enable_one(const ps_profiles *profiles, const char *profile) {
  penstock_error error;
  char safe[256];
  const char *config = ps_cli_options.config ? ps_cli_options.config : getenv("PENSTOCK_CONFIG");
  line self = {.config = config && config[0] ? realpath(config, NULL) : NULL};
  int exit_code = PS_EXIT_OK;
  if (ps_cli_options.log_file) {
    self.log = strdup(ps_cli_options.log_file);
  } else if (!names_log(profiles->gateway) && !(self.log = ps_background_log(profile, &error))) {
    exit_code = failed(&error);
  }
  make_line(&self, profile);
  if (exit_code == PS_EXIT_OK && ps_autostart_enable(profile, self.words, &error) != PENSTOCK_OK) {
    exit_code = failed(&error);
  }
  if (exit_code == PS_EXIT_OK) {
    (void)ps_show_safe(safe, sizeof(safe), profile);
    ps_out_line("The gateway of '%s' starts when you log on. To start it now: 'penstock up -d %s'.", safe, safe);
    if (self.log) {
      ps_out_line("Its log: %s", ps_show_safe(safe, sizeof(safe), self.log));
    }
  }
  free(self.config);
  free(self.log);
  return exit_code;
}

static int enable_all(ps_profiles *profiles, char **arguments) {
  int exit_code = PS_EXIT_OK;
  size_t i = 0;
  do {
    const char *name = ps_profiles_choose(profiles, "autostart enable", arguments[i], &exit_code);
    if (!name) {
      return exit_code;
    }
    ps_profile profile;
    int is_usable = ps_profile_open(profiles, name, &profile) == 0;
    ps_profile_close(&profile);
    if (!is_usable || ps_problems_fatal(&profiles->problems) > 0) {
      ps_cli_print_problems(PS_STDERR, &profiles->problems);
      return PS_EXIT_CONFIG;
    }
    exit_code = enable_one(profiles, name);
  } while (exit_code == PS_EXIT_OK && arguments[i] && arguments[++i]);
  return exit_code;
}

static int cmd_enable(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "autostart enable",
      "[PROFILE]...",
      "Has a gateway of each PROFILE start whenever you log on to Windows, hidden and without a\n"
      "question, and start again after a crash. It needs no administrator. Without PROFILE: `profile`\n"
      "of [gateway], or the only one. What it may ask, ask it before, with 'penstock trust' and\n"
      "'penstock check --connect'.",
      NULL,
      0,
      0,
      PS_SEVERAL_MAX};
  char **arguments;
  int exit_code;
  penstock_error error;
  ps_profiles profiles;
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (ps_autostart_check(&error) != PENSTOCK_OK) {
    return failed(&error);
  }
  if (ps_profiles_load(&profiles) != 0) {
    ps_cli_print_problems(PS_STDERR, &profiles.problems);
    exit_code = PS_EXIT_CONFIG;
  } else {
    exit_code = enable_all(&profiles, arguments);
  }
  ps_profiles_free(&profiles);
  return exit_code;
}

/* --- disable -------------------------------------------------------------------------------------- */

static int disable_one(const char *profile) {
  penstock_error error;
  char safe[256];
  int result = ps_autostart_disable(profile, &error);
  if (result < 0) {
    return failed(&error);
  }
  (void)ps_show_safe(safe, sizeof(safe), profile);
  ps_out_line(result > 0 ? "The gateway of '%s' does not start by itself any more; one that runs goes on."
                         : "No gateway of '%s' was to start by itself.",
              safe);
  return PS_EXIT_OK;
}

/* Names are kept until the list has been told, which must not change meanwhile. */
typedef struct names {
  char *items[PS_SEVERAL_MAX];
  size_t count;
} names;

static void keep_name(void *context, const ps_autostart_entry *entry) {
  names *self = context;
  if (self->count < PS_SEVERAL_MAX) {
    self->items[self->count] = strdup(entry->profile);
    self->count += self->items[self->count] != NULL;
  }
}

static int disable_all(void) {
  penstock_error error;
  names all = {.count = 0};
  int exit_code = PS_EXIT_OK;
  if (ps_autostart_each(keep_name, &all, &error) != PENSTOCK_OK) {
    return failed(&error);
  }
  if (all.count == 0) {
    ps_out_text("No gateway was to start by itself.");
  }
  for (size_t i = 0; i < all.count; i++) {
    int one = disable_one(all.items[i]);
    exit_code = exit_code == PS_EXIT_OK ? one : exit_code;
    free(all.items[i]);
  }
  return exit_code;
}

static int cmd_disable(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "autostart disable",
      "[PROFILE]...",
      "Takes back what 'autostart enable' did for each PROFILE; without PROFILE, for all of yours.\n"
      "Gateways that run go on: 'penstock down' ends them.",
      NULL,
      0,
      0,
      PS_SEVERAL_MAX};
  char **arguments;
  int exit_code;
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (!arguments[0]) {
    return disable_all();
  }
  exit_code = PS_EXIT_OK;
  for (; *arguments && exit_code == PS_EXIT_OK; arguments++) {
    exit_code = disable_one(*arguments);
  }
  return exit_code;
}

/* --- status --------------------------------------------------------------------------------------- */

static void show(void *context, const ps_autostart_entry *entry) {
  char profile[256];
  char task[320];
  (*(size_t *)context)++;
  ps_out_line("%-20s %-24s task '%s'", ps_show_safe(profile, sizeof(profile), entry->profile), entry->state,
              ps_show_safe(task, sizeof(task), entry->task));
}

static int cmd_status(int argc, char **argv) {
  const ps_cli_syntax syntax = {
      "autostart status", "", "Lists the gateways of yours that start when you log on.", NULL, 0, 0, 0};
  char **arguments;
  int exit_code;
  size_t count = 0;
  penstock_error error;
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (ps_autostart_each(show, &count, &error) != PENSTOCK_OK) {
    return failed(&error);
  }
  if (count == 0) {
    ps_out_text("No gateway starts by itself. To have one do so: 'penstock autostart enable PROFILE'.");
  }
  return PS_EXIT_OK;
}

int ps_cmd_autostart(int argc, char **argv) {
  static const ps_cli_command commands[] = {
      {"enable", "have gateways start when you log on", cmd_enable},
      {"disable", "have them do so no more", cmd_disable},
      {"status", "which ones do", cmd_status},
  };
  static const ps_cli_group group = {"autostart", commands, sizeof(commands) / sizeof(commands[0])};
  return ps_cli_run_group(&group, argc, argv);
}

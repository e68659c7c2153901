/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <uv.h>

#include "cli/other_profile.h"
#include "cli/out.h"
#include "cli/profile_select.h"
#include "cli/up_events.h"
#include "gateway/gateway.h"
#include "log/log.h"

/* The command line of `up`. */
typedef struct up_line {
  const char *listen;
  int json;
  int no_launch;
  int self_test;
  int verbose;
  char **arguments;
  int told; /* what happens is printed where the log goes */
  int ran;  /* the gateway has run, and has told its end */
} up_line;

static int parse(int argc, char **argv, up_line *line) {
  const ps_cli_option options[] = {
      {"listen", "ADDRESS", "local address (host:port), instead of the profile's", NULL, &line->listen},
      {"no-launch", NULL, "serve a solver that runs, start none (as launch = never)", &line->no_launch, NULL},
      {"self-test", NULL, "once it serves, ask the solver through the local port", &line->self_test, NULL},
      {"verbose", NULL, "log much (as --log-level debug)", &line->verbose, NULL},
      {"json", NULL, "one JSON object a line", &line->json, NULL},
  };
  const ps_cli_syntax syntax = {
      "up",
      "[PROFILE]",
      "Runs the gateway: opens the local port, connects as the profile says, finds or starts the\n"
      "solver, and serves until Ctrl-C. Without PROFILE: `profile` of [gateway], or the only one.\n"
      "What happens is told on standard output, the log goes to standard error.",
      options,
      sizeof(options) / sizeof(options[0]),
      0,
      1};
  int exit_code;
  return ps_cli_parse(&syntax, argc, argv, &line->arguments, &exit_code) ? -1 : exit_code;
}

/* Opens the log. On a terminal its lines would only repeat what is told anyway, so there it begins at warnings, and
 * without those that are told. */
static int open_log(up_line *line, const ps_settings *gateway) {
  int both = ps_term_is_terminal(PS_STDOUT) && ps_term_is_terminal(PS_STDERR) && !ps_cli_options.log_file &&
             !ps_settings_string(gateway, "log_file");
  line->told = both && !line->json;
  if (line->verbose && !ps_cli_options.log_level) {
    ps_cli_options.log_level = PENSTOCK_LOG_DEBUG;
  }
  return ps_cli_open_log(gateway, both ? PENSTOCK_LOG_WARN : PENSTOCK_LOG_INFO);
}

/* Problems go to standard error as lines, and with --json to standard output as objects too. */
static int wrong_profile(const up_line *line, ps_profiles *profiles) {
  ps_cli_print_problems(PS_STDERR, &profiles->problems);
  if (line->json) {
    ps_up_json_problems(&profiles->problems);
  }
  return PS_EXIT_CONFIG;
}

static int find_other(void *context, const char *name, ps_gateway_profile *found, penstock_error *error) {
  const up_line *line = context;
  return ps_profile_find_other(name, line->listen, found, error);
}

static int run(up_line *line, const ps_profile *profile) {
  penstock_error error;
  ps_up_events told;
  ps_up_events_init(&told, profile, line->json, line->self_test, line->verbose);
  const ps_gateway_options options = {
      .profile = profile->name,
      .transport = profile->transport,
      .settings = profile->settings,
      .no_launch = line->no_launch,
      .told = line->told,
      .control = 1,
      .events = line->json ? &ps_up_json_events : &ps_up_text_events,
      .context = &told,
      .find = find_other,
      .find_context = line,
  };
  memset(&error, 0, sizeof(error));
  line->ran = 1;
  ps_out_start(line->json);
  int failed = ps_gateway_run(&options, &error) != 0;
  int exit_code = failed ? (int)ps_cli_exit_code(&error) : PS_EXIT_OK;
  ps_up_events_end(&told, failed ? &error : NULL, exit_code);
  ps_out_stop();
  if (failed) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
  }
  ps_cli_leave_if_abandoned(exit_code);
  return exit_code;
}

static int open_and_run(up_line *line, ps_profiles *profiles, ps_profile *profile) {
  int exit_code;
  if (line->listen && profile->settings &&
      ps_settings_set(profile->settings, "listen", line->listen, "--listen", &profiles->problems) != 0) {
    ps_cli_print_problems(PS_STDERR, &profiles->problems);
    return PS_EXIT_USAGE;
  }
  if (ps_problems_fatal(&profiles->problems) > 0) {
    return wrong_profile(line, profiles);
  }
  ps_cli_print_problems(PS_STDERR, &profiles->problems);
  if ((exit_code = open_log(line, profiles->gateway)) != 0) {
    return exit_code;
  }
  exit_code = run(line, profile);
  ps_log_close();
  return exit_code;
}

int ps_cmd_up(int argc, char **argv) {
  up_line line = {0};
  ps_profiles profiles;
  ps_profile profile;
  int exit_code = parse(argc, argv, &line);
  if (exit_code >= 0) {
    return exit_code;
  }
  if (ps_profiles_load(&profiles) != 0) {
    exit_code = wrong_profile(&line, &profiles);
  } else {
    const char *name = ps_profiles_choose(&profiles, "up", line.arguments[0], &exit_code);
    if (name) {
      (void)ps_profile_open(&profiles, name, &profile);
      exit_code = open_and_run(&line, &profiles, &profile);
      ps_profile_close(&profile);
    }
  }
  ps_profiles_free(&profiles);
  if (line.json && !line.ran) {
    ps_up_json_stopped(NULL, exit_code);
  }
  return exit_code;
}

/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>
#include <uv.h>

#include "cli/background.h"
#include "cli/gateways.h"
#include "cli/other_profile.h"
#include "cli/out.h"
#include "cli/profile_select.h"
#include "cli/several.h"
#include "cli/split.h"
#include "cli/up_events.h"
#include "gateway/gateway.h"
#include "log/log.h"
#include "service/manager.h"

/* The command line of `up`. */
typedef struct up_line {
  const char *listen;
  int detach;
  int json;
  int no_launch;
  int self_test;
  int verbose;
  char **arguments;
  size_t index;       /* of the profile that is looked at, among several */
  uint32_t log_level; /* if nobody has set one */
  int told;           /* what happens is printed where the log goes */
  int ran;            /* the gateway has run, and has told its end */
  int was_ended;      /* one in the background has ended before it went on without us */
  int is_detached;    /* this process is one in the background */
  char *log;          /* of one in the background, if nobody has named another file */
} up_line;

static int parse(int argc, char **argv, up_line *line) {
  const ps_cli_option options[] = {
      {"listen", "ADDRESS", "local address (host:port), instead of the profile's", NULL, &line->listen},
      {"no-launch", NULL, "serve a solver that runs, start none (as launch = never)", &line->no_launch, NULL},
      {"self-test", NULL, "once it serves, ask the solver through the local port", &line->self_test, NULL},
      {"verbose", NULL, "log much (as --log-level debug)", &line->verbose, NULL},
      {"detach", NULL, "go on in the background once it serves, or tries again by itself", &line->detach, NULL},
      {"json", NULL, "one JSON object a line", &line->json, NULL},
  };
  const ps_cli_syntax syntax = {
      "up",
      "[PROFILE]...",
      "Runs the gateway: opens the local port, connects as the profile says, finds or starts the\n"
      "solver, and serves until Ctrl-C. Without PROFILE: `profile` of [gateway], or the only one.\n"
      "What happens is told on standard output, the log goes to standard error. With -d it returns once\n"
      "the port is open and it is known how it went, as without it if it failed; the gateway goes on\n"
      "without the terminal, and logs to log_file or else to ~/.local/state/penstock/PROFILE.log\n"
      "(on Windows to penstock\\log\\PROFILE.log in %LOCALAPPDATA%).\n"
      "Several PROFILEs: a gateway for each, in a process of its own and on its own `listen`. They start\n"
      "one after the other; one that fails does not end the others, and counts for the exit code.",
      options,
      sizeof(options) / sizeof(options[0]),
      0,
      PS_SEVERAL_MAX};
  int exit_code;
  if (!ps_cli_parse(&syntax, argc, argv, &line->arguments, &exit_code)) {
    return exit_code;
  }
  if (line->listen && line->arguments[0] && line->arguments[1]) {
    return ps_cli_usage("up",
                        "--listen is one address, and several gateways need one each: set `listen` in the profiles");
  }
  if (line->detach && line->self_test) {
    return ps_cli_usage("up",
                        "--self-test needs the terminal, which -d leaves: ask it afterwards with 'penstock probe'");
  }
  return -1;
}

static int logs_to_system(const ps_settings *gateway) {
  const char *format =
      ps_cli_options.log_format ? ps_cli_options.log_format : ps_settings_string(gateway, "log_format");
  return format && ps_log_is_of_system(ps_log_format_parse(format));
}

/* Opens the log. On a terminal its lines would only repeat what is told anyway, so there it begins at warnings, and
 * without those that are told. */
static int open_log(up_line *line, const ps_settings *gateway) {
  if (line->log) {
    ps_cli_options.log_file = line->log;
  }
  int both = ps_term_is_terminal(PS_STDOUT) && ps_term_is_terminal(PS_STDERR) && !ps_cli_options.log_file &&
             !ps_settings_string(gateway, "log_file") && !logs_to_system(gateway);
  line->told = both && !line->json;
  if (line->verbose && !ps_cli_options.log_level) {
    ps_cli_options.log_level = PENSTOCK_LOG_DEBUG;
  }
  line->log_level = both ? PENSTOCK_LOG_WARN : PENSTOCK_LOG_INFO;
  return ps_cli_open_log(gateway, line->log_level);
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

static int read_anew(void *context, const char *name, ps_gateway_profile *found, ps_settings **common,
                     penstock_error *error) {
  const up_line *line = context;
  return ps_profile_read_anew(name, line->listen, found, common, error);
}

static int reopen_log(void *context, const ps_settings *common, penstock_error *error) {
  const up_line *line = context;
  return ps_cli_change_log(common, line->log_level, error);
}

/* What the command line says of the log, files do not change. */
static void note_fixed(const char *fixed[4]) {
  size_t count = 0;
  if (ps_cli_options.log_level) {
    fixed[count++] = "log_level";
  }
  if (ps_cli_options.log_format) {
    fixed[count++] = "log_format";
  }
  if (ps_cli_options.log_file) { /* or -d has */
    fixed[count++] = "log_file";
  }
  fixed[count] = NULL;
}

/* --- in the background -------------------------------------------------------------------------- */

static int failed(up_line *line, const penstock_error *error) {
  int exit_code = (int)ps_cli_exit_code(error);
  ps_cli_print_error(PS_STDERR, "Failed", error);
  if (line->json) {
    ps_up_json_stopped(error, exit_code);
    line->ran = 1;
  }
  return exit_code;
}

/* Would one be in the other's way? Port 0 is any that is free. */
static int is_same_place(const char *a, const char *b) {
  const char *port_a = strrchr(a, ':');
  const char *port_b = strrchr(b, ':');
  int is_everywhere = strncmp(a, "0.0.0.0:", 8) == 0 || strncmp(b, "0.0.0.0:", 8) == 0 || strncmp(a, "[::]:", 5) == 0 ||
                      strncmp(b, "[::]:", 5) == 0;
  return port_a && port_b && strcmp(port_a, port_b) == 0 && strcmp(port_a, ":0") != 0 &&
         (is_everywhere || strcmp(a, b) == 0);
}

/* One of ours has the port: what to do instead, by the profile that it uses. */
static void refuse_another(const ps_profile *profile, const char *listen, const ps_gateway_found *other,
                           penstock_error *error) {
  const char *used = ps_gateway_name(other);
  unsigned long pid = (unsigned long)other->client.pid;
  if (strcmp(used, profile->name) == 0) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                        "a gateway of '%s' runs already on %s (pid %lu)", profile->name, listen, pid);
    penstock_next(error, "see how it is: penstock status %s; or end it: penstock down %s", profile->name,
                  profile->name);
  } else {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                        "your gateway of '%s' has the port already, %s (pid %lu)", used, listen, pid);
    penstock_next(error,
                  "have it use this profile instead: penstock use %s --gateway %s; or give '%s' another `listen`",
                  profile->name, other->label, profile->name);
  }
}

/* Is there a gateway of this user's already that has this one's port? Returns 0, or a negative code with `error`. */
static int look_for_another(const ps_profile *profile, penstock_error *error) {
  ps_gateways found;
  penstock_error none;
  const char *listen = ps_settings_string(profile->settings, "listen");
  int code = listen ? ps_gateways_find(&found, NULL, &none) : PENSTOCK_E_NOT_FOUND;
  if (code != PENSTOCK_OK) {
    return PENSTOCK_OK;
  }
  for (size_t i = 0; i < found.count && code == PENSTOCK_OK; i++) {
    const char *theirs = ps_gateway_listens(&found.items[i]);
    if (theirs && is_same_place(listen, theirs)) {
      refuse_another(profile, listen, &found.items[i], error);
      code = PENSTOCK_E_FAILED;
    }
  }
  ps_gateways_free(&found);
  return code;
}

/* Splits the process. Returns 1 in the one that is to run the gateway, else 0 with *exit_code. */
static int detach(up_line *line, const ps_profiles *profiles, const ps_profile *profile, int *exit_code) {
  penstock_error error;
  int names_log =
      logs_to_system(profiles->gateway) || ps_cli_options.log_file || ps_settings_string(profiles->gateway, "log_file");
  if (look_for_another(profile, &error) != PENSTOCK_OK ||
      (!names_log && !(line->log = ps_background_log(profile->name, &error)))) {
    *exit_code = failed(line, &error);
    return 0;
  }
  int runs_it = ps_background_begin(line->index, exit_code, &line->was_ended, &error);
  if (runs_it < 0) {
    *exit_code = failed(line, &error);
  }
  line->ran |= runs_it == 0; /* the other one has told all there was */
  return runs_it > 0;
}

/* Where the log of one in the background is: a file, or "" for the system's. */
static const char *log_of(const up_line *line, const ps_settings *gateway) {
  const char *named = ps_cli_options.log_file ? ps_cli_options.log_file : ps_settings_string(gateway, "log_file");
  return line->log ? line->log : named ? named : "";
}

/* ------------------------------------------------------------------------------------------------ */

static int run(up_line *line, const ps_profiles *profiles, const ps_profile *profile) {
  penstock_error error;
  ps_up_events told;
  const char *fixed[4];
  note_fixed(fixed);
  ps_up_events_init(&told, profile, line->json, line->self_test, line->verbose);
  told.detach = line->detach ? log_of(line, profiles->gateway) : NULL;
  const ps_gateway_options options = {
      .profile = profile->name,
      .transport = profile->transport,
      .settings = profile->settings,
      .no_launch = line->no_launch,
      .told = line->told,
      .control = 1,
      .unasked = &told.unasked,
      .metrics = ps_settings_string(profiles->gateway, "metrics"),
      .events = line->json ? &ps_up_json_events : &ps_up_text_events,
      .context = &told,
      .find = find_other,
      .find_context = line,
      .common = profiles->gateway,
      .fixed = fixed,
      .reread = read_anew,
      .relog = reopen_log,
  };
  memset(&error, 0, sizeof(error));
  line->ran = 1;
  ps_out_excuse(); /* whoever has ended it well is to be told so: systemd would start it again */
  ps_out_start(line->json);
  int has_failed = ps_gateway_run(&options, &error) != 0;
  if (has_failed && error.leg == PENSTOCK_LEG_LOCAL && error.error_class == PENSTOCK_CLASS_REFUSED) {
    (void)look_for_another(profile, &error); /* whose the port is may be better known */
  }
  int exit_code = has_failed ? (int)ps_cli_exit_code(&error) : PS_EXIT_OK;
  ps_up_events_end(&told, has_failed ? &error : NULL, exit_code);
  ps_out_stop();
  if (has_failed) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
  }
  ps_cli_leave_if_abandoned(exit_code);
  return exit_code;
}

/* With profiles that are as they should be. */
static int detach_and_run(up_line *line, const ps_profiles *profiles, const ps_profile *profile) {
  int exit_code;
  if (line->detach && !detach(line, profiles, profile, &exit_code)) {
    return exit_code;
  }
  line->is_detached = line->detach;
  if ((exit_code = open_log(line, profiles->gateway)) != 0) {
    return exit_code;
  }
  ps_log_about(profile->name, profile->transport->name);
  exit_code = run(line, profiles, profile);
  ps_log_close();
  return exit_code;
}

/* Whoever has started this process anew has told them. */
static void tell_warnings(ps_profiles *profiles) {
  if (ps_split_own() < 0) {
    ps_cli_print_problems(PS_STDERR, &profiles->problems);
  }
}

static int open_and_run(up_line *line, ps_profiles *profiles, ps_profile *profile) {
  if (line->listen && profile->settings &&
      ps_settings_set(profile->settings, "listen", line->listen, "--listen", &profiles->problems) != 0) {
    ps_cli_print_problems(PS_STDERR, &profiles->problems);
    return PS_EXIT_USAGE;
  }
  if (ps_problems_fatal(&profiles->problems) > 0) {
    return wrong_profile(line, profiles);
  }
  tell_warnings(profiles);
  return detach_and_run(line, profiles, profile);
}

/* --- several ------------------------------------------------------------------------------------ */

/* What each of the processes needs of the one that it was split from. */
typedef struct up_several {
  up_line *line;
  ps_profiles *profiles;
  const char *names[PS_SEVERAL_MAX];
  ps_profile opened[PS_SEVERAL_MAX];
  size_t count;
} up_several;

static const char *place_of(const ps_profile *profile) {
  const char *origin = ps_settings_origin(profile->settings, "listen");
  return origin ? origin : "the default";
}

/* Before anything is started, so that it is not found out by the second one's failure. */
static int check_places(const up_several *self, penstock_error *error) {
  for (size_t i = 1; i < self->count; i++) {
    const char *listen = ps_settings_string(self->opened[i].settings, "listen");
    for (size_t j = 0; j < i; j++) {
      const char *other = ps_settings_string(self->opened[j].settings, "listen");
      if (listen && other && is_same_place(listen, other)) {
        (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                            "'%s' (%s) and '%s' (%s) would both listen on %s", self->names[j],
                            place_of(&self->opened[j]), self->names[i], place_of(&self->opened[i]), listen);
        penstock_next(error, "give each profile a `listen` of its own, or name only one of them");
        return PENSTOCK_E_INVALID;
      }
    }
  }
  return PENSTOCK_OK;
}

/* A service is one process that is told of by one socket. */
static int refuse_manager(penstock_error *error) {
  if (!ps_manager_is_there()) {
    return PENSTOCK_OK;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "a service manager has started this, to which several gateways would be one");
  penstock_next(error, "run a service for each: systemctl --user start penstock@PROFILE");
  return PENSTOCK_E_INVALID;
}

static int run_one(void *context, size_t index) {
  up_several *self = context;
  self->line->index = index;
  ps_out_label(self->names[index], self->line->json);
  return detach_and_run(self->line, self->profiles, &self->opened[index]);
}

/* In the background: each returns as soon as it goes on by itself, so they need no process that waits for all. */
static int detach_all(up_several *self) {
  int exit_code = PS_EXIT_OK;
  for (size_t i = 0; i < self->count; i++) {
    int one = run_one(self, i);
    if (self->line->is_detached) {
      return one;
    }
    exit_code = exit_code == PS_EXIT_OK ? one : exit_code;
    if (one == PS_EXIT_OK && self->line->was_ended) {
      break; /* by somebody who wants no more of it */
    }
    free(self->line->log);
    self->line->log = NULL;
  }
  return exit_code;
}

static int run_several(up_several *self) {
  penstock_error error;
  int exit_code;
  for (char **given = self->line->arguments; *given; given++) {
    const char *name = ps_profiles_choose(self->profiles, "up", *given, &exit_code);
    if (!name) {
      return exit_code;
    }
    self->names[self->count] = name;
    (void)ps_profile_open(self->profiles, name, &self->opened[self->count++]);
  }
  if (ps_problems_fatal(&self->profiles->problems) > 0) {
    return wrong_profile(self->line, self->profiles);
  }
  tell_warnings(self->profiles);
  if (refuse_manager(&error) != PENSTOCK_OK || check_places(self, &error) != PENSTOCK_OK) {
    return failed(self->line, &error);
  }
  int own = ps_split_own();
  if (own >= (int)self->count) {
    return PS_EXIT_USAGE; /* nobody has started it so */
  }
  if (self->line->detach) {
    return own < 0 ? detach_all(self) : run_one(self, (size_t)own);
  }
  exit_code = own < 0 ? ps_several_run(self->names, self->count, run_one, self) : run_one(self, (size_t)own);
  self->line->ran = 1; /* each has told its end */
  return exit_code;
}

static int up_several_of_them(up_line *line, ps_profiles *profiles) {
  up_several *self = calloc(1, sizeof(*self));
  if (!self) {
    (void)fprintf(stderr, "penstock: out of memory\n");
    return PS_EXIT_FAILED;
  }
  self->line = line;
  self->profiles = profiles;
  int exit_code = run_several(self);
  for (size_t i = 0; i < self->count; i++) {
    ps_profile_close(&self->opened[i]);
  }
  free(self);
  return exit_code;
}

/* ------------------------------------------------------------------------------------------------ */

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
  } else if (line.arguments[0] && line.arguments[1]) {
    exit_code = up_several_of_them(&line, &profiles);
  } else {
    const char *name = ps_profiles_choose(&profiles, "up", line.arguments[0], &exit_code);
    if (name) {
      (void)ps_profile_open(&profiles, name, &profile);
      exit_code = open_and_run(&line, &profiles, &profile);
      ps_profile_close(&profile);
    }
  }
  ps_profiles_free(&profiles);
  free(line.log);
  if (line.json && !line.ran) {
    ps_up_json_stopped(NULL, exit_code);
  }
  return exit_code;
}

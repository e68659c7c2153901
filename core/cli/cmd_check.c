/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>
#include <uv.h>

#include "cli/json_out.h"
#include "cli/legs.h"
#include "cli/look.h"
#include "cli/out.h"
#include "cli/profile_select.h"
#include "cli/show.h"
#include "gateway/gateway.h"
#include "log/log.h"

/* The command line, and what has come of it so far. */
typedef struct check_job {
  int connect;
  int json;
  int no_launch;
  ps_profiles profiles;
  ps_profile *opened; /* the profiles looked at */
  size_t checked;     /* how many */
  size_t tried;       /* ways that were tried, with --connect */
  size_t failed;      /* those of them that do not work */
  int outcome;        /* exit code of the first that failed */
  int interrupted;    /* the user wants no more */
} check_job;

/* One profile's way to the solver, as it is tried. */
typedef struct check_trial {
  const check_job *check;
  const char *profile;
  uint64_t started_ns;
  int can_launch; /* the transport starts solvers */
  int executed;   /* a command has been run there */
  int unasked;    /* probe = none */
  int served;
} check_trial;

static void failed_with(check_job *check, int exit_code) {
  if (check->outcome == PS_EXIT_OK) {
    check->outcome = exit_code;
  }
}

/* --- the way to the solver ---------------------------------------------------------------------- */

static void print_event(const check_trial *trial, json_t *event) {
  (void)json_object_set_new(event, "profile", ps_json_text(trial->profile));
  ps_json_line(event);
}

/* The list of legs is the same for a solver that runs: those of a launch are named, so that none seems forgotten. */
static void note_spared_legs(const check_trial *trial) {
  static const uint32_t spared[] = {PENSTOCK_LEG_EXEC, PENSTOCK_LEG_LAUNCH, PENSTOCK_LEG_READY};
  for (size_t i = 0; trial->can_launch && !trial->executed && i < sizeof(spared) / sizeof(spared[0]); i++) {
    ps_out_line("  %-10s %9s  not needed: something answers at the endpoint", ps_leg_name(spared[i]), "-");
  }
}

static void on_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  check_trial *trial = context;
  if (trial->check->json) {
    print_event(trial, ps_legs_json(leg, elapsed_ns, text, error));
  } else {
    trial->executed |= leg == PENSTOCK_LEG_EXEC || leg == PENSTOCK_LEG_LAUNCH;
    if (leg == PENSTOCK_LEG_ENDPOINT && !error) {
      note_spared_legs(trial);
    }
    ps_legs_line(leg, elapsed_ns, text, error);
  }
}

static void on_progress(void *context, const char *text) {
  check_trial *trial = context;
  char safe[512] = "  ";
  if (trial->check->json) {
    print_event(trial, json_pack("{s:s, s:o}", "event", "progress", "text", ps_json_text(text)));
  } else {
    ps_show_safe(safe + 2, sizeof(safe) - 2, text);
    ps_out_progress(safe);
  }
}

static void on_serving(void *context, int adopted, const char *protocol_version) {
  check_trial *trial = context;
  char span[32];
  char version[128];
  int known = protocol_version && protocol_version[0];
  uint64_t elapsed = uv_hrtime() - trial->started_ns;
  trial->served = 1;
  if (trial->check->json) {
    print_event(trial, json_pack("{s:s, s:b, s:o, s:b, s:o, s:n}", "event", "result", "ok", 1, "ms",
                                 ps_json_ms(elapsed), "adopted", adopted, "protocol_version",
                                 ps_json_text(protocol_version ? protocol_version : ""), "error"));
    return;
  }
  ps_out_line("  %sok%s: %s%s%s, in %s", ps_term_style(PS_STDOUT, PS_STYLE_GOOD),
              ps_term_style(PS_STDOUT, PS_STYLE_END),
              !adopted         ? "a solver can be launched"
              : known          ? "a solver runs"
              : trial->unasked ? "the way is open (probe = none: nothing was asked at its end)"
                               : "the endpoint answers",
              known ? ", protocol " : "", known ? ps_show_safe(version, sizeof(version), protocol_version) : "",
              ps_show_span(span, sizeof(span), elapsed));
}

static const ps_gateway_events events = {.leg = on_leg, .progress = on_progress, .serving = on_serving};

static void tell_failed(const check_trial *trial, const penstock_error *error) {
  if (trial->check->json) {
    print_event(trial, json_pack("{s:s, s:b, s:o, s:o}", "event", "result", "ok", 0, "ms",
                                 ps_json_ms(uv_hrtime() - trial->started_ns), "error", ps_json_error(error)));
  } else {
    ps_cli_print_error(PS_STDOUT, "  failed", error);
  }
}

static void try_way(check_job *check, const ps_profile *profile) {
  penstock_error error;
  check_trial trial = {.check = check, .profile = profile->name, .started_ns = uv_hrtime()};
  trial.can_launch = profile->transport->launch != NULL;
  trial.unasked = strcmp(ps_settings_string(profile->settings, "probe"), "none") == 0;
  char name[256];
  const ps_gateway_options options = {
      .profile = profile->name,
      .transport = profile->transport,
      .settings = profile->settings,
      .check_only = 1,
      .no_launch = check->no_launch,
      .events = &events,
      .context = &trial,
  };
  memset(&error, 0, sizeof(error));
  check->tried++;
  if (!check->json) {
    ps_out_line("%s (%s)", ps_show_safe(name, sizeof(name), profile->name), profile->transport->name);
  }
  int failed = ps_gateway_run(&options, &error) != 0;
  check->failed += failed || !trial.served;
  if (failed) {
    tell_failed(&trial, &error);
    failed_with(check, (int)ps_cli_exit_code(&error));
    check->interrupted = error.error_class == PENSTOCK_CLASS_CANCELLED;
  } else if (!trial.served) {
    failed_with(check, PS_EXIT_FAILED);
    check->interrupted = 1;
    if (!check->json) {
      ps_out_text("  interrupted");
    }
  }
  ps_cli_leave_if_abandoned(check->outcome);
}

/* --- the files ---------------------------------------------------------------------------------- */

static void print_problems(check_job *check) {
  ps_problems *problems = &check->profiles.problems;
  if (!check->json) {
    ps_cli_print_problems(PS_STDOUT, problems);
    return;
  }
  ps_problems_sort(problems);
  for (size_t i = 0; i < problems->count; i++) {
    ps_json_line(ps_json_problem(&problems->items[i]));
  }
}

static void print_summary(const check_job *check) {
  size_t errors = ps_problems_fatal(&check->profiles.problems);
  size_t warnings = check->profiles.problems.count - errors + ps_log_warnings(); /* the log is on the same terminal */
  const char *path = check->profiles.config ? ps_config_path(check->profiles.config) : NULL;
  char safe[1024];
  char ways[96] = "";
  if (check->tried > 0) { /* no error of the file, and yet none to be called 0 errors */
    (void)snprintf(ways, sizeof(ways), "; %zu way%s tried, %zu failed", check->tried, check->tried == 1 ? "" : "s",
                   check->failed);
  }
  if (check->json) {
    ps_json_line(json_pack("{s:s, s:o, s:I, s:I, s:I, s:i}", "event", "summary", "config", ps_json_text(path),
                           "profiles", (json_int_t)check->checked, "errors", (json_int_t)errors, "warnings",
                           (json_int_t)warnings, "exit_code", check->outcome));
  } else if (path) {
    ps_out_line("%s: %zu profile%s, %zu error%s, %zu warning%s%s", ps_show_safe(safe, sizeof(safe), path),
                check->checked, check->checked == 1 ? "" : "s", errors, errors == 1 ? "" : "s", warnings,
                warnings == 1 ? "" : "s", ways);
  }
}

static void try_all(check_job *check) {
  for (size_t i = 0; i < check->checked && !check->interrupted; i++) {
    const ps_profile *profile = &check->opened[i];
    char safe[256];
    if (profile->usable) {
      try_way(check, profile);
    } else if (!check->json) {
      ps_out_line("%s: not tried, it has errors", ps_show_safe(safe, sizeof(safe), profile->name));
    }
  }
}

/* Opens `only`, or every profile. Returns 0, or -1 if out of memory. */
static int open_all(check_job *check, const char *only) {
  size_t room = ps_config_profile_count(check->profiles.config) + 1;
  const char **names = calloc(room, sizeof(*names));
  check->opened = calloc(room, sizeof(*check->opened));
  int result = names && check->opened ? 0 : -1;
  if (result == 0) {
    names[0] = only;
    size_t count = only ? 1 : ps_profiles_list(&check->profiles, names, room);
    for (; check->checked < count; check->checked++) {
      ps_profile *profile = &check->opened[check->checked];
      if (ps_profile_open(&check->profiles, names[check->checked], profile) == 0 && !check->connect) {
        /* With --connect the lane does, and tells it as a leg. */
        ps_look(&check->profiles, profile, check->json ? PS_LOOK_JSON : only ? PS_LOOK_TEXT : PS_LOOK_SILENT);
      }
    }
  }
  free(names);
  return result;
}

static void close_all(check_job *check) {
  for (size_t i = 0; i < check->checked; i++) {
    ps_profile_close(&check->opened[i]);
  }
  free(check->opened);
  ps_profiles_free(&check->profiles);
}

static int run(check_job *check, const char *given) {
  const char *only = NULL;
  int loaded = ps_profiles_load(&check->profiles) == 0;
  if (loaded && given) {
    only = ps_profiles_choose(&check->profiles, "check", given, &check->outcome);
    if (!only) {
      return check->outcome;
    }
  }
  if (loaded && open_all(check, only) != 0) {
    (void)fprintf(stderr, "penstock: out of memory\n");
    return PS_EXIT_FAILED;
  }
  if (loaded && check->checked == 0 && ps_problems_fatal(&check->profiles.problems) == 0) {
    ps_problems_add(&check->profiles.problems, 0, ps_config_path(check->profiles.config), 0,
                    "there is no profile in it: one begins with its name in brackets, such as [lab]");
  }
  if (ps_problems_fatal(&check->profiles.problems) > 0) {
    failed_with(check, PS_EXIT_CONFIG);
  }
  print_problems(check);
  if (check->connect) {
    ps_out_start(check->json);
    try_all(check);
    ps_out_stop();
  }
  print_summary(check);
  return check->outcome;
}

int ps_cmd_check(int argc, char **argv) {
  check_job check = {0};
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {
      {"connect", NULL, "try the way to the solver too, leg by leg", &check.connect, NULL},
      {"no-launch", NULL, "with --connect: start no solver", &check.no_launch, NULL},
      {"json", NULL, "one JSON object a line", &check.json, NULL},
  };
  const ps_cli_syntax syntax = {
      "check",
      "[PROFILE]",
      "Checks the profiles file: every profile or the one named, with the plugins they use.\n"
      "With --connect, connects as 'up' would, starting a solver if none runs and stopping it\n"
      "again. The local port is not opened, but has to be free.",
      options,
      sizeof(options) / sizeof(options[0]),
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (check.no_launch && !check.connect) {
    return ps_cli_usage("check", "--no-launch says how to --connect, which is missing");
  }
  if ((exit_code = ps_cli_open_log(NULL, PENSTOCK_LOG_WARN)) != 0) {
    return exit_code;
  }
  exit_code = run(&check, arguments[0]);
  close_all(&check);
  ps_log_close();
  return exit_code;
}

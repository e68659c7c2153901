/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "cli/gateways.h"
#include "cli/json_out.h"
#include "cli/marks.h"
#include "cli/out.h"
#include "cli/several.h"
#include "cli/status_text.h"
#include "cli/watch.h"
#include "config/value.h"
#include "probe/ask.h"

/* How often --watch may ask. */
#define INTERVAL_LEAST_MS 100
#define INTERVAL_MOST_MS  3600000

static void print_status(const json_t *status) {
  ps_text text = {0};
  ps_text marked = {0};
  ps_status_text(&marked, status);
  ps_marks_apply(&text, PS_STDOUT, marked.data, marked.size > 0 ? marked.size - 1 : 0); /* without its last end */
  ps_out_text(text.data && !text.no_memory ? text.data : "out of memory");
  free(text.data);
  free(marked.data);
}

/* --- a project ---------------------------------------------------------------------------------- */

/* Asks the solver, as a client of the gateway's port; not one that would be held there. Returns 0 if it answers. */
static int add_project(json_t *status, const char *name) {
  char address[300];
  char said[PS_TCMD_SAID_SIZE] = "";
  ps_ask_result result = {.verdict = PS_ASK_FAILED};
  if (json_is_object(json_object_get(status, "solver"))) {
    ps_gateway_address(address, sizeof(address), ps_status_word(status, "listen"));
    ps_ask_project(address, name, PS_TCMD_TIMEOUT_MS, &result, said);
  } else {
    (void)penstock_fail(&result.error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "no solver is served");
    penstock_next(&result.error, "see above why");
  }
  int answers = result.verdict == PS_ASK_SOLVER;
  json_t *answer = answers ? json_loads(said, 0, NULL) : NULL;
  (void)json_object_set_new(status, "project",
                            json_pack("{s:o, s:o, s:o}", "name", ps_json_text(name), "answer",
                                      answer ? answer : json_null(), "error",
                                      ps_json_error(answers ? NULL : &result.error)));
  return answers ? 0 : -1;
}

/* --- the command -------------------------------------------------------------------------------- */

/* One that does not answer is still one that runs. */
static json_t *silent_json(const ps_gateway_found *gateway) {
  return json_pack("{s:o, s:n, s:I, s:o}", "profile", ps_json_text(ps_gateway_name(gateway)), "state", "pid",
                   (json_int_t)gateway->client.pid, "error", ps_json_error(&gateway->error));
}

static void print_silent(const ps_gateway_found *gateway) {
  char headline[400];
  (void)snprintf(headline, sizeof(headline), "%s (pid %lu)", ps_gateway_name(gateway),
                 (unsigned long)gateway->client.pid);
  ps_cli_print_error(PS_STDOUT, headline, &gateway->error);
}

/* Shows one, or adds it to `all` if that is not NULL. Returns 0 if it has answered, and its solver about the project.
 */
static int show(ps_gateway_found *gateway, const char *project, json_t *all) {
  json_t *status = NULL;
  gateway->silent = gateway->silent || ps_gateway_ask(gateway, "status", NULL, &status, &gateway->error) != PENSTOCK_OK;
  int failed = gateway->silent || (project && add_project(status, project) != 0);
  if (all) {
    (void)json_array_append_new(all, gateway->silent ? silent_json(gateway) : json_incref(status));
  } else if (gateway->silent) {
    print_silent(gateway);
  } else {
    print_status(status);
  }
  json_decref(status);
  return failed ? -1 : 0;
}

/* Those that are named, or all; one that is named twice is shown once. Tells of each name that means none. Returns 0,
 * or the first negative code with `error`. */
static int find_named(ps_gateways *found, char **names, int json, penstock_error *error) {
  int result = PENSTOCK_OK;
  memset(found, 0, sizeof(*found));
  for (char **name = names; *name || name == names; name++) {
    ps_gateways some;
    penstock_error own = {.struct_size = sizeof(own)};
    int code = ps_gateways_find(&some, *name, &own);
    if (code == PENSTOCK_OK) {
      code = ps_gateways_merge(found, &some);
    }
    ps_gateways_free(&some);
    if (code != PENSTOCK_OK && !json) {
      ps_cli_print_error(PS_STDERR, "Failed", &own);
    }
    if (code != PENSTOCK_OK && result == PENSTOCK_OK) {
      result = code;
      *error = own;
    }
    if (!*name) {
      break;
    }
  }
  return result;
}

static int run_watch(char **names, int json, int watch, const char *interval, const char *project) {
  ps_watch_options options = {.wanted = names[0], .interval_ms = 1000, .json = json};
  ps_text fault = {0};
  penstock_error error;
  int is_bad = interval && (ps_duration_parse(interval, &options.interval_ms, &fault) != 0 ||
                            options.interval_ms < INTERVAL_LEAST_MS || options.interval_ms > INTERVAL_MOST_MS);
  free(fault.data);
  if (!watch) {
    return ps_cli_usage("status", "--interval is for --watch");
  }
  if (is_bad) {
    return ps_cli_usage("status", "--interval '%s' is no duration: write 200ms, 2s or 1m, at most an hour", interval);
  }
  if (names[0] && names[1]) {
    return ps_cli_usage("status", "--watch is for one PROFILE, or for all");
  }
  if (project) {
    return ps_cli_usage("status", "--project asks once: leave --watch out");
  }
  if (!json && !ps_term_is_terminal(PS_STDOUT)) {
    return ps_cli_usage("status", "--watch is for a terminal; with --json it prints a line for each change");
  }
  if (ps_gateways_are_hidden(&error)) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
    return PS_EXIT_UNREACHABLE;
  }
  return ps_watch(&options);
}

int ps_cmd_status(int argc, char **argv) {
  int json = 0;
  int watch = 0;
  const char *interval = NULL;
  const char *project = NULL;
  char **arguments;
  int exit_code;
  ps_gateways found;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_option options[] = {
      {"watch", NULL, "go on, and show what changes; q ends it. With --json: a line for each change", &watch, NULL},
      {"interval", "DURATION", "how often --watch asks (1s)", NULL, &interval},
      {"project", "NAME", "ask the solver about this project, too", NULL, &project},
      {"json", NULL, "one JSON object", &json, NULL},
  };
  const ps_cli_syntax syntax = {
      "status",
      "[PROFILE]...",
      "Shows how the gateways are that run on this machine: state and why, the solver, streams,\n"
      "what they carry, the legs of the way, the last error. PROFILE: only those of that profile; PROFILE@PORT\n"
      "means one of several. Exits with 4 if there is none, of one that is named say, or if one, or the\n"
      "solver that is asked about a project, does not answer.",
      options,
      sizeof(options) / sizeof(options[0]),
      0,
      PS_SEVERAL_MAX};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (project && !ps_tcmd_name_fits(project)) {
    return ps_cli_usage("status", "--project '%.64s' is no name of a project", project);
  }
  if (watch || interval) {
    return run_watch(arguments, json, watch, interval, project);
  }
  json_t *all = json ? json_array() : NULL;
  int failed = find_named(&found, arguments, json, &error) != PENSTOCK_OK;
  exit_code = failed ? (int)ps_cli_exit_code(&error) : PS_EXIT_OK;
  for (size_t i = 0; i < found.count; i++) {
    exit_code = show(&found.items[i], project, all) == 0 ? exit_code : (int)PS_EXIT_UNREACHABLE;
  }
  if (json) {
    ps_json_line(json_pack("{s:o, s:o}", "gateways", all, "error", ps_json_error(failed ? &error : NULL)));
  }
  ps_gateways_free(&found);
  return exit_code;
}

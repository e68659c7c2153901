/* SPDX-License-Identifier: MIT */
/* The solver behind a gateway that runs: ended, started or both. What happens is shown until it is done. */
#include "cli/cli.h"

#include <limits.h>

#include "cli/gateways.h"
#include "cli/json_out.h"
#include "cli/legs.h"
#include "cli/out.h"
#include "cli/show.h"
#include "log/log.h"
#include "probe/ask.h"

#define PATIENCE_MS 5000
/* Every step of the way has a limit of its own. */
#define NO_LIMIT_MS (INT_MAX / 2)

typedef struct asking {
  const char *request;
  int json;
} asking;

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

static void show_leg(const json_t *event) {
  penstock_error failed = {.struct_size = sizeof(failed)};
  double ms = json_number_value(json_object_get(event, "ms"));
  int is_failed = json_is_object(json_object_get(event, "error"));
  ps_legs_line(ps_leg_parse(text_of(event, "leg")), ms > 0 ? (uint64_t)(ms * 1e6) : 0, text_of(event, "text"),
               is_failed ? &failed : NULL);
}

/* What happens on the way. How it ends is in the answer. */
static void show_event(void *context, const json_t *event) {
  const asking *what = context;
  const char *kind = text_of(event, "event");
  char safe[512];
  if (what->json) {
    ps_json_line(json_deep_copy(event));
  } else if (strcmp(kind, "leg") == 0) {
    show_leg(event);
  } else if (strcmp(kind, "progress") == 0) {
    ps_out_progress(ps_show_safe(safe, sizeof(safe), text_of(event, "text")));
  }
}

/* "; 2 streams were broken off", or nothing. */
static const char *broken_off(const json_t *result, char text[64]) {
  json_int_t streams = json_integer_value(json_object_get(result, "streams"));
  text[0] = '\0';
  if (streams > 0) {
    (void)snprintf(text, 64, "; %lld stream%s broken off", (long long)streams, streams == 1 ? " was" : "s were");
  }
  return text;
}

static void show_outcome(const asking *what, const char *name, const json_t *result) {
  char broken[64];
  char text[128];
  const char *version = text_of(result, "protocol_version");
  int is_already = json_is_true(json_object_get(result, "already"));
  int is_adopted = json_is_true(json_object_get(result, "adopted"));
  if (strcmp(what->request, "solver_stop") == 0) {
    ps_out_line("The solver of '%s' %s%s.", name, is_already ? "was stopped already" : "has been stopped",
                broken_off(result, broken));
    return;
  }
  if (is_already) {
    ps_out_line("The solver of '%s' is served already.", name);
  } else {
    ps_out_line("The solver of '%s' serves (%s%s%s)%s.", name, is_adopted ? "found running" : "launched",
                version[0] ? ", protocol " : "", ps_show_safe(text, sizeof(text), version), broken_off(result, broken));
  }
  if (strcmp(text_of(result, "state"), "hung") == 0) {
    ps_out_text("But it does not answer: `penstock restart` ends it and starts it again.");
  }
}

/* Listens to what happens, then asks; returns when it is known how it ends. */
static int ask(ps_gateway_found *gateway, asking *what, json_t *fields, json_t **result, penstock_error *error) {
  json_t *heard = NULL;
  gateway->client.heard = show_event;
  gateway->client.context = what;
  int code = ps_control_client_ask(&gateway->client, "subscribe",
                                   json_pack("{s:[s, s, s]}", "events", "state", "leg", "progress"), PATIENCE_MS,
                                   &heard, error); /* without events it goes as well, only unseen */
  json_decref(heard);
  if (code == PENSTOCK_E_CANCELLED || code == PENSTOCK_E_TIMEOUT) {
    return code;
  }
  return ps_control_client_ask(&gateway->client, what->request, fields ? json_incref(fields) : json_object(),
                               NO_LIMIT_MS, result, error);
}

/* The gateway says that a solver is served; but it asks none while nobody comes. Is there one that answers whoever
 * comes now? If not, the gateway knows by that, and what is wanted can be asked again. */
static int is_gone(const ps_gateway_found *gateway, const asking *what, const json_t *result) {
  char address[300];
  ps_ask_result answer;
  const char *listen = text_of(json_object_get(gateway->client.greeting, "gateway"), "listen");
  if (strcmp(what->request, "solver_start") != 0 || !json_is_true(json_object_get(result, "already")) ||
      !text_of(result, "protocol_version")[0]) {
    return 0;
  }
  ps_gateway_address(address, sizeof(address), listen);
  ps_ask(address, PS_TCMD_TIMEOUT_MS, &answer);
  return answer.verdict != PS_ASK_SOLVER;
}

static int run(asking *what, const char *gateway, json_t *fields) {
  ps_gateways found;
  char name[256];
  json_t *result = NULL;
  penstock_error error = {.struct_size = sizeof(error)};
  int code = ps_gateways_find_one(&found, gateway, &error);
  if (code == PENSTOCK_OK) {
    (void)ps_show_safe(name, sizeof(name), ps_gateway_name(&found.items[0]));
    code = ask(&found.items[0], what, fields, &result, &error);
  }
  if (code == PENSTOCK_OK && is_gone(&found.items[0], what, result)) {
    json_decref(result);
    code = ask(&found.items[0], what, fields, &result, &error);
  }
  int is_failed = code != PENSTOCK_OK;
  int exit_code = is_failed ? ps_gateway_exit_code(&error, code) : (int)PS_EXIT_OK;
  if (what->json) {
    ps_json_line(json_pack("{s:s, s:O?, s:o, s:i}", "event", "outcome", "result", result, "error",
                           ps_json_error(is_failed ? &error : NULL), "exit_code", exit_code));
  } else if (is_failed) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
  } else {
    show_outcome(what, name, result);
  }
  json_decref(result);
  ps_gateways_free(&found);
  return exit_code;
}

int ps_cmd_start(int argc, char **argv) {
  asking what = {.request = "solver_start"};
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {{"json", NULL, "one JSON object a line", &what.json, NULL}};
  const ps_cli_syntax syntax = {
      "start",
      "[PROFILE]",
      "Has a gateway look for its solver and launch it if none answers, and waits until it serves: after\n"
      "`penstock stop`, and also where the gateway has given up. It is no relaunch that `restart` or\n"
      "`restart_limit` would count. Without PROFILE: the only gateway. `penstock up` starts a gateway.",
      options,
      1,
      0,
      1};
  return ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code) ? run(&what, arguments[0], NULL) : exit_code;
}

/* Those that end it. */
static int run_ending(const ps_cli_syntax *syntax, asking *what, const char **drain, int argc, char **argv) {
  char **arguments;
  int exit_code;
  json_t *fields = NULL;
  if (!ps_cli_parse(syntax, argc, argv, &arguments, &exit_code) ||
      (exit_code = ps_gateway_read_drain(syntax->command, *drain, &fields)) != 0) {
    return exit_code;
  }
  exit_code = run(what, arguments[0], fields);
  json_decref(fields);
  return exit_code;
}

int ps_cmd_stop(int argc, char **argv) {
  asking what = {.request = "solver_stop"};
  const char *drain = NULL;
  const ps_cli_option options[] = {
      {"drain", "DURATION", "how long streams may go on before the solver is ended; not at all if it is not given",
       NULL, &drain},
      {"json", NULL, "one JSON object a line", &what.json, NULL}};
  const ps_cli_syntax syntax = {
      "stop",
      "[PROFILE]",
      "Ends the solver of a gateway, which goes on: it keeps its link, refuses connections, and launches\n"
      "no solver until `penstock start`; one that is started by hand is found. Only a solver that penstock\n"
      "has launched is ended. Without PROFILE: the only gateway. `penstock down` ends the gateway itself.",
      options,
      2,
      0,
      1};
  return run_ending(&syntax, &what, &drain, argc, argv);
}

int ps_cmd_restart(int argc, char **argv) {
  asking what = {.request = "solver_restart"};
  const char *drain = NULL;
  const ps_cli_option options[] = {
      {"drain", "DURATION", "how long streams may go on before the solver is ended; not at all if it is not given",
       NULL, &drain},
      {"json", NULL, "one JSON object a line", &what.json, NULL}};
  const ps_cli_syntax syntax = {
      "restart",
      "[PROFILE]",
      "Ends the solver of a gateway and launches it again, and waits until it serves; connections that\n"
      "come meanwhile are held. Only a solver that penstock has launched is ended. Without PROFILE: the\n"
      "only gateway.",
      options,
      2,
      0,
      1};
  return run_ending(&syntax, &what, &drain, argc, argv);
}

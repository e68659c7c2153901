/* SPDX-License-Identifier: MIT */
/* Commands to gateways that run: one that ends them, one that has one connect anew. */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/advice.h"
#include "cli/gateways.h"
#include "cli/out.h"
#include "cli/several.h"
#include "cli/show.h"

/* Beyond the time that streams may go on: the gateway itself waits less for its transport's end. */
#define END_MARGIN_MS 20000

static int failed(const penstock_error *error, int code) {
  ps_cli_print_error(PS_STDERR, "Failed", error);
  return ps_gateway_exit_code(error, code);
}

static int wait_for_end(ps_gateway_found *gateway, int64_t drain_ms, penstock_error *error) {
  uint32_t pid = gateway->client.pid;
  if (ps_gateway_wait_for_end(gateway, (int)drain_ms + END_MARGIN_MS) == PENSTOCK_OK) {
    return PENSTOCK_OK;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "the gateway has not ended in time");
  penstock_next(error, "look at its log, or end it: %s %lu", ps_advice_kill, (unsigned long)pid);
  return PENSTOCK_E_TIMEOUT;
}

/* Has one begin to end, and keeps how long that may take. */
static int begin_end(ps_gateway_found *gateway, const json_t *fields, int64_t *drain_ms, penstock_error *error) {
  json_t *answer = NULL;
  if (gateway->silent) {
    *error = gateway->error;
    return PENSTOCK_E_FAILED;
  }
  int code = ps_gateway_ask(gateway, "stop", fields ? json_deep_copy(fields) : NULL, &answer, error);
  *drain_ms = json_integer_value(json_object_get(answer, "drain_ms"));
  json_decref(answer);
  return code;
}

/* All begin to end before any is waited for. Returns the exit code: that of the first which has not. */
static int end_all(ps_gateways *found, const json_t *fields) {
  penstock_error error = {.struct_size = sizeof(error)};
  int64_t *drains_ms = calloc(found->count, sizeof(*drains_ms));
  int exit_code = drains_ms ? PS_EXIT_OK : PS_EXIT_FAILED;
  for (size_t i = 0; i < found->count && drains_ms; i++) {
    int code = begin_end(&found->items[i], fields, &drains_ms[i], &error);
    if (code != PENSTOCK_OK) {
      int one = failed(&error, code);
      exit_code = exit_code == PS_EXIT_OK ? one : exit_code;
      drains_ms[i] = -1;
    }
  }
  for (size_t i = 0; i < found->count && drains_ms; i++) {
    char name[400];
    int code = drains_ms[i] < 0 ? PENSTOCK_E_CANCELLED : wait_for_end(&found->items[i], drains_ms[i], &error);
    if (code == PENSTOCK_OK) {
      ps_out_line("The gateway of '%s' has ended.",
                  ps_show_safe(name, sizeof(name), ps_gateway_name(&found->items[i])));
    } else if (drains_ms[i] >= 0) {
      int one = failed(&error, code);
      exit_code = exit_code == PS_EXIT_OK ? one : exit_code;
    }
  }
  free(drains_ms);
  return exit_code;
}

/* Those that are named, each of which must be one; a gateway that is named twice ends once. */
static int find_named(ps_gateways *found, char **names, penstock_error *error) {
  memset(found, 0, sizeof(*found));
  for (char **name = names; *name || name == names; name++) {
    ps_gateways one;
    int code = ps_gateways_find_one(&one, *name, error);
    if (code == PENSTOCK_OK) {
      code = ps_gateways_merge(found, &one);
    }
    ps_gateways_free(&one);
    if (code != PENSTOCK_OK) {
      return code;
    }
    if (!*name) {
      break;
    }
  }
  return PENSTOCK_OK;
}

int ps_cmd_down(int argc, char **argv) {
  const char *drain = NULL;
  int all = 0;
  char **arguments;
  int exit_code;
  ps_gateways found;
  json_t *fields = NULL;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_option options[] = {
      {"drain", "DURATION", "how long streams may go on, instead of the profile's stop_timeout", NULL, &drain},
      {"all", NULL, "every gateway that runs", &all, NULL}};
  const ps_cli_syntax syntax = {
      "down",
      "[PROFILE]...",
      "Ends gateways in order, as Ctrl-C does where they run, and waits until they have ended. What\n"
      "becomes of the solver is what the profile says (on_exit). Without PROFILE: the only one.",
      options,
      sizeof(options) / sizeof(options[0]),
      0,
      PS_SEVERAL_MAX};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (all && arguments[0]) {
    return ps_cli_usage("down", "--all means every one, and '%s' only one", arguments[0]);
  }
  if ((exit_code = ps_gateway_read_drain("down", drain, &fields)) != 0) {
    return exit_code;
  }
  int code = all ? ps_gateways_find(&found, NULL, &error) : find_named(&found, arguments, &error);
  exit_code = code == PENSTOCK_OK ? end_all(&found, fields) : failed(&error, code);
  json_decref(fields);
  ps_gateways_free(&found);
  return exit_code;
}

int ps_cmd_reconnect(int argc, char **argv) {
  char **arguments;
  int exit_code;
  char name[256];
  ps_gateways found;
  json_t *answer = NULL;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_syntax syntax = {
      "reconnect",
      "[PROFILE]",
      "Has a gateway give up its link, with the streams that go over it, and connect anew at once; also\n"
      "one that makes no further try by itself. New connections are held meanwhile. Without PROFILE: the\n"
      "only one.",
      NULL,
      0,
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  int code = ps_gateways_find_one(&found, arguments[0], &error);
  if (code == PENSTOCK_OK) {
    code = ps_gateway_ask(&found.items[0], "reconnect", NULL, &answer, &error);
  }
  if (code == PENSTOCK_OK) {
    ps_out_line("The gateway of '%s' connects anew.",
                ps_show_safe(name, sizeof(name), ps_gateway_name(&found.items[0])));
  }
  json_decref(answer);
  ps_gateways_free(&found);
  return code == PENSTOCK_OK ? (int)PS_EXIT_OK : failed(&error, code);
}

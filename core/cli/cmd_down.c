/* SPDX-License-Identifier: MIT */
/* Commands to a gateway that runs: one that ends it, one that has it connect anew. */
#include "cli/cli.h"

#include "cli/gateways.h"
#include "cli/out.h"
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
  penstock_next(error, "look at its log, or end it: kill -KILL %lu", (unsigned long)pid);
  return PENSTOCK_E_TIMEOUT;
}

int ps_cmd_down(int argc, char **argv) {
  const char *drain = NULL;
  char **arguments;
  int exit_code;
  char name[256];
  ps_gateways found;
  json_t *fields = NULL;
  json_t *answer = NULL;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_option options[] = {
      {"drain", "DURATION", "how long streams may go on, instead of the profile's stop_timeout", NULL, &drain}};
  const ps_cli_syntax syntax = {
      "down",
      "[PROFILE]",
      "Ends a gateway in order, as Ctrl-C does where it runs, and waits until it has ended. What\n"
      "becomes of the solver is what the profile says (on_exit). Without PROFILE: the only one.",
      options,
      1,
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code) ||
      (exit_code = ps_gateway_read_drain("down", drain, &fields)) != 0) {
    return exit_code;
  }
  int code = ps_gateways_find_one(&found, arguments[0], &error);
  if (code == PENSTOCK_OK) {
    code = ps_gateway_ask(&found.items[0], "stop", json_incref(fields), &answer, &error);
  }
  if (code == PENSTOCK_OK) {
    (void)ps_show_safe(name, sizeof(name), ps_gateway_name(&found.items[0]));
    code = wait_for_end(&found.items[0], json_integer_value(json_object_get(answer, "drain_ms")), &error);
  }
  if (code == PENSTOCK_OK) {
    ps_out_line("The gateway of '%s' has ended.", name);
  }
  json_decref(fields);
  json_decref(answer);
  ps_gateways_free(&found);
  return code == PENSTOCK_OK ? (int)PS_EXIT_OK : failed(&error, code);
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

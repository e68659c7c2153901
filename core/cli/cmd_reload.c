/* SPDX-License-Identifier: MIT */
/* Has gateways read their files anew, and shows what that changes. */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/text.h"
#include "cli/follow.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/status_text.h"

/* The keys that count at the same time, on a line. */
static void show_keys(const json_t *changes, const char *when, const char *words) {
  ps_text keys = {0};
  char safe[1024];
  for (size_t i = 0; i < json_array_size(changes); i++) {
    const json_t *one = json_array_get(changes, i);
    if (strcmp(ps_status_word(one, "when"), when) == 0) {
      ps_text_addf(&keys, "%s%s", keys.size > 0 ? ", " : "", ps_status_word(one, "key"));
    }
  }
  if (keys.size > 0 && !keys.no_memory) {
    ps_out_line("  %-15s %s", words, ps_show_safe(safe, sizeof(safe), keys.data));
  }
  free(keys.data);
}

static void show_result(const char *label, const json_t *result) {
  const json_t *changes = json_object_get(result, "changes");
  char safe[400];
  char span[32];
  json_int_t streams = json_integer_value(json_object_get(result, "streams"));
  (void)ps_show_safe(safe, sizeof(safe), label);
  if (json_array_size(changes) == 0) {
    ps_out_line("%s: nothing has changed.", safe);
    return;
  }
  ps_out_line("%s: reloaded.", safe);
  show_keys(changes, "now", "At once:");
  show_keys(changes, "served", "Connected anew:");
  show_keys(changes, "restart", "Once restarted:");
  show_keys(changes, "never", "Command line:"); /* which has set them */
  if (streams > 0) {
    ps_out_line("  %lld stream%s as before may go on for %s.", (long long)streams, streams == 1 ? "" : "s",
                ps_show_span(span, sizeof(span),
                             (uint64_t)json_integer_value(json_object_get(result, "drain_ms")) * UINT64_C(1000000)));
  }
}

static int tell(const char *label, int json, const json_t *result, int code, const penstock_error *error) {
  int is_failed = code != PENSTOCK_OK;
  int exit_code = is_failed ? ps_gateway_exit_code(error, code) : (int)PS_EXIT_OK;
  char headline[400];
  char safe[360];
  if (json) {
    ps_json_line(json_pack("{s:s, s:o, s:O?, s:o, s:i}", "event", "outcome", "gateway", ps_json_text(label), "result",
                           result, "error", ps_json_error(is_failed ? error : NULL), "exit_code", exit_code));
  } else if (is_failed) {
    (void)snprintf(headline, sizeof(headline), "%s%snot reloaded", label ? ps_show_safe(safe, sizeof(safe), label) : "",
                   label ? ": " : "");
    ps_cli_print_error(PS_STDERR, headline, error);
  } else {
    show_result(label, result);
  }
  return exit_code;
}

static int reload_one(ps_gateway_found *gateway, int json) {
  penstock_error error = {.struct_size = sizeof(error)};
  json_t *result = NULL;
  int code = PENSTOCK_E_FAILED;
  int is_open = 0;
  if (gateway->silent) {
    error = gateway->error;
  } else {
    code = ps_gateway_follow(gateway, "reload", NULL, json, &is_open, &result, &error);
  }
  if (is_open) {
    penstock_next(&error, "see whether the gateway runs, and how: penstock status");
  }
  int exit_code = tell(gateway->label, json, result, code, &error);
  json_decref(result);
  return exit_code;
}

int ps_cmd_reload(int argc, char **argv) {
  int json = 0;
  char **arguments;
  int exit_code;
  ps_gateways found;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_option options[] = {{"json", NULL, "one JSON object a line", &json, NULL}};
  const ps_cli_syntax syntax = {
      "reload",
      "[PROFILE]",
      "Has gateways that run read their files anew, as SIGHUP does, and apply what is different: at once\n"
      "where that touches no link, else by connecting the profile anew beside itself, as 'use' does;\n"
      "streams go on. If anything in the files is wrong, nothing changes. PROFILE: only the gateway that\n"
      "uses it; PROFILE@PORT means one of several. Without PROFILE: all that run.",
      options,
      1,
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  int code = ps_gateways_find(&found, arguments[0], &error);
  exit_code = code == PENSTOCK_OK ? (int)PS_EXIT_OK : tell(NULL, json, NULL, code, &error);
  for (size_t i = 0; i < found.count && code == PENSTOCK_OK; i++) {
    int one = reload_one(&found.items[i], json);
    exit_code = exit_code == PS_EXIT_OK ? one : exit_code;
  }
  ps_gateways_free(&found);
  return exit_code;
}

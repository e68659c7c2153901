/* SPDX-License-Identifier: MIT */
/* Has a gateway that runs use another profile, and shows the way of that one until it serves. */
#include "cli/cli.h"

#include "cli/follow.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/status_text.h"

static void show_outcome(const json_t *result) {
  char profile[256];
  char other[256];
  char span[32];
  json_int_t streams = json_integer_value(json_object_get(result, "streams"));
  (void)ps_show_safe(profile, sizeof(profile), ps_status_word(result, "profile"));
  if (streams == 0) {
    ps_out_line("Profile '%s' is used now.", profile);
    return;
  }
  ps_out_line("Profile '%s' is used now; %lld stream%s of '%s' may go on for %s.", profile, (long long)streams,
              streams == 1 ? "" : "s", ps_show_safe(other, sizeof(other), ps_status_word(result, "other")),
              ps_show_span(span, sizeof(span),
                           (uint64_t)json_integer_value(json_object_get(result, "drain_ms")) * UINT64_C(1000000)));
}

/* Tells the end. `is_open`: the gateway may do it yet, or may have done it. Returns the exit code. */
static int end(int json, const json_t *result, int code, int is_open, penstock_error *error) {
  int is_failed = code != PENSTOCK_OK;
  int exit_code = is_failed ? ps_gateway_exit_code(error, code) : (int)PS_EXIT_OK;
  if (is_open) {
    penstock_next(error, "see whether the gateway runs, and which profile it uses: penstock status");
  }
  if (json) {
    ps_json_line(json_pack("{s:s, s:O?, s:o, s:i}", "event", "outcome", "result", result, "error",
                           ps_json_error(is_failed ? error : NULL), "exit_code", exit_code));
  } else if (is_failed) {
    ps_cli_print_error(PS_STDERR, is_open ? "Not known what has become of it" : "Nothing has changed", error);
  } else {
    show_outcome(result);
  }
  return exit_code;
}

int ps_cmd_use(int argc, char **argv) {
  const char *name = NULL;
  const char *drain = NULL;
  int json = 0;
  int is_open = 0;
  char **arguments;
  int exit_code;
  ps_gateways found;
  json_t *fields = NULL;
  json_t *result = NULL;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_option options[] = {
      {"gateway", "PROFILE", "which gateway, if several run: the profile that it uses now, or PROFILE@PORT", NULL,
       &name},
      {"drain", "DURATION", "how long streams of the profile in use may go on, instead of its drain", NULL, &drain},
      {"json", NULL, "one JSON object a line", &json, NULL},
  };
  const ps_cli_syntax syntax = {
      "use",
      "PROFILE",
      "Has a gateway that runs use another profile. The files are read anew; the new profile connects\n"
      "beside the one in use, and gets new connections from the moment that it serves. Streams of the\n"
      "old one may go on for its `drain`; its solver is left alone. If the new one fails, nothing changes.",
      options,
      sizeof(options) / sizeof(options[0]),
      1,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code) ||
      (exit_code = ps_gateway_read_drain("use", drain, &fields)) != 0) {
    return exit_code;
  }
  int code = ps_gateways_find_one(&found, name, &error);
  if (code == PENSTOCK_E_INVALID) { /* a bare name would be the profile's that is to come */
    penstock_next(&error, "name one of them: penstock use %s --gateway %s", arguments[0], found.items[0].label);
  }
  if (code == PENSTOCK_OK) {
    fields = fields ? fields : json_object();
    (void)json_object_set_new(fields, "profile", json_string(arguments[0]));
    code = ps_gateway_follow(&found.items[0], "use", json_incref(fields), json, &is_open, &result, &error);
  }
  exit_code = end(json, result, code, is_open, &error);
  json_decref(fields);
  json_decref(result);
  ps_gateways_free(&found);
  return exit_code;
}

/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <uv.h>

#include "cli/gateways.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"

/* --- as text ------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  double number = json_number_value(value);
  return number > 0 ? (uint64_t)number : 0;
}

static ps_style style_of(const char *state) {
  return strcmp(state, "up") == 0 ? PS_STYLE_GOOD : strcmp(state, "down") == 0 ? PS_STYLE_BAD : PS_STYLE_WARN;
}

static void print_headline(const json_t *status) {
  char name[256];
  char transport[128];
  char age[32];
  const char *state = text_of(status, "state");
  ps_out_line("%s%s%s (%s): %s%s%s for %s, on %s (pid %llu)", ps_term_style(PS_STDOUT, PS_STYLE_STRONG),
              ps_show_safe(name, sizeof(name), text_of(status, "profile")), ps_term_style(PS_STDOUT, PS_STYLE_END),
              ps_show_safe(transport, sizeof(transport), text_of(status, "transport")),
              ps_term_style(PS_STDOUT, style_of(state)), state, ps_term_style(PS_STDOUT, PS_STYLE_END),
              ps_show_age(age, sizeof(age), number_of(status, "since_ms")), text_of(status, "listen"),
              (unsigned long long)number_of(status, "pid"));
}

/* An error as the gateway told it. */
static void print_error(const char *headline, const json_t *error, const char *ago) {
  char text[4 * sizeof(((penstock_error *)0)->what)];
  ps_out_line("  %-10s %s%s", headline, ps_show_safe(text, sizeof(text), text_of(error, "what")), ago);
  ps_out_line("  %-10s %s (%s)", "Leg", text_of(error, "leg"), text_of(error, "class"));
  if (text_of(error, "next")[0]) {
    ps_out_line("  %-10s %s", "Next", ps_show_safe(text, sizeof(text), text_of(error, "next")));
  }
}

static void print_reason(const json_t *status) {
  char span[32];
  char text[1024];
  const json_t *reason = json_object_get(status, "reason");
  const json_t *next_try = json_object_get(status, "next_try_ms");
  if (json_is_object(reason)) {
    print_error("Why", reason, "");
  }
  if (json_is_integer(next_try)) {
    ps_out_line("  %-10s in %s, sooner if a connection waits", "Next try",
                ps_show_span(span, sizeof(span), number_of(status, "next_try_ms") * 1000000u));
  } else if (strcmp(text_of(status, "state"), "down") == 0) {
    ps_out_line("  %-10s none by itself: penstock reconnect, once this is mended", "Next try");
  }
  if (text_of(status, "progress")[0]) {
    ps_out_line("  %-10s %s", "Now", ps_show_safe(text, sizeof(text), text_of(status, "progress")));
  }
}

static void print_solver(const json_t *status) {
  char text[256];
  char age[32];
  char endpoint[300];
  const json_t *solver = json_object_get(status, "solver");
  const char *version = text_of(solver, "protocol_version");
  const char *at = text_of(status, "endpoint");
  if (!json_is_object(solver)) {
    return;
  }
  ps_out_line("  %-10s %s%s%s%s%s, served for %s", "Solver",
              json_is_true(json_object_get(solver, "adopted")) ? "found running" : "launched", at[0] ? " at " : "",
              ps_show_safe(endpoint, sizeof(endpoint), at), version[0] ? ", protocol " : "",
              ps_show_safe(text, sizeof(text), version), ps_show_age(age, sizeof(age), number_of(solver, "since_ms")));
}

static void print_traffic(const json_t *status) {
  char up[32];
  char down[32];
  ps_out_line("  %-10s %llu now, %llu held", "Streams", (unsigned long long)number_of(status, "streams"),
              (unsigned long long)number_of(status, "held"));
  if (!json_is_integer(json_object_get(status, "up_bytes"))) {
    return; /* a lane did not answer: it connects */
  }
  ps_out_line("  %-10s %s up, %s down; %llu streams have ended, %llu of them broken off", "Carried",
              ps_show_size(up, sizeof(up), number_of(status, "up_bytes")),
              ps_show_size(down, sizeof(down), number_of(status, "down_bytes")),
              (unsigned long long)number_of(status, "streams_ended"),
              (unsigned long long)number_of(status, "streams_aborted"));
}

static void print_legs(const json_t *status) {
  size_t index;
  const json_t *leg;
  char span[32];
  char text[1024];
  json_array_foreach(json_object_get(status, "legs"), index, leg) {
    int ok = json_is_true(json_object_get(leg, "ok"));
    const char *words = text_of(leg, "text");
    ps_out_line("  %-10s %9s  %s%s%s", text_of(leg, "leg"),
                ps_show_span(span, sizeof(span), (uint64_t)(json_number_value(json_object_get(leg, "ms")) * 1e6)),
                ok ? "" : ps_term_style(PS_STDOUT, PS_STYLE_BAD),
                ps_show_safe(text, sizeof(text),
                             !ok        ? "failed"
                             : words[0] ? words
                                        : "ok"),
                ok ? "" : ps_term_style(PS_STDOUT, PS_STYLE_END));
  }
}

static void print_last_error(const json_t *status) {
  char age[32];
  char ago[48];
  const json_t *last = json_object_get(status, "last_error");
  if (!json_is_object(last) || json_is_object(json_object_get(status, "reason"))) {
    return;
  }
  (void)snprintf(ago, sizeof(ago), " (%s ago)", ps_show_age(age, sizeof(age), number_of(last, "since_ms")));
  print_error("Last error", last, ago);
}

/* What comes, and what leaves. */
static void print_swap(const json_t *status) {
  size_t index;
  const json_t *left;
  char name[256];
  char transport[128];
  char span[32];
  const json_t *swap = json_object_get(status, "swap");
  if (json_is_object(swap)) {
    const json_t *legs = json_object_get(swap, "legs");
    const json_t *last = json_array_get(legs, json_array_size(legs) - 1);
    ps_out_line("  %-10s %s (%s): %s for %s%s%s", "Comes", ps_show_safe(name, sizeof(name), text_of(swap, "profile")),
                ps_show_safe(transport, sizeof(transport), text_of(swap, "transport")), text_of(swap, "state"),
                ps_show_span(span, sizeof(span), number_of(swap, "since_ms") * 1000000u), last ? ", past " : "",
                text_of(last, "leg"));
  }
  json_array_foreach(json_object_get(status, "draining"), index, left) {
    ps_out_line("  %-10s %s (%s): %llu streams, for %s yet", "Leaves",
                ps_show_safe(name, sizeof(name), text_of(left, "profile")),
                ps_show_safe(transport, sizeof(transport), text_of(left, "transport")),
                (unsigned long long)number_of(left, "streams"),
                ps_show_span(span, sizeof(span), number_of(left, "left_ms") * 1000000u));
  }
}

static void print_status(const json_t *status) {
  print_headline(status);
  print_reason(status);
  print_solver(status);
  print_traffic(status);
  print_swap(status);
  print_legs(status);
  print_last_error(status);
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

/* Shows one, or adds it to `all` if that is not NULL. Returns 0 if it has answered. */
static int show(ps_gateway_found *gateway, json_t *all) {
  json_t *status = NULL;
  gateway->silent = gateway->silent || ps_gateway_ask(gateway, "status", NULL, &status, &gateway->error) != PENSTOCK_OK;
  if (all) {
    (void)json_array_append_new(all, gateway->silent ? silent_json(gateway) : json_incref(status));
  } else if (gateway->silent) {
    print_silent(gateway);
  } else {
    print_status(status);
  }
  json_decref(status);
  return gateway->silent ? -1 : 0;
}

int ps_cmd_status(int argc, char **argv) {
  int json = 0;
  char **arguments;
  int exit_code;
  ps_gateways found;
  penstock_error error = {.struct_size = sizeof(error)};
  const ps_cli_option options[] = {{"json", NULL, "one JSON object", &json, NULL}};
  const ps_cli_syntax syntax = {
      "status",
      "[PROFILE]",
      "Shows how the gateways are that run on this machine: state and why, the solver, streams,\n"
      "the legs of the way, the last error. PROFILE: only those of that profile; PROFILE@PORT\n"
      "means one of several. Exits with 4 if there is none, or if one does not answer.",
      options,
      1,
      0,
      1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  json_t *all = json ? json_array() : NULL;
  int failed = ps_gateways_find(&found, arguments[0], &error) != PENSTOCK_OK;
  exit_code = failed ? (int)ps_cli_exit_code(&error) : PS_EXIT_OK;
  for (size_t i = 0; i < found.count && !failed; i++) {
    exit_code = show(&found.items[i], all) == 0 ? exit_code : (int)PS_EXIT_UNREACHABLE;
  }
  if (json) {
    ps_json_line(json_pack("{s:o, s:o}", "gateways", all, "error", ps_json_error(failed ? &error : NULL)));
  } else if (failed) {
    ps_cli_print_error(PS_STDERR, "Failed", &error);
  }
  ps_gateways_free(&found);
  return exit_code;
}

/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include <uv.h>

#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"
#include "config/value.h"
#include "probe/ask.h"
#include "probe/tcmd.h"

#define DEFAULT_ADDRESS "127.0.0.1:9090"
/* Between two tries while waiting. */
#define WAIT_STEP_MS 200

/* Nobody else's answer turns into a solver's by waiting; all else may. */
static int may_change(const ps_ask_result *result) {
  return result->verdict != PS_ASK_SOLVER && !(result->verdict == PS_ASK_FOREIGN && result->answer_size > 0);
}

static void ask_until(const char *address, int timeout_ms, int64_t wait_ms, ps_ask_result *result) {
  uint64_t end = uv_hrtime() + (uint64_t)wait_ms * 1000000u;
  ps_ask(address, timeout_ms, result);
  while (may_change(result) && uv_hrtime() < end) {
    uv_sleep(WAIT_STEP_MS);
    ps_ask(address, timeout_ms, result);
  }
}

/* The error is that of the last try. */
static void say_waited(int64_t wait_ms, ps_ask_result *result) {
  penstock_error *error = &result->error;
  char span[32];
  char what[sizeof(error->what)];
  if (wait_ms == 0 || !may_change(result)) {
    return;
  }
  (void)snprintf(what, sizeof(what), "%.400s, asked again and again for %s", error->what,
                 ps_show_span(span, sizeof(span), (uint64_t)wait_ms * 1000000u));
  (void)snprintf(error->what, sizeof(error->what), "%s", what);
  if (result->verdict == PS_ASK_RESET || result->verdict == PS_ASK_SILENT) {
    penstock_next(error, "see what the gateway there says: it tells why its solver does not answer");
  }
}

static const char *verdict_name(ps_ask_verdict verdict) {
  static const char *const names[] = {"solver", "foreign", "reset", "timeout", "nobody", "failed"};
  return names[verdict];
}

static void print_json(const char *address, const ps_ask_result *result) {
  char answer[4 * sizeof(result->answer) + 1];
  int solver = result->verdict == PS_ASK_SOLVER;
  ps_show_bytes(answer, sizeof(answer), result->answer, result->answer_size);
  ps_json_line(json_pack(
      "{s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o}", "address", ps_json_text(address), "solver", solver, "result",
      verdict_name(result->verdict), "protocol_version", ps_json_text(solver ? result->version : NULL), "form",
      ps_json_text(solver ? (result->legacy ? "half-close" : "length-prefixed") : NULL), "ms",
      ps_json_ms(result->elapsed_ns), "answer", ps_json_text(result->verdict == PS_ASK_FOREIGN ? answer : NULL),
      "error", ps_json_error(solver ? NULL : &result->error)));
}

static void print_text(const char *address, const ps_ask_result *result) {
  char text[4 * sizeof(result->version) + 1];
  char span[32];
  if (result->verdict == PS_ASK_SOLVER) {
    ps_out_line("A solver answers on %s: protocol_version %s, in %s%s", address,
                ps_show_safe(text, sizeof(text), result->version), ps_show_span(span, sizeof(span), result->elapsed_ns),
                result->legacy ? " (old form of the question, without a length)" : "");
    return;
  }
  ps_cli_print_error(PS_STDERR, "No solver", &result->error);
  if (result->answer_size > 0) {
    (void)fprintf(stderr, "  Answer: \"%s\"%s\n",
                  ps_show_bytes(text, sizeof(text), result->answer, result->answer_size),
                  result->answer_size == sizeof(result->answer) ? " ..." : "");
  }
}

/* HOST:PORT, [V6]:PORT or a port. Returns 0, or an exit code after a complaint. */
static int read_address(const char *text, char *address, size_t size) {
  ps_text checked = {0};
  ps_text fault = {0};
  int exit_code = PS_EXIT_OK;
  if (ps_address_parse(text, 0, &checked, &fault) != 0) {
    exit_code = ps_cli_usage("probe", "%s", fault.data ? fault.data : "no address");
  } else {
    (void)snprintf(address, size, "%s", checked.data ? checked.data : "");
  }
  free(checked.data);
  free(fault.data);
  return exit_code;
}

/* A duration in ms; 0 = unset. Returns 0, or an exit code after a complaint. */
static int read_duration(const char *option, const char *text, int64_t *ms) {
  ps_text fault = {0};
  int exit_code = PS_EXIT_OK;
  if (text && (ps_duration_parse(text, ms, &fault) != 0 || *ms < 1 || *ms > 86400000)) {
    exit_code = ps_cli_usage("probe", "--%s '%s' is no duration: write 1500ms, 2s or 1m, at most a day", option, text);
  }
  free(fault.data);
  return exit_code;
}

int ps_cmd_probe(int argc, char **argv) {
  int json = 0;
  const char *timeout = NULL;
  const char *wait = NULL;
  int64_t timeout_ms = PS_TCMD_TIMEOUT_MS;
  int64_t wait_ms = 0;
  char address[300];
  char **arguments;
  int exit_code;
  ps_ask_result result;
  const ps_cli_option options[] = {
      {"timeout", "DURATION", "how long one try may take (1500ms)", NULL, &timeout},
      {"wait", "DURATION", "ask again for so long, until a solver answers", NULL, &wait},
      {"json", NULL, "one JSON object", &json, NULL},
  };
  const ps_cli_syntax syntax = {"probe",
                                "[HOST:PORT]",
                                "Asks whether a solver answers at a TCP port (" DEFAULT_ADDRESS ") and which protocol\n"
                                "version it speaks. Exits with 0 if one does, 4 if nothing listens or nothing answers\n"
                                "in time, 7 if something else listens.",
                                options,
                                3,
                                0,
                                1};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if ((exit_code = read_duration("timeout", timeout, &timeout_ms)) != 0 ||
      (exit_code = read_duration("wait", wait, &wait_ms)) != 0 ||
      (exit_code = read_address(arguments[0] ? arguments[0] : DEFAULT_ADDRESS, address, sizeof(address))) != 0) {
    return exit_code;
  }
  ask_until(address, (int)timeout_ms, wait_ms, &result);
  say_waited(wait_ms, &result);
  if (json) {
    print_json(address, &result);
  } else {
    print_text(address, &result);
  }
  return (int)ps_cli_exit_code(result.verdict == PS_ASK_SOLVER ? NULL : &result.error);
}

/* SPDX-License-Identifier: MIT */
#include "cli/up_events.h"

#include <stdlib.h>

#include "base/signals.h"
#include "cli/background.h"
#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/legs.h"
#include "cli/out.h"
#include "cli/several.h"
#include "cli/show.h"
#include "gateway/swap.h"
#include "probe/ask.h"

/* A held connection may have to wait for the lane; a busy solver for its work. */
#define SELF_TEST_TIMEOUT_MS 10000

static void set_profile(ps_up_events *told, const char *name, const penstock_transport *transport,
                        const ps_settings *settings) {
  const char *on_exit = ps_settings_string(settings, "on_exit");
  (void)ps_show_safe(told->name, sizeof(told->name), name);
  told->transport = transport->name;
  told->launches = transport->launch != NULL;
  told->stops = on_exit && strcmp(on_exit, "stop") == 0 && transport->stop != NULL;
}

void ps_up_events_init(ps_up_events *told, const ps_profile *profile, int json, int self_test, int verbose) {
  memset(told, 0, sizeof(*told));
  set_profile(told, profile->name, profile->transport, profile->settings);
  told->json = json;
  told->self_test = self_test;
  told->verbose = verbose;
  told->since_ns = uv_hrtime();
}

/* --- the address, as a client on this machine writes it ----------------------------------------- */

static int starts_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

static void set_address(ps_up_events *told, const char *address) {
  const char *port = strrchr(address, ':');
  const char *host = NULL; /* stands for the address, since that cannot be connected to or is hard to read */
  const char *shown = NULL;
  if (starts_with(address, "0.0.0.0:") || starts_with(address, "127.0.0.1:")) {
    host = "127.0.0.1";
    shown = "localhost";
  } else if (starts_with(address, "[::]:")) {
    host = "[::1]";
    shown = host;
  }
  (void)snprintf(told->target, sizeof(told->target), "%s%s", host ? host : "", host ? port : address);
  (void)snprintf(told->shown, sizeof(told->shown), "%s%s", shown ? shown : "", shown ? port : address);
}

/* --- the self-test ------------------------------------------------------------------------------ */

static void tell_self_test(const ps_up_events *told, const ps_ask_result *result) {
  int ok = result->verdict == PS_ASK_SOLVER;
  char span[32];
  char text[4 * sizeof(result->error.what)];
  if (told->json) {
    ps_json_line(json_pack("{s:s, s:b, s:o, s:o, s:o}", "event", "self_test", "ok", ok, "ms",
                           ps_json_ms(result->elapsed_ns), "protocol_version",
                           ps_json_text(ok ? result->version : NULL), "error",
                           ps_json_error(ok ? NULL : &result->error)));
  } else if (ok) {
    ps_out_line("Self-test: a solver answers through %s in %s, protocol %s.", told->shown,
                ps_show_span(span, sizeof(span), result->elapsed_ns),
                ps_show_safe(text, sizeof(text), result->version));
  } else {
    ps_out_line("Self-test failed: %s.", ps_show_safe(text, sizeof(text), result->error.what));
  }
}

/* In a thread of its own: the gateway must go on to serve it. Reads only what stays the same from now on. */
static void run_self_test(void *context) {
  const ps_up_events *told = context;
  ps_ask_result result;
  ps_signals_block();
  ps_ask(told->target, SELF_TEST_TIMEOUT_MS, &result);
  tell_self_test(told, &result);
}

void ps_up_self_test(ps_up_events *told) {
  if (told->self_test) {
    told->self_test = 0;
    told->testing = uv_thread_create(&told->tester, run_self_test, told) == 0;
    if (!told->testing) {
      ps_out_text("Self-test failed: no thread can be had.");
    }
  }
}

/* --- letting go of the terminal ------------------------------------------------------------------ */

static void tell_background(const ps_up_events *told, const char *log) {
  char path[4 * sizeof(told->unasked.what)];
  if (told->unasked.what[0]) {
    ps_out_line("It goes on in the background (pid %d), but no command will find it: %s.", (int)uv_os_getpid(),
                ps_show_safe(path, sizeof(path), told->unasked.what));
    ps_out_line("  Next: end it by '%s %d'; %s; then start it again.", ps_background_kill, (int)uv_os_getpid(),
                ps_show_safe(path, sizeof(path), told->unasked.next));
  } else {
    ps_out_line(
        "It goes on in the background (pid %d). How it is: 'penstock status %s'. To end it: 'penstock down %s'.",
        (int)uv_os_getpid(), told->name, told->name);
  }
  ps_out_line("Its log: %s", log[0] ? ps_show_safe(path, sizeof(path), log) : ps_background_show_log);
}

/* It serves, or it tries again by itself: either way the user has been told, and it goes on by itself. */
static void let_go(ps_up_events *told, ps_state state) {
  const char *log = told->detach;
  ps_several_known();
  if (!log) {
    return;
  }
  told->detach = NULL;
  if (told->json) {
    ps_json_line(json_pack("{s:s, s:I, s:s, s:s, s:o, s:o}", "event", "background", "pid", (json_int_t)uv_os_getpid(),
                           "state", ps_state_name(state), "address", told->target, "log",
                           ps_json_text(log[0] ? log : NULL), "unasked",
                           ps_json_error(told->unasked.what[0] ? &told->unasked : NULL)));
  } else {
    tell_background(told, log);
  }
  ps_out_stop(); /* writes what waits */
  ps_background_let_go(log[0] ? log : NULL);
}

/* --- for people --------------------------------------------------------------------------------- */

static void text_listening(void *context, const char *address) {
  ps_up_events *told = context;
  set_address(told, address);
  ps_out_line("Listening on %s for profile '%s' (%s).", address, told->name, told->transport);
}

/* The first try is told in full; of those that follow only what is new. */
static int is_told(const ps_up_events *told) {
  return told->tries <= 1 || told->verbose;
}

static void tell_down(ps_up_events *told, const penstock_error *error, uint64_t next_try_ms) {
  char span[32];
  char line[128];
  ps_show_span(span, sizeof(span), next_try_ms * 1000000u);
  if (next_try_ms == 0 && !told->served) {
    return; /* the gateway ends with this very error, which is then told as the outcome */
  }
  /* With these a try is of no use before somebody has mended something. */
  int only_you = error->error_class == PENSTOCK_CLASS_AUTH || error->error_class == PENSTOCK_CLASS_CONFIG;
  const char *sooner = only_you ? "" : ", sooner if a connection waits";
  if (next_try_ms > 0 && !told->verbose && strcmp(told->reason, error->what) == 0) {
    /* Where each is a line of its own, fewer and fewer: there are two tries a second while somebody waits. */
    if (ps_term_can_rewrite(PS_STDOUT) || (told->tries & (told->tries - 1)) == 0) {
      (void)snprintf(line, sizeof(line), "Still down after %u tries; next try in %s%s", told->tries, span, sooner);
      ps_out_progress(line);
    }
    return;
  }
  (void)snprintf(told->reason, sizeof(told->reason), "%s", error->what);
  ps_cli_print_error(PS_STDOUT, "Down", error);
  if (next_try_ms > 0) {
    ps_out_line("  Next try in %s%s; new connections are held meanwhile.", span, sooner);
  } else {
    ps_out_text("  No further try: end the gateway with Ctrl-C and start it anew once this is mended.");
  }
}

static void tell_connecting(ps_up_events *told) {
  told->tries++;
  if (is_told(told) || ps_term_can_rewrite(PS_STDOUT)) {
    ps_out_progress("Connecting ...");
  }
}

static void text_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  ps_up_events *told = context;
  ps_state before = told->state;
  int serves = ps_state_serves(state);
  int served = ps_state_serves(before);
  told->state = state;
  if (state == PS_STATE_STOPPING) {
    told->served_last = served;
    ps_several_stopping();
  }
  if (served && !serves) {
    told->since_ns = uv_hrtime();
  }
  if (state == PS_STATE_CONNECTING && error) {
    ps_cli_print_error(PS_STDOUT, "The solver has ended", error);
  } else if (state == PS_STATE_CONNECTING) {
    tell_connecting(told);
  } else if (state == PS_STATE_LAUNCHING) {
    ps_out_text("No solver runs there: starting one.");
  } else if (state == PS_STATE_STOPPING) {
    ps_out_progress("Stopping ...");
  } else if (state == PS_STATE_UP && (before == PS_STATE_DEGRADED || before == PS_STATE_HUNG)) {
    ps_out_text("Well again.");
  } else if (state == PS_STATE_HUNG && error) {
    ps_cli_print_error(PS_STDOUT, "The solver does not answer", error);
  } else if (state == PS_STATE_STOPPED) {
    ps_out_text("The solver is stopped, as it was asked for: connections are refused until `penstock start`.");
    let_go(told, state);
  } else if (state == PS_STATE_DEGRADED && error) {
    ps_cli_print_error(PS_STDOUT, "Degraded", error);
  } else if (state == PS_STATE_DOWN && error) {
    tell_down(told, error, next_try_ms);
    if (next_try_ms > 0) {
      let_go(told, state);
    }
  }
}

static void text_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  ps_up_events *told = context;
  int not_stopped = error && told->state == PS_STATE_STOPPING;
  if (not_stopped && error->error_class == PENSTOCK_CLASS_REFUSED) {
    told->kept = *error; /* is told with the end */
    return;
  }
  told->not_stopped |= not_stopped;
  if (is_told(told) || not_stopped) {
    ps_legs_line(leg, elapsed_ns, text, error);
  }
}

static void text_progress(void *context, const char *text) {
  char safe[512];
  (void)context;
  ps_out_progress(ps_show_safe(safe, sizeof(safe), text));
}

static void text_serving(void *context, int adopted, const char *protocol_version) {
  ps_up_events *told = context;
  char version[128];
  char span[32];
  int known = protocol_version && protocol_version[0];
  ps_out_line("%sServing.%s Point Blender at %s (%s%s%s, after %s).%s", ps_term_style(PS_STDOUT, PS_STYLE_GOOD),
              ps_term_style(PS_STDOUT, PS_STYLE_END), told->shown,
              !adopted ? "solver launched"
              : known  ? "running solver adopted"
                       : "endpoint answers",
              known ? ", protocol " : "", known ? ps_show_safe(version, sizeof(version), protocol_version) : "",
              ps_show_span(span, sizeof(span), uv_hrtime() - told->since_ns), told->detach ? "" : " Ctrl-C ends it.");
  told->served = 1;
  told->tries = 0;
  told->reason[0] = '\0';
  told->launched = !adopted;
  ps_up_self_test(told);
  let_go(told, PS_STATE_UP);
}

/* --- another profile ---------------------------------------------------------------------------- */

static void tell_taken(ps_up_events *told, const ps_swap_event *event) {
  char other[256];
  char span[32];
  set_profile(told, event->profile, event->transport, event->settings);
  told->since_ns = told->swap_ns;
  told->state = event->state;
  if (event->streams > 0) {
    ps_out_line("Profile '%s' is used now; %zu stream%s of '%s' may go on for %s.", told->name, event->streams,
                event->streams == 1 ? "" : "s", ps_show_safe(other, sizeof(other), event->other),
                ps_show_span(span, sizeof(span), event->drain_ms * 1000000));
  } else {
    ps_out_line("Profile '%s' is used now.", told->name);
  }
}

static void tell_not_taken(const ps_up_events *told, const char *name, const penstock_error *error) {
  char headline[300];
  (void)snprintf(headline, sizeof(headline), "Profile '%s' failed", name);
  ps_cli_print_error(PS_STDOUT, headline, error);
  ps_out_line("  '%s' goes on.", told->name);
}

static void text_swap(void *context, const ps_swap_event *event) {
  ps_up_events *told = context;
  char name[256];
  (void)ps_show_safe(name, sizeof(name), event->profile);
  switch (event->step) {
  case PS_SWAP_BEGUN:
    told->swap_ns = uv_hrtime();
    ps_out_line("Connecting profile '%s' (%s) beside '%s'.", name, event->transport->name, told->name);
    break;
  case PS_SWAP_LEG:
    ps_legs_line(event->leg, event->elapsed_ns, event->text, event->error);
    break;
  case PS_SWAP_PROGRESS:
    text_progress(told, event->text);
    break;
  case PS_SWAP_TAKEN:
    tell_taken(told, event);
    break;
  case PS_SWAP_FAILED:
    tell_not_taken(told, name, event->error);
    break;
  case PS_SWAP_DRAINED:
    ps_out_line("Profile '%s' has no streams any more.", name);
    break;
  case PS_SWAP_STATE:
    break;
  }
}

static void text_reload(void *context, const ps_reload_event *event) {
  ps_up_events *told = context;
  char safe[512];
  if (event->error) {
    ps_cli_print_error(PS_STDOUT, "Not reloaded, all goes on as it was", event->error);
    return;
  }
  char *text = ps_reload_text(event->changes);
  set_profile(told, event->profile, event->transport, event->settings);
  ps_out_line("Reloaded: %s.", text ? ps_show_safe(safe, sizeof(safe), text) : "");
  free(text);
}

const ps_gateway_events ps_up_text_events = {text_listening, text_state, text_leg,   text_progress,
                                             text_serving,   text_swap,  text_reload};

/* --- as JSON ------------------------------------------------------------------------------------ */

static void json_listening(void *context, const char *address) {
  set_address(context, address);
  ps_json_line(json_pack("{s:s, s:s}", "event", "listening", "address", address));
}

static void json_state(void *context, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  ps_json_line(json_pack("{s:s, s:s, s:o, s:I}", "event", "state", "state", ps_state_name(state), "error",
                         ps_json_error(error), "next_try_ms", (json_int_t)next_try_ms));
  if ((state == PS_STATE_DOWN && next_try_ms > 0) || state == PS_STATE_STOPPED) {
    let_go(context, state);
  } else if (state == PS_STATE_STOPPING) {
    ps_several_stopping();
  }
}

static void json_leg(void *context, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  (void)context;
  ps_json_line(ps_legs_json(leg, elapsed_ns, text, error));
}

static void json_progress(void *context, const char *text) {
  (void)context;
  ps_json_line(json_pack("{s:s, s:o}", "event", "progress", "text", ps_json_text(text)));
}

static void json_serving(void *context, int adopted, const char *protocol_version) {
  ps_json_line(json_pack("{s:s, s:b, s:o}", "event", "serving", "adopted", adopted, "protocol_version",
                         ps_json_text(protocol_version ? protocol_version : "")));
  ps_up_self_test(context);
  let_go(context, PS_STATE_UP);
}

static void json_swap(void *context, const ps_swap_event *event) {
  ps_up_events *told = context;
  json_t *line = json_pack("{s:s}", "event", "swap");
  json_t *rest = ps_swap_event_json(event);
  (void)json_object_update(line, rest);
  json_decref(rest);
  ps_json_line(line);
  if (event->step == PS_SWAP_TAKEN) {
    set_profile(told, event->profile, event->transport, event->settings);
  }
}

static void json_reload(void *context, const ps_reload_event *event) {
  json_t *line = json_pack("{s:s}", "event", "reload");
  json_t *rest = ps_reload_event_json(event);
  (void)json_object_update(line, rest);
  json_decref(rest);
  ps_json_line(line);
  set_profile(context, event->profile, event->transport, event->settings);
}

const ps_gateway_events ps_up_json_events = {json_listening, json_state, json_leg,   json_progress,
                                             json_serving,   json_swap,  json_reload};

void ps_up_json_problems(const ps_problems *problems) {
  for (size_t i = 0; i < problems->count; i++) {
    ps_json_line(ps_json_problem(&problems->items[i]));
  }
}

/* --- the end ------------------------------------------------------------------------------------ */

/* Whoever wrote `on_exit = stop` expects something else. */
static void tell_kept(const penstock_error *why) {
  char text[4 * sizeof(why->what)];
  ps_out_line("Stopped. %s.", ps_show_safe(text, sizeof(text), why->what));
  if (why->next[0]) {
    ps_out_line("  Next: %s.", ps_show_safe(text, sizeof(text), why->next));
  }
}

static void tell_stopped(const ps_up_events *told) {
  if (!told->served || !told->launches) {
    ps_out_text("Stopped.");
  } else if (!told->stops) {
    ps_out_line(told->served_last
                    ? "Stopped. The solver was not ended; 'penstock up %s' finds it again as long as it runs."
                    : "Stopped. The solver was out of reach by then; 'penstock up %s' looks for it again.",
                told->name);
  } else if (told->kept.what[0]) {
    tell_kept(&told->kept);
  } else if (told->not_stopped) {
    ps_out_text("Stopped, but the solver could not be ended (on_exit = stop): see above.");
  } else if (told->launched) {
    ps_out_text("Stopped, and the solver with it (on_exit = stop).");
  } else {
    ps_out_text("Stopped. The solver was ended too if penstock once launched it (on_exit = stop), and only then.");
  }
}

void ps_up_events_end(ps_up_events *told, const penstock_error *error, int exit_code) {
  if (told->testing) {
    uv_thread_join(&told->tester);
  }
  if (told->json) {
    ps_up_json_stopped(error, exit_code);
  } else if (!error) {
    tell_stopped(told);
  }
}

void ps_up_json_stopped(const penstock_error *error, int exit_code) {
  ps_json_line(json_pack("{s:s, s:o, s:i}", "event", "stopped", "error", ps_json_error(error), "exit_code", exit_code));
}

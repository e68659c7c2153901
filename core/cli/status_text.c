/* SPDX-License-Identifier: MIT */
#include "cli/status_text.h"

#include <stdlib.h>
#include <string.h>

#include "cli/marks.h"
#include "cli/show.h"

/* Beyond this, a text of the solver's is cut. */
#define SAID_MOST 100
/* What is younger is told as if it were now. */
#define FRESH_MS 10000

const char *ps_status_word(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

uint64_t ps_status_number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  double number = json_number_value(value);
  return number > 0 ? (uint64_t)number : 0;
}

static const char *plural(uint64_t count) {
  return count == 1 ? "" : "s";
}

static const char *mark_of(const char *state) {
  return strcmp(state, "up") == 0 ? PS_MARK_GOOD : strcmp(state, "down") == 0 ? PS_MARK_BAD : PS_MARK_WARN;
}

void ps_status_headline(ps_text *text, const json_t *status) {
  char name[256];
  char transport[128];
  char listen[160];
  char age[32];
  const char *state = ps_status_word(status, "state");
  ps_text_addf(text, PS_MARK_STRONG "%s" PS_MARK_END " (%s): %s%s" PS_MARK_END " for %s, on %s (pid %llu)\n",
               ps_show_safe(name, sizeof(name), ps_status_word(status, "profile")),
               ps_show_safe(transport, sizeof(transport), ps_status_word(status, "transport")), mark_of(state), state,
               ps_show_age(age, sizeof(age), ps_status_number(status, "since_ms")),
               ps_show_safe(listen, sizeof(listen), ps_status_word(status, "listen")),
               (unsigned long long)ps_status_number(status, "pid"));
}

/* An error as the gateway told it. */
static void add_error(ps_text *text, const char *headline, const json_t *error, const char *ago) {
  char words[4 * sizeof(((penstock_error *)0)->what)];
  ps_text_addf(text, "  %-10s %s%s\n", headline, ps_show_safe(words, sizeof(words), ps_status_word(error, "what")),
               ago);
  ps_text_addf(text, "  %-10s %s (%s)\n", "Leg", ps_status_word(error, "leg"), ps_status_word(error, "class"));
  if (ps_status_word(error, "next")[0]) {
    ps_text_addf(text, "  %-10s %s\n", "Next", ps_show_safe(words, sizeof(words), ps_status_word(error, "next")));
  }
}

static void add_retries(ps_text *text, const json_t *status) {
  uint64_t now = ps_status_number(status, "retries");
  uint64_t all = ps_status_number(status, "retries_total");
  if (now > 0) {
    ps_text_addf(text, "  %-10s %llu since it was last up, %llu in all\n", "Retries", (unsigned long long)now,
                 (unsigned long long)all);
  } else if (all > 0) {
    ps_text_addf(text, "  %-10s %llu in all\n", "Retries", (unsigned long long)all);
  }
}

void ps_status_reason(ps_text *text, const json_t *status) {
  char span[32];
  char words[1024];
  const json_t *reason = json_object_get(status, "reason");
  const json_t *next_try = json_object_get(status, "next_try_ms");
  if (json_is_object(reason)) {
    add_error(text, "Why", reason, "");
  }
  if (json_is_integer(next_try)) {
    ps_text_addf(text, "  %-10s in %s, sooner if a connection waits\n", "Next try",
                 ps_show_span(span, sizeof(span), ps_status_number(status, "next_try_ms") * 1000000u));
  } else if (strcmp(ps_status_word(status, "state"), "down") == 0) {
    ps_text_addf(text, "  %-10s none by itself: penstock reconnect, once this is mended\n", "Next try");
  } else if (strcmp(ps_status_word(status, "state"), "stopped") == 0) {
    ps_text_addf(text, "  %-10s the solver was stopped, as it was asked for: penstock start\n", "Next");
  }
  add_retries(text, status);
  if (ps_status_word(status, "progress")[0]) {
    ps_text_addf(text, "  %-10s %s\n", "Now", ps_show_safe(words, sizeof(words), ps_status_word(status, "progress")));
  }
}

/* --- what a solver says --------------------------------------------------------------------------- */

static void add_cut(ps_text *text, const char *value) {
  char words[4 * SAID_MOST];
  char cut[SAID_MOST + 1];
  (void)snprintf(cut, sizeof(cut), "%s", value);
  penstock_utf8_trim(cut, sizeof(cut));
  ps_text_adds(text, ps_show_safe(words, sizeof(words), cut));
}

static void add_value(ps_text *text, const json_t *value) {
  if (json_is_string(value)) {
    add_cut(text, json_string_value(value));
  } else if (json_is_object(value) || json_is_array(value)) {
    char *inside = json_dumps(value, JSON_COMPACT);
    add_cut(text, inside ? inside : "");
    free(inside);
  } else if (json_is_integer(value)) {
    ps_text_addf(text, "%lld", (long long)json_integer_value(value));
  } else if (json_is_real(value)) {
    ps_text_addf(text, "%.6g", json_real_value(value));
  } else {
    ps_text_adds(text, json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-");
  }
}

/* Members that are shown elsewhere, or say nothing about the solver, as the question was for no project. */
static int is_of_itself(const char *key) {
  static const char *const others[] = {"protocol_version", "status",    "root", "error",   "frame", "data_hash",
                                       "param_hash",       "upload_id", "name", "project", NULL};
  for (size_t i = 0; others[i]; i++) {
    if (strcmp(key, others[i]) == 0) {
      return 0;
    }
  }
  return 1;
}

/* An idle gateway does not ask: what it was told may be long past. */
static void begin_said(ps_text *text, uint64_t ago_ms) {
  char age[32];
  if (ago_ms < FRESH_MS) {
    ps_text_addf(text, "  %-10s ", "It says");
  } else {
    ps_text_addf(text, "  %-10s %s ago: ", "It said", ps_show_age(age, sizeof(age), ago_ms));
  }
}

static void add_said(ps_text *text, json_t *answer, uint64_t ago_ms) {
  const char *key;
  json_t *value;
  char name[128];
  int is_first = 1;
  json_object_foreach(answer, key, value) {
    if (is_of_itself(key)) {
      if (is_first) {
        begin_said(text, ago_ms);
      }
      ps_text_addf(text, "%s%s ", is_first ? "" : ", ", ps_show_safe(name, sizeof(name), key));
      add_value(text, value);
      is_first = 0;
    }
  }
  ps_text_adds(text, is_first ? "" : "\n");
}

void ps_status_solver(ps_text *text, const json_t *status) {
  char words[256];
  char age[32];
  char endpoint[300];
  const json_t *solver = json_object_get(status, "solver");
  const char *version = ps_status_word(solver, "protocol_version");
  const char *at = ps_status_word(status, "endpoint");
  if (!json_is_object(solver)) {
    return;
  }
  ps_text_addf(text, "  %-10s %s%s%s%s%s, served for %s\n", "Solver",
               json_is_true(json_object_get(solver, "adopted")) ? "found running" : "launched", at[0] ? " at " : "",
               ps_show_safe(endpoint, sizeof(endpoint), at), version[0] ? ", protocol " : "",
               ps_show_safe(words, sizeof(words), version),
               ps_show_age(age, sizeof(age), ps_status_number(solver, "since_ms")));
  add_said(text, json_object_get(solver, "answer"), ps_status_number(solver, "answer_ms"));
}

void ps_status_project(ps_text *text, const json_t *project) {
  char name[400];
  const json_t *error = json_object_get(project, "error");
  if (!json_is_object(project)) {
    return;
  }
  ps_text_addf(text, "  %-10s %s\n", "Project", ps_show_safe(name, sizeof(name), ps_status_word(project, "name")));
  if (json_is_object(error)) {
    add_error(text, "Unknown", error, "");
  }
  static const char *const shown[][2] = {
      {"status", "State"}, {"frame", "Frame"}, {"error", "Error"}, {"root", "Folder"}};
  for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
    const json_t *value = json_object_get(json_object_get(project, "answer"), shown[i][0]);
    if (value && !(json_is_string(value) && json_string_length(value) == 0)) {
      ps_text_addf(text, "  %-10s ", shown[i][1]);
      add_value(text, value);
      ps_text_adds(text, "\n");
    }
  }
}

/* --- what goes through it ----------------------------------------------------------------------- */

void ps_status_streams(ps_text *text, const json_t *status) {
  char span[32];
  ps_text_addf(text, "  %-10s %llu now, %llu held", "Streams", (unsigned long long)ps_status_number(status, "streams"),
               (unsigned long long)ps_status_number(status, "held"));
  if (ps_status_number(status, "held") > 0) {
    ps_text_addf(text, " (the first for %s)",
                 ps_show_span(span, sizeof(span), ps_status_number(status, "held_ms") * 1000000u));
  }
  if (json_is_integer(json_object_get(status, "streams_ended"))) {
    ps_text_addf(text, "; %llu have ended, %llu of them broken off",
                 (unsigned long long)ps_status_number(status, "streams_ended"),
                 (unsigned long long)ps_status_number(status, "streams_aborted"));
  }
  ps_text_adds(text, "\n");
}

void ps_status_carried(ps_text *text, const json_t *status) {
  char up[32];
  char down[32];
  if (!json_is_integer(json_object_get(status, "up_bytes"))) {
    return; /* a lane did not answer: it connects */
  }
  ps_text_addf(text, "  %-10s %s up, %s down", "Carried",
               ps_show_size(up, sizeof(up), ps_status_number(status, "up_bytes")),
               ps_show_size(down, sizeof(down), ps_status_number(status, "down_bytes")));
  if (ps_status_number(status, "up_rate") + ps_status_number(status, "down_rate") > 0) {
    ps_text_addf(text, "; now %s/s up, %s/s down", ps_show_size(up, sizeof(up), ps_status_number(status, "up_rate")),
                 ps_show_size(down, sizeof(down), ps_status_number(status, "down_rate")));
  }
  ps_text_adds(text, "\n");
}

void ps_status_swap(ps_text *text, const json_t *status) {
  size_t index;
  const json_t *left;
  char name[256];
  char transport[128];
  char span[32];
  const json_t *swap = json_object_get(status, "swap");
  if (json_is_object(swap)) {
    const json_t *legs = json_object_get(swap, "legs");
    const json_t *last = json_array_get(legs, json_array_size(legs) - 1);
    ps_text_addf(text, "  %-10s %s (%s): %s for %s%s%s\n", "Comes",
                 ps_show_safe(name, sizeof(name), ps_status_word(swap, "profile")),
                 ps_show_safe(transport, sizeof(transport), ps_status_word(swap, "transport")),
                 ps_status_word(swap, "state"),
                 ps_show_span(span, sizeof(span), ps_status_number(swap, "since_ms") * 1000000u), last ? ", past " : "",
                 ps_status_word(last, "leg"));
  }
  json_array_foreach(json_object_get(status, "draining"), index, left) {
    uint64_t streams = ps_status_number(left, "streams");
    ps_text_addf(text, "  %-10s %s (%s): %llu stream%s, for %s yet\n", "Leaves",
                 ps_show_safe(name, sizeof(name), ps_status_word(left, "profile")),
                 ps_show_safe(transport, sizeof(transport), ps_status_word(left, "transport")),
                 (unsigned long long)streams, plural(streams),
                 ps_show_span(span, sizeof(span), ps_status_number(left, "left_ms") * 1000000u));
  }
}

static const char *span_of(char *span, size_t size, const json_t *leg) {
  return ps_show_span(span, size, (uint64_t)(json_number_value(json_object_get(leg, "ms")) * 1e6));
}

void ps_status_legs(ps_text *text, const json_t *status) {
  size_t index;
  const json_t *leg;
  char span[32];
  char words[1024];
  json_array_foreach(json_object_get(status, "legs"), index, leg) {
    int ok = json_is_true(json_object_get(leg, "ok"));
    const char *said = ps_status_word(leg, "text");
    ps_text_addf(text, "  %-10s %9s  %s%s%s\n", ps_status_word(leg, "leg"), span_of(span, sizeof(span), leg),
                 ok ? "" : PS_MARK_BAD,
                 ps_show_safe(words, sizeof(words),
                              !ok       ? "failed"
                              : said[0] ? said
                                        : "ok"),
                 ok ? "" : PS_MARK_END);
  }
}

void ps_status_way(ps_text *text, const json_t *status) {
  size_t index;
  const json_t *leg;
  char span[32];
  const json_t *legs = json_object_get(status, "legs");
  json_array_foreach(legs, index, leg) {
    int ok = json_is_true(json_object_get(leg, "ok"));
    ps_text_addf(text, "%s%s%s %s%s", index ? ", " : "  Way        ", ok ? "" : PS_MARK_BAD, ps_status_word(leg, "leg"),
                 ok ? span_of(span, sizeof(span), leg) : "failed", ok ? "" : PS_MARK_END);
  }
  if (json_array_size(legs) > 0) {
    ps_text_adds(text, "\n");
  }
}

void ps_status_last_error(ps_text *text, const json_t *status) {
  char age[32];
  char ago[48];
  const json_t *last = json_object_get(status, "last_error");
  if (!json_is_object(last) || json_is_object(json_object_get(status, "reason"))) {
    return;
  }
  (void)snprintf(ago, sizeof(ago), " (%s ago)", ps_show_age(age, sizeof(age), ps_status_number(last, "since_ms")));
  add_error(text, "Last error", last, ago);
}

void ps_status_text(ps_text *text, const json_t *status) {
  ps_status_headline(text, status);
  ps_status_reason(text, status);
  ps_status_solver(text, status);
  ps_status_project(text, json_object_get(status, "project"));
  ps_status_streams(text, status);
  ps_status_carried(text, status);
  ps_status_swap(text, status);
  ps_status_legs(text, status);
  ps_status_last_error(text, status);
}

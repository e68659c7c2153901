/* SPDX-License-Identifier: MIT */
/* Prometheus' text format: docs/SERVICE.md has the list. */
#include "gateway/metrics.h"

/* A label's value: what would end it is escaped. */
static void add_label(ps_text *text, const char *name, const char *value) {
  ps_text_addf(text, "%s=\"", name);
  for (const char *at = value ? value : ""; *at; at++) {
    if (*at == '\\' || *at == '"') {
      ps_text_adds(text, "\\");
    }
    ps_text_add(text, *at == '\n' ? "\\n" : at, *at == '\n' ? 2 : 1);
  }
  ps_text_adds(text, "\"");
}

static void head(ps_text *text, const char *name, const char *type, const char *help) {
  ps_text_addf(text, "# HELP penstock_%s %s\n# TYPE penstock_%s %s\n", name, help, name, type);
}

static void one(ps_text *text, const char *name, const char *type, const char *help, double value) {
  head(text, name, type, help);
  ps_text_addf(text, "penstock_%s %.15g\n", name, value);
}

/* The profile in use is a figure of its own: as a label of the others, it would begin every counter anew at a swap. */
static void add_profile(ps_text *text, const ps_desk_figures *figures) {
  head(text, "profile_info", "gauge", "1 for the profile in use.");
  ps_text_adds(text, "penstock_profile_info{");
  add_label(text, "profile", figures->profile);
  ps_text_adds(text, ",");
  add_label(text, "transport", figures->transport);
  ps_text_adds(text, "} 1\n");
}

static void add_states(ps_text *text, ps_state state) {
  static const ps_state states[] = {PS_STATE_CONNECTING, PS_STATE_LAUNCHING, PS_STATE_UP,   PS_STATE_DEGRADED,
                                    PS_STATE_HUNG,       PS_STATE_STOPPED,   PS_STATE_DOWN, PS_STATE_STOPPING};
  head(text, "state", "gauge", "1 for the state that the gateway is in.");
  for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
    ps_text_addf(text, "penstock_state{state=\"%s\"} %d\n", ps_state_name(states[i]), state == states[i]);
  }
}

static void add_loads(ps_text *text, const ps_desk_counts *counts) {
  head(text, "lane_load", "gauge", "Streams and opens of each lane of the profile in use.");
  for (size_t i = 0; i < counts->load_count; i++) {
    ps_text_addf(text, "penstock_lane_load{lane=\"%zu\"} %zu\n", i, counts->loads[i]);
  }
}

static void add_histogram(ps_text *text, const char *name, const char *help, const ps_histogram *histogram) {
  uint64_t count = 0;
  head(text, name, "histogram", help);
  for (size_t i = 0; i <= PS_HISTOGRAM_BOUNDS; i++) {
    count += histogram->counts[i];
    if (i < PS_HISTOGRAM_BOUNDS) {
      ps_text_addf(text, "penstock_%s_bucket{le=\"%g\"} %llu\n", name, ps_histogram_bound_ms(i) / 1e3,
                   (unsigned long long)count);
    }
  }
  ps_text_addf(text, "penstock_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
  ps_text_addf(text, "penstock_%s_sum %.9f\n", name, (double)histogram->sum_ns / 1e9);
  ps_text_addf(text, "penstock_%s_count %llu\n", name, (unsigned long long)count);
}

void ps_metrics_text(ps_text *text, const ps_desk_figures *figures) {
  int serves = figures->state == PS_STATE_UP || figures->state == PS_STATE_DEGRADED;
  add_profile(text, figures);
  add_states(text, figures->state);
  one(text, "solver_up", "gauge", "1 while a solver is served and answers.", serves);
  one(text, "uptime_seconds", "gauge", "How long the gateway runs.", (double)figures->uptime_ns / 1e9);
  one(text, "served_total", "counter", "How often the way to the solver came to be served; less one: reconnects.",
      (double)figures->times_served);
  one(text, "lanes", "gauge", "Connections to the far side.", (double)figures->counts.lanes);
  one(text, "streams", "gauge", "Streams and opens that the lanes have now.", (double)figures->counts.streams);
  add_loads(text, &figures->counts);
  one(text, "held", "gauge", "Connections that wait for a link now.", (double)figures->counts.held);
  one(text, "refused_total", "counter", "Connections that waited in vain and were reset.",
      (double)figures->counts.refused);
  /* What a lane that does not answer has of these is not known, and a counter must not go back. */
  if (figures->is_whole) {
    one(text, "streams_ended_total", "counter", "Streams that have ended.", (double)figures->ended);
    one(text, "streams_aborted_total", "counter", "Of them, those that were broken off.", (double)figures->aborted);
    one(text, "up_bytes_total", "counter", "Bytes to the solver.", (double)figures->up_bytes);
    one(text, "down_bytes_total", "counter", "Bytes from the solver.", (double)figures->down_bytes);
    add_histogram(text, "open_seconds", "How long opening a stream took, of those that were not opened ahead.",
                  &figures->opens);
    add_histogram(text, "stream_first_byte_seconds",
                  "From the first byte of a stream's request to the first byte of its answer, counted at its end.",
                  &figures->first_bytes);
  }
}

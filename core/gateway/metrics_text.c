/* SPDX-License-Identifier: MIT */
/* Prometheus' text format: docs/SERVICE.md has the list. */
#include "gateway/metrics.h"

#include <stdlib.h>

typedef struct page {
  ps_text *text;
  ps_text labels; /* of every line: the profile and its transport */
} page;

/* A label's value: what would end it is escaped. */
static void add_label(ps_text *labels, const char *name, const char *value) {
  ps_text_addf(labels, "%s%s=\"", labels->size ? "," : "", name);
  for (const char *at = value ? value : ""; *at; at++) {
    if (*at == '\\' || *at == '"') {
      ps_text_adds(labels, "\\");
    }
    ps_text_add(labels, *at == '\n' ? "\\n" : at, *at == '\n' ? 2 : 1);
  }
  ps_text_adds(labels, "\"");
}

static void head(const page *self, const char *name, const char *type, const char *help) {
  ps_text_addf(self->text, "# HELP penstock_%s %s\n# TYPE penstock_%s %s\n", name, help, name, type);
}

static void one(const page *self, const char *name, const char *type, const char *help, double value) {
  head(self, name, type, help);
  ps_text_addf(self->text, "penstock_%s{%s} %.15g\n", name, self->labels.data, value);
}

static void add_states(const page *self, ps_state state) {
  static const ps_state states[] = {PS_STATE_CONNECTING, PS_STATE_LAUNCHING, PS_STATE_UP,
                                    PS_STATE_DEGRADED,   PS_STATE_DOWN,      PS_STATE_STOPPING};
  head(self, "state", "gauge", "1 for the state that the gateway is in.");
  for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
    ps_text_addf(self->text, "penstock_state{%s,state=\"%s\"} %d\n", self->labels.data, ps_state_name(states[i]),
                 state == states[i]);
  }
}

static void add_histogram(const page *self, const char *name, const char *help, const ps_histogram *histogram) {
  uint64_t count = 0;
  head(self, name, "histogram", help);
  for (size_t i = 0; i <= PS_HISTOGRAM_BOUNDS; i++) {
    count += histogram->counts[i];
    if (i < PS_HISTOGRAM_BOUNDS) {
      ps_text_addf(self->text, "penstock_%s_bucket{%s,le=\"%g\"} %llu\n", name, self->labels.data,
                   ps_histogram_bound_ms(i) / 1e3, (unsigned long long)count);
    }
  }
  ps_text_addf(self->text, "penstock_%s_bucket{%s,le=\"+Inf\"} %llu\n", name, self->labels.data,
               (unsigned long long)count);
  ps_text_addf(self->text, "penstock_%s_sum{%s} %.9f\n", name, self->labels.data, (double)histogram->sum_ns / 1e9);
  ps_text_addf(self->text, "penstock_%s_count{%s} %llu\n", name, self->labels.data, (unsigned long long)count);
}

void ps_metrics_text(ps_text *text, const ps_desk_figures *figures) {
  page self = {.text = text};
  int serves = figures->state == PS_STATE_UP || figures->state == PS_STATE_DEGRADED;
  add_label(&self.labels, "profile", figures->profile);
  add_label(&self.labels, "transport", figures->transport);
  if (self.labels.no_memory) {
    text->no_memory = 1;
  } else {
    add_states(&self, figures->state);
    one(&self, "solver_up", "gauge", "1 while a solver is served.", serves);
    one(&self, "uptime_seconds", "gauge", "How long the gateway runs.", (double)figures->uptime_ns / 1e9);
    one(&self, "served_total", "counter", "How often the way to the solver came to be served; less one: reconnects.",
        (double)figures->times_served);
    one(&self, "lanes", "gauge", "Connections to the far side.", (double)figures->counts.lanes);
    one(&self, "streams", "gauge", "Streams and opens that the lanes have now.", (double)figures->counts.streams);
    one(&self, "held", "gauge", "Connections that wait for a link now.", (double)figures->counts.held);
    one(&self, "refused_total", "counter", "Connections that waited in vain and were reset.",
        (double)figures->counts.refused);
    /* What a lane that does not answer has of these is not known, and a counter must not go back. */
    if (figures->is_whole) {
      one(&self, "streams_ended_total", "counter", "Streams that have ended.", (double)figures->ended);
      one(&self, "streams_aborted_total", "counter", "Of them, those that were broken off.", (double)figures->aborted);
      one(&self, "up_bytes_total", "counter", "Bytes to the solver.", (double)figures->up_bytes);
      one(&self, "down_bytes_total", "counter", "Bytes from the solver.", (double)figures->down_bytes);
      add_histogram(&self, "open_seconds", "How long opening a stream took, of those that were not opened ahead.",
                    &figures->opens);
    }
  }
  free(self.labels.data);
}

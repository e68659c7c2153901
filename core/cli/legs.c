/* SPDX-License-Identifier: MIT */
#include "cli/legs.h"

#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/term.h"
#include "log/log.h"

void ps_legs_line(uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  char span[32] = "";
  char safe[1024];
  if (!error || elapsed_ns > 0) {
    ps_show_span(span, sizeof(span), elapsed_ns);
  }
  if (error) {
    ps_out_line("  %-10s %9s  %sfailed%s", ps_leg_name(leg), span, ps_term_style(PS_STDOUT, PS_STYLE_BAD),
                ps_term_style(PS_STDOUT, PS_STYLE_END));
  } else {
    ps_out_line("  %-10s %9s  %s", ps_leg_name(leg), span,
                ps_show_safe(safe, sizeof(safe), text && text[0] ? text : "ok"));
  }
}

json_t *ps_legs_json(uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  return json_pack("{s:s, s:s, s:o, s:o, s:o}", "event", "leg", "leg", ps_leg_name(leg), "ms", ps_json_ms(elapsed_ns),
                   "text", ps_json_text(text), "error", ps_json_error(error));
}

/* SPDX-License-Identifier: MIT */
#include "cli/json_out.h"

#include <stdlib.h>

#include "cli/out.h"

json_t *ps_json_problem(const ps_problem *problem) {
  return json_pack("{s:s, s:o, s:i, s:s, s:o}", "event", "problem", "file", ps_json_text(problem->file), "line",
                   problem->line, "severity", problem->fatal ? "error" : "warning", "text",
                   ps_json_text(problem->text));
}

void ps_json_line(json_t *object) {
  if (ps_out_labelled()) {
    (void)json_object_set_new(object, "gateway", ps_json_text(ps_out_labelled()));
  }
  char *line = ps_json_dump(object);
  if (line) {
    ps_out_text(line);
    free(line);
  }
}

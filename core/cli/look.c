/* SPDX-License-Identifier: MIT */
#include "cli/look.h"

#include <penstock/check.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/out.h"
#include "cli/show.h"
#include "cli/visitor.h"

enum { DEADLINE_MS = 10000 };

/* A look that is under way. */
typedef struct look {
  ps_profiles *profiles;
  const ps_profile *profile;
  ps_look_form form;
  int found; /* how much was */
} look;

static void on_found(void *context, const char *name, const char *text) {
  look *self = context;
  char safe_name[64];
  char safe[1100];
  if (self->form == PS_LOOK_JSON) {
    ps_json_line(json_pack("{s:s, s:o, s:o, s:o}", "event", "found", "profile", ps_json_text(self->profile->name),
                           "name", ps_json_text(name), "text", ps_json_text(text)));
  } else if (self->form == PS_LOOK_TEXT) {
    if (self->found++ == 0) {
      ps_out_line("%s (%s)", ps_show_safe(safe, sizeof(safe), self->profile->name), self->profile->transport->name);
    }
    ps_out_line("  %-13s  %s", ps_show_safe(safe_name, sizeof(safe_name), name),
                ps_show_safe(safe, sizeof(safe), text));
  }
}

static void on_problem(void *context, uint32_t level, const penstock_error *error) {
  look *self = context;
  ps_profiles_add_problem(self->profiles, self->profile->name, level <= PENSTOCK_LOG_ERROR, error);
}

static int ask(void *context, penstock_instance *instance, const ps_profile *profile) {
  look *self = context;
  const penstock_check_ext *extension =
      profile->transport->get_extension ? profile->transport->get_extension(instance, PENSTOCK_EXT_CHECK) : NULL;
  if (!extension || !PENSTOCK_HAS(extension, penstock_check_ext, check)) {
    return PS_EXIT_OK;
  }
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const penstock_check_sink sink = {
      .struct_size = (uint32_t)sizeof(sink), .context = self, .found = on_found, .problem = on_problem};
  if (extension->check(instance, DEADLINE_MS, &sink, &error) != PENSTOCK_OK) {
    on_problem(self, PENSTOCK_LOG_ERROR, &error);
  }
  return PS_EXIT_OK;
}

void ps_look(ps_profiles *profiles, const ps_profile *profile, ps_look_form form) {
  look self = {.profiles = profiles, .profile = profile, .form = form};
  penstock_error error;
  if (ps_visit_instance(profile, ask, &self, &error) != PS_EXIT_OK) {
    on_problem(&self, PENSTOCK_LOG_ERROR, &error);
  }
}

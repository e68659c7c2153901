/* SPDX-License-Identifier: MIT */
#include "cli/other_profile.h"

#include <stdlib.h>

#include "cli/cli.h"
#include "cli/profile_select.h"
#include "cli/visitor.h"

/* A profile and the files that it is from. */
typedef struct other {
  ps_profiles profiles;
  ps_profile profile;
} other;

static void release(void *owner) {
  other *self = owner;
  ps_profile_close(&self->profile);
  ps_profiles_free(&self->profiles);
  free(self);
}

/* The first fault stands for all; whoever mends it sees the others with `check`. */
static int tell_fault(other *self, const char *name, penstock_error *error) {
  ps_problems *problems = &self->profiles.problems;
  size_t fatal = ps_problems_fatal(problems);
  size_t at = 0;
  ps_problems_sort(problems);
  while (at < problems->count && !problems->items[at].fatal) {
    at++;
  }
  if (at == problems->count) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  const ps_problem *first = &problems->items[at];
  char line[16] = "";
  char more[48] = "";
  if (first->line > 0) {
    (void)snprintf(line, sizeof(line), "%d: ", first->line);
  }
  if (fatal > 1) {
    (void)snprintf(more, sizeof(more), " (and %zu more)", fatal - 1);
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s%s%s%s%s", first->file ? first->file : "",
                      first->file ? ":" : "", line[0] ? line : " ", first->text, more);
  penstock_next(error, "mend it and try again; `penstock check%s%s` shows all that is wrong", name ? " " : "",
                name ? name : "");
  return PENSTOCK_E_INVALID;
}

static int take(other *self, const char *name, const char *listen, penstock_error *error) {
  const char *known = ps_profiles_find(&self->profiles, name, error);
  if (!known) {
    return PENSTOCK_E_NOT_FOUND;
  }
  int result = ps_profile_open(&self->profiles, known, &self->profile);
  if (result == 0 && listen) {
    result = ps_settings_set(self->profile.settings, "listen", listen, "--listen", &self->profiles.problems);
  }
  return result == 0 && ps_problems_fatal(&self->profiles.problems) == 0 ? PENSTOCK_OK : tell_fault(self, name, error);
}

static void give(other *self, ps_gateway_profile *found) {
  *found = (ps_gateway_profile){.name = self->profile.name,
                                .transport = self->profile.transport,
                                .settings = self->profile.settings,
                                .release = release,
                                .owner = self};
}

/* Settings, plugins, and what a transport says of them before it connects, as `penstock check` has it; but nothing that
 * asks another program, since the gateway's main thread waits here. */
static void check_another(other *self, const char *name) {
  ps_profile profile;
  penstock_error error;
  if (ps_profile_open(&self->profiles, name, &profile) == 0 &&
      ps_visit_instance(&profile, NULL, NULL, &error) != PS_EXIT_OK) {
    ps_profiles_add_refusal(&self->profiles, name, &error);
  }
  ps_profile_close(&profile);
}

static int check_others(other *self, const char *name, penstock_error *error) {
  size_t room = ps_config_profile_count(self->profiles.config);
  const char **names = calloc(room + 1, sizeof(*names));
  if (!names) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  size_t count = ps_profiles_list(&self->profiles, names, room);
  for (size_t i = 0; i < count; i++) {
    check_another(self, names[i]);
  }
  free(names);
  if (ps_problems_fatal(&self->profiles.problems) > 0) {
    return tell_fault(self, NULL, error);
  }
  for (size_t i = 0; i < ps_config_profile_count(self->profiles.config); i++) {
    if (strcmp(ps_config_profile_name(self->profiles.config, i), name) == 0) {
      return PENSTOCK_OK;
    }
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "there is no profile '%s' in %s any more", name,
                      ps_config_path(self->profiles.config));
  penstock_next(
      error, "put it back, have the gateway use another one (penstock use PROFILE), or end it: penstock down %s", name);
  return PENSTOCK_E_NOT_FOUND;
}

int ps_profile_read_anew(const char *name, const char *listen, ps_gateway_profile *found, ps_settings **common,
                         penstock_error *error) {
  other *self = calloc(1, sizeof(*self));
  if (!self) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  int result = ps_profiles_load(&self->profiles) == 0 ? check_others(self, name, error) : tell_fault(self, NULL, error);
  if (result == PENSTOCK_OK) {
    result = take(self, name, listen, error);
  }
  if (result != PENSTOCK_OK) {
    release(self);
    return result;
  }
  give(self, found);
  *common = self->profiles.gateway;
  self->profiles.gateway = NULL;
  return PENSTOCK_OK;
}

int ps_profile_find_other(const char *name, const char *listen, ps_gateway_profile *found, penstock_error *error) {
  other *self = calloc(1, sizeof(*self));
  if (!self) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  int result = ps_profiles_load(&self->profiles) == 0 ? take(self, name, listen, error) : tell_fault(self, name, error);
  if (result != PENSTOCK_OK) {
    release(self);
    return result;
  }
  give(self, found);
  return PENSTOCK_OK;
}

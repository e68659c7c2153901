/* SPDX-License-Identifier: MIT */
#include "cli/other_profile.h"

#include <stdlib.h>

#include "cli/profile_select.h"

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
  penstock_next(error, "mend it and try again; `penstock check %s` shows all that is wrong", name);
  return PENSTOCK_E_INVALID;
}

static int find(other *self, const char *name, const char *listen, penstock_error *error) {
  if (ps_profiles_load(&self->profiles) != 0) {
    return tell_fault(self, name, error);
  }
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

int ps_profile_find_other(const char *name, const char *listen, ps_gateway_profile *found, penstock_error *error) {
  other *self = calloc(1, sizeof(*self));
  if (!self) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  int result = find(self, name, listen, error);
  if (result != PENSTOCK_OK) {
    release(self);
    return result;
  }
  *found = (ps_gateway_profile){.name = self->profile.name,
                                .transport = self->profile.transport,
                                .settings = self->profile.settings,
                                .release = release,
                                .owner = self};
  return PENSTOCK_OK;
}

/* SPDX-License-Identifier: MIT */
/* The files are read anew, and what they say otherwise is applied: with the profile in use, or by connecting it anew.
 */
#include "gateway/gateway_internal.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"

/* What was read. */
typedef struct reading {
  ps_gateway_profile profile;
  ps_settings *common;
  ps_reload reload;
} reading;

static void drop(reading *self) {
  if (self->profile.release) {
    self->profile.release(self->profile.owner);
  }
  ps_settings_free(self->common);
}

static int refuse(const ps_gateway *self, ps_control_fault *fault) {
  if (ps_gateway_refuse_busy(self, fault) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  if (self->swap.coming) {
    ps_control_fault_set(fault, "swapping", "the gateway is about to use '%s'",
                         ps_crew_options_of(self->swap.coming)->profile);
    ps_control_fault_next(fault, "reload when that has served or failed; `penstock status` shows how far it is");
  } else if (!self->options->reread) {
    ps_control_fault_set(fault, "failed", "this gateway has no files to read");
    ps_control_fault_next(fault, "start it again");
  } else {
    return PENSTOCK_OK;
  }
  return PENSTOCK_E_FAILED;
}

/* The port is what clients point at, so it is not moved beneath them. */
static int same_port(const ps_gateway *self, const reading *now, penstock_error *error) {
  if (!ps_reload_has(&now->reload, "listen")) {
    return PENSTOCK_OK;
  }
  const char *other = ps_settings_string(now->profile.settings, "listen");
  const char *origin = ps_settings_origin(now->profile.settings, "listen");
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "%s%s`listen` is %s now, and this gateway keeps its port, %s", origin ? origin : "",
                      origin ? ": " : "", other ? other : "not set",
                      ps_gateway_setting(self, "listen", "127.0.0.1:9090"));
  penstock_next(error, "start it again to move it: penstock down %s, then penstock up %s", self->options->profile,
                self->options->profile);
  return PENSTOCK_E_INVALID;
}

/* May the profile be connected anew? */
static int may_connect(const ps_gateway *self, penstock_error *error) {
  if (ps_crew_is_stopped(self->crew)) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                        "the profile would have to connect anew, which would launch the solver that was stopped");
    penstock_next(error,
                  "have it launched with the new keys: penstock use %s; or with the old ones, and reload then: "
                  "penstock start %s",
                  self->options->profile, self->options->profile);
    return PENSTOCK_E_FAILED;
  }
  if (self->swap.leaving_count >= PS_SWAP_LEAVING_MAX) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT,
                        "the profile would have to connect anew, and %zu that were left have not ended yet",
                        self->swap.leaving_count);
    penstock_next(error, "reload when the streams of one have ended; `penstock status` shows them");
    return PENSTOCK_E_LIMIT;
  }
  return PENSTOCK_OK;
}

static int read_anew(ps_gateway *self, reading *now, penstock_error *error) {
  memset(now, 0, sizeof(*now));
  int result =
      self->options->reread(self->options->find_context, self->options->profile, &now->profile, &now->common, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  const ps_reload_sides sides = {.before = self->options->settings,
                                 .after = now->profile.settings,
                                 .common_began = self->options->common,
                                 .common_before = self->common ? self->common : self->options->common,
                                 .common_after = now->common,
                                 .fixed = self->options->fixed};
  result = ps_reload_compare(&now->reload, &sides);
  if (result != PENSTOCK_OK) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return result;
  }
  result = same_port(self, now, error);
  return result == PENSTOCK_OK && now->reload.connects ? may_connect(self, error) : result;
}

/* [gateway] is ours from now on; the log's keys count. What was before is kept until it is known that it stays so. */
static int apply_common(ps_gateway *self, reading *now, penstock_error *error) {
  if (now->reload.logs && self->options->relog &&
      self->options->relog(self->options->find_context, now->common, error) != PENSTOCK_OK) {
    return PENSTOCK_E_FAILED;
  }
  if (now->common) {
    self->undo = (ps_gateway_undo){.is_on = 1, .logs = now->reload.logs, .common = self->common};
    self->common = now->common;
    now->common = NULL;
  }
  return PENSTOCK_OK;
}

static void take_back(ps_gateway *self) {
  penstock_error error;
  ps_settings *failed = self->common;
  self->common = self->undo.common;
  self->undo.common = failed; /* is freed with what was to be kept otherwise */
  if (self->undo.logs && self->options->relog &&
      self->options->relog(self->options->find_context, self->common ? self->common : self->options->common, &error) !=
          PENSTOCK_OK) {
    ps_log_error(PENSTOCK_LOG_WARN, self->options->profile, &error);
    ps_log(PENSTOCK_LOG_WARN, self->options->profile, "the log goes on as it was to be, not as it was");
  }
}

void ps_gateway_reload_settle(ps_gateway *self, int has_served) {
  if (self->undo.is_on && !has_served) {
    take_back(self);
  }
  ps_settings_free(self->undo.common);
  self->undo = (ps_gateway_undo){0};
}

/* Keys of the profile that count at once. */
static int apply_live(ps_gateway *self, reading *now, penstock_error *error) {
  const ps_gateway_profile *profile = &now->profile;
  int has_live = 0;
  for (size_t i = 0; i < now->reload.count; i++) {
    has_live |= !now->reload.keys[i].is_common && now->reload.keys[i].when == PS_RELOAD_NOW;
  }
  if (!has_live) {
    return PENSTOCK_OK;
  }
  if (ps_crew_renew(self->crew, profile->settings, profile->release, profile->owner) != PENSTOCK_OK) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  now->profile.release = NULL;
  self->own_options.settings = profile->settings;
  return PENSTOCK_OK;
}

static void tell(ps_gateway *self, const ps_reload *reload, const penstock_error *error) {
  const ps_reload_event event = {.profile = self->options->profile,
                                 .transport = self->options->transport,
                                 .settings = self->options->settings,
                                 .changes = error ? NULL : reload,
                                 .error = error};
  if (error) {
    ps_log_error(PENSTOCK_LOG_WARN, self->options->profile, error);
    ps_log(PENSTOCK_LOG_WARN, self->options->profile, "not reloaded: all goes on as it was");
  } else {
    char *text = ps_reload_text(reload);
    ps_log(PENSTOCK_LOG_INFO, self->options->profile, "reloaded: %s", text ? text : "");
    free(text);
  }
  self->options->events->reload(self->options->context, &event);
}

/* All of it, or nothing; what was read and is used from now on is not `now`'s any more. */
static int apply(ps_gateway *self, reading *now, penstock_error *error) {
  int result = apply_common(self, now, error);
  if (result == PENSTOCK_OK) {
    result = apply_live(self, now, error);
  }
  if (result == PENSTOCK_OK && now->reload.connects) {
    ps_gateway_profile profile = now->profile;
    now->profile.release = NULL; /* is the swap's, whatever becomes of it */
    result = ps_gateway_begin_swap(self, &profile, -1, error);
  }
  if (result != PENSTOCK_OK) {
    ps_gateway_reload_settle(self, 0);
  }
  return result;
}

static int fail(ps_gateway *self, int code, const penstock_error *error, ps_control_fault *fault) {
  int is_ours = error->error_class != PENSTOCK_CLASS_CONFIG;
  tell(self, NULL, error);
  ps_control_fault_set(fault, is_ours ? "failed" : "bad-profile", "%s", error->what);
  ps_control_fault_next(fault, "%s", error->next);
  ps_control_fault_cause(fault, error);
  ps_herald_reloaded(self->herald);
  return code;
}

int ps_gateway_reload(void *context, ps_reload *changes, ps_control_fault *fault) {
  ps_gateway *self = context;
  reading now;
  penstock_error error;
  memset(changes, 0, sizeof(*changes));
  if (refuse(self, fault) != PENSTOCK_OK) {
    ps_log(PENSTOCK_LOG_WARN, self->options->profile, "not reloaded: %s", fault->what);
    return PENSTOCK_E_FAILED;
  }
  memset(&error, 0, sizeof(error));
  ps_herald_reloading(self->herald);
  int result = read_anew(self, &now, &error);
  if (result == PENSTOCK_OK) {
    result = apply(self, &now, &error);
  }
  drop(&now);
  if (result != PENSTOCK_OK) {
    ps_reload_free(&now.reload);
    return fail(self, result, &error, fault);
  }
  tell(self, &now.reload, NULL);
  if (now.reload.connects) {
    ps_swap_tell_begun(&self->swap); /* its end settles what was applied */
  } else {
    ps_gateway_reload_settle(self, 1);
    ps_herald_reloaded(self->herald);
  }
  *changes = now.reload;
  return PENSTOCK_OK;
}

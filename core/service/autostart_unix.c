/* SPDX-License-Identifier: MIT */
#include "service/autostart.h"

int ps_autostart_check(penstock_error *error) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "what starts a gateway when you log in is this system's own, not penstock's");
  penstock_next(error, "with systemd: systemctl --user enable --now penstock@PROFILE (docs/SERVICE.md says more)");
  return PENSTOCK_E_UNSUPPORTED;
}

int ps_autostart_enable(const char *profile, const char *const *words, penstock_error *error) {
  (void)profile;
  (void)words;
  return ps_autostart_check(error);
}

int ps_autostart_disable(const char *profile, penstock_error *error) {
  (void)profile;
  return ps_autostart_check(error);
}

int ps_autostart_each(void (*each)(void *context, const ps_autostart_entry *entry), void *context,
                      penstock_error *error) {
  (void)each;
  (void)context;
  return ps_autostart_check(error);
}

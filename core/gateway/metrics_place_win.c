/* SPDX-License-Identifier: MIT */
#include "gateway/metrics_place.h"

int ps_metrics_listen_at_path(const char *path, int backlog, penstock_socket *listening, ps_metrics_place *place,
                              penstock_error *error) {
  (void)backlog;
  (void)listening;
  (void)place;
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "`metrics`: on Windows not at a path: %s",
                      path);
  penstock_next(error, "set an address of this machine: metrics = 127.0.0.1:9464");
  return PENSTOCK_E_FAILED;
}

void ps_metrics_leave_path(ps_metrics_place *place) {
  (void)place;
}

/* SPDX-License-Identifier: MIT */
/* Where the system is not Windows no instance is ever made, so that no slot but create is called. */
#include "winnative/winnative.h"

int32_t winnative_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                         penstock_error *error) {
  const char *origin = config->get_origin(config, "transport");
  (void)host;
  (void)instance;
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "The transport `winnative` runs on Windows only%s%.300s%s", origin ? " (" : "",
                      origin ? origin : "", origin ? ")" : "");
  penstock_next(error, "Set `transport = local` for a solver on this machine, or `ssh` for one on another machine");
  return PENSTOCK_E_FAILED;
}

void winnative_destroy(penstock_instance *instance) {
  (void)instance;
}

void winnative_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void winnative_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void winnative_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void winnative_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void winnative_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void winnative_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void winnative_cancel(penstock_instance *instance, penstock_op *op) {
  (void)instance;
  (void)op;
}

void winnative_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  (void)instance;
  (void)open;
  (void)deadline_ms;
}

void winnative_cancel_open(penstock_instance *instance, penstock_open *open) {
  (void)instance;
  (void)open;
}

/* SPDX-License-Identifier: MIT */
/* Where the system is not Windows no instance is ever made, so that no slot but create is called. */
#include "common/native/native.h"

int32_t native_create(const penstock_host *host, const penstock_config *config, native_kind kind,
                      penstock_instance **instance, penstock_error *error) {
  const char *origin = config->get_origin(config, "transport");
  (void)host;
  (void)kind;
  (void)instance;
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "The transport `winnative` runs on Windows only%s%.300s%s", origin ? " (" : "",
                      origin ? origin : "", origin ? ")" : "");
  penstock_next(error, "Set `transport = local` for a solver on this machine, or `ssh` for one on another machine");
  return PENSTOCK_E_FAILED;
}

void native_destroy(penstock_instance *instance) {
  (void)instance;
}

void native_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void native_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void native_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void native_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void native_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void native_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

void native_cancel(penstock_instance *instance, penstock_op *op) {
  (void)instance;
  (void)op;
}

void native_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  (void)instance;
  (void)open;
  (void)deadline_ms;
}

void native_cancel_open(penstock_instance *instance, penstock_open *open) {
  (void)instance;
  (void)open;
}

const void *native_extension(penstock_instance *instance, const char *name) {
  (void)instance;
  (void)name;
  return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Slots that are there and do nothing: these plugins are loaded, and never connected. */
#ifndef TEST_SLOTS_H
#define TEST_SLOTS_H

#include <penstock/sdk.h>

struct penstock_instance {
  int unused;
};

/* A `depth` of 9 is within its range, and refused all the same: what only the transport itself can know. */
static int32_t test_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                           penstock_error *error) {
  static penstock_instance only;
  (void)host;
  if (config->get_int(config, "depth", 0) == 9) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: 9 is too deep",
                  config->get_origin(config, "depth"));
    penstock_next(error, "stay above");
    return PENSTOCK_E_FAILED;
  }
  *instance = &only;
  return PENSTOCK_OK;
}

static void test_destroy(penstock_instance *instance) {
  (void)instance;
}

static void test_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)instance;
  (void)op;
  (void)deadline_ms;
}

static void test_cancel(penstock_instance *instance, penstock_op *op) {
  (void)instance;
  (void)op;
}

static void test_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  (void)instance;
  (void)open;
  (void)deadline_ms;
}

static void test_cancel_open(penstock_instance *instance, penstock_open *open) {
  (void)instance;
  (void)open;
}

/** The six slots that every transport has, for an initializer. */
#define TEST_SLOTS                                                                                                     \
  .create = test_create, .destroy = test_destroy, .connect = test_connect, .cancel = test_cancel,                      \
  .open_stream = test_open_stream, .cancel_open = test_cancel_open

#endif

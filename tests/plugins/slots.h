/* SPDX-License-Identifier: MIT */
/* Slots that are there and do nothing: these plugins are loaded, never used. */
#ifndef TEST_SLOTS_H
#define TEST_SLOTS_H

#include <penstock/sdk.h>

static int32_t test_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                           penstock_error *error) {
  (void)host;
  (void)config;
  (void)error;
  *instance = NULL;
  return PENSTOCK_E_UNSUPPORTED;
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

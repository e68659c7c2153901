/* SPDX-License-Identifier: MIT */
/* Calls a function that no library brings: found at the load, not at the first call. */
#include "slots.h"

extern void penstock_test_is_nowhere(void);

static void connect_nowhere(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  penstock_test_is_nowhere();
  test_connect(instance, op, deadline_ms);
}

static const penstock_transport unbound = {.struct_size = sizeof(penstock_transport),
                                           .name = "unbound",
                                           .summary = "Needs what is not there",
                                           .create = test_create,
                                           .destroy = test_destroy,
                                           .connect = connect_nowhere,
                                           .cancel = test_cancel,
                                           .open_stream = test_open_stream,
                                           .cancel_open = test_cancel_open};

static const penstock_transport *const transports[] = {&unbound};
PENSTOCK_PLUGIN("test-unbound", "1.0", "MIT", transports);

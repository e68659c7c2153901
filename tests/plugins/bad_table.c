/* SPDX-License-Identifier: MIT */
/* The file is in order, its table is not: a transport without connect. */
#include "slots.h"

static const penstock_transport incomplete = {.struct_size = sizeof(penstock_transport),
                                              .name = "bad-table",
                                              .summary = "Cannot connect",
                                              .create = test_create,
                                              .destroy = test_destroy,
                                              .cancel = test_cancel,
                                              .open_stream = test_open_stream,
                                              .cancel_open = test_cancel_open};

static const penstock_transport unused = {
    .struct_size = sizeof(penstock_transport), .name = "unused", .summary = "Without fault", TEST_SLOTS};

static const penstock_transport *const transports[] = {&unused, &incomplete};
PENSTOCK_PLUGIN("test-bad-table", "1.0", "MIT", transports);

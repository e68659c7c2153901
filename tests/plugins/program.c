/* SPDX-License-Identifier: MIT */
/* A program that exports the table: the type of its file is that of a shared library. */
#include "slots.h"

static const penstock_transport program = {
    .struct_size = sizeof(penstock_transport), .name = "program", .summary = "Is none", TEST_SLOTS};

static const penstock_transport *const transports[] = {&program};
PENSTOCK_PLUGIN("test-program", "1.0", "MIT", transports);

int main(void) {
  return 0;
}

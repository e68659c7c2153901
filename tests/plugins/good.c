/* SPDX-License-Identifier: MIT */
/* A plugin without fault: two transports, and an option of each kind. */
#include "slots.h"

static const char *const colours[] = {"red", "green", NULL};

static const penstock_option options[] = {
    {sizeof(penstock_option), PENSTOCK_OPTION_ADDRESS, PENSTOCK_OPTION_REQUIRED, 0, "place", NULL, "Where to go.", 0, 0,
     NULL},
    {sizeof(penstock_option), PENSTOCK_OPTION_INT, PENSTOCK_OPTION_LIVE, 0, "depth", "3", "How deep.", 1, 9, NULL},
    {sizeof(penstock_option), PENSTOCK_OPTION_CHOICE, 0, 0, "colour", "red", "Which colour.", 0, 0, colours},
    {sizeof(penstock_option), PENSTOCK_OPTION_DURATION, 0, 0, "pause", "1500ms", "How long.", 0, 60000, NULL},
    {sizeof(penstock_option), PENSTOCK_OPTION_STRING, PENSTOCK_OPTION_SECRET, 0, "password", NULL, "What is said.", 0,
     0, NULL},
};

static const penstock_transport good = {.struct_size = sizeof(penstock_transport),
                                        .name = "good",
                                        .summary = "Does nothing, well",
                                        .options = options,
                                        .option_count = sizeof(options) / sizeof(options[0]),
                                        TEST_SLOTS};

static const penstock_transport better = {
    .struct_size = sizeof(penstock_transport), .name = "better", .summary = "Does nothing, better", TEST_SLOTS};

static const penstock_transport *const transports[] = {&good, &better};
PENSTOCK_PLUGIN("test-good", "1.2", "MIT", transports);

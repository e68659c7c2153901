/* SPDX-License-Identifier: MIT */
/* Built against a later minor version: every struct has members that this penstock has never heard of. */
#include "slots.h"

typedef struct grown_option {
  penstock_option known;
  const char *later;
} grown_option;

typedef struct grown_transport {
  penstock_transport known;
  void (*later)(void);
  uint64_t later_still;
} grown_transport;

typedef struct grown_plugin {
  penstock_plugin known;
  const char *later;
} grown_plugin;

static const grown_option options[] = {
    {{sizeof(grown_option), PENSTOCK_OPTION_STRING, 0, 0, "first", "1", "The first.", 0, 0, NULL}, "x"},
    {{sizeof(grown_option), PENSTOCK_OPTION_BOOL, 0, 0, "second", "yes", "The second.", 0, 0, NULL}, "y"},
};

static const grown_transport grown = {.known = {.struct_size = sizeof(grown_transport),
                                                .name = "grown",
                                                .summary = "Of a later minor version",
                                                .options = &options[0].known,
                                                .option_count = 2,
                                                TEST_SLOTS},
                                      .later_still = 7};

static const penstock_transport *const transports[] = {&grown.known};

PENSTOCK_EXPORT extern const grown_plugin PENSTOCK_PLUGIN_SYMBOL;
const grown_plugin PENSTOCK_PLUGIN_SYMBOL = {
    {sizeof(grown_plugin), PENSTOCK_ABI_MINOR + 1, "test-grown", "9.0", "MIT", transports, 1, 0}, "later"};

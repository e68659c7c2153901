/* SPDX-License-Identifier: MIT */
/* A plugin for another major version of the interface (SYMBOL), whose table may look like anything. */
#include <penstock/plugin.h>

PENSTOCK_EXPORT extern const char SYMBOL[64];
const char SYMBOL[64] = "nothing that version 1 could read";

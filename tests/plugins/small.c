/* SPDX-License-Identifier: MIT */
/* The right name on too little data. */
#include <penstock/base.h>

PENSTOCK_EXPORT extern const uint32_t penstock_plugin_1;
const uint32_t penstock_plugin_1 = 4;

/* SPDX-License-Identifier: MIT */
/* The entry of older designs: a function, which would have to run before anything is known. */
#include <penstock/plugin.h>

PENSTOCK_EXPORT extern const penstock_plugin *penstock_plugin_1(void);
const penstock_plugin *penstock_plugin_1(void) {
  return NULL;
}

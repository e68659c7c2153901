/* SPDX-License-Identifier: MIT */
/**
 * @file plugin.h
 * The one header a plugin includes, and the one symbol that it exports.
 *
 *     #include <penstock/plugin.h>
 *     static const penstock_transport *const transports[] = {&my_transport};
 *     PENSTOCK_PLUGIN("my-plugin", "1.0", "MIT", transports);
 */
#ifndef PENSTOCK_PLUGIN_H
#define PENSTOCK_PLUGIN_H

#include "ahead.h"
#include "base.h"
#include "check.h"
#include "end.h"
#include "error.h"
#include "exec.h"
#include "explain.h"
#include "host.h"
#include "hostkey.h"
#include "link.h"
#include "option.h"
#include "stream.h"
#include "transport.h"
#include "way.h"

/** A plugin: the exported, constant data. Everything it points to lives as long as the plugin is loaded. */
typedef struct penstock_plugin {
  uint32_t struct_size;                        /**< sizeof(penstock_plugin) */
  uint32_t abi_minor;                          /**< PENSTOCK_ABI_MINOR it was built with */
  const char *name;                            /**< of the plugin, for the user */
  const char *version;                         /**< of the plugin */
  const char *license;                         /**< SPDX expression */
  const penstock_transport *const *transports; /**< `transport_count` of them */
  uint32_t transport_count;                    /**< entries in `transports` */
  uint32_t reserved;                           /**< 0 */
} penstock_plugin;

/** Name of the exported symbol of major version 1; another major version has another name. */
#define PENSTOCK_PLUGIN_SYMBOL penstock_plugin_1
/** The same, as text. */
#define PENSTOCK_PLUGIN_SYMBOL_NAME "penstock_plugin_1"
/** What the symbols of all major versions start with. */
#define PENSTOCK_PLUGIN_SYMBOL_PREFIX "penstock_plugin_"

/** @def PENSTOCK_EXTERN_C
 * Gives a declaration C linkage, in C and in C++. */
#ifdef __cplusplus
#define PENSTOCK_EXTERN_C extern "C"
#else
#define PENSTOCK_EXTERN_C extern
#endif

/** Defines the exported symbol. `list` is an array of const penstock_transport pointers. */
#define PENSTOCK_PLUGIN(plugin_name, plugin_version, plugin_license, list)                                             \
  PENSTOCK_EXTERN_C PENSTOCK_EXPORT const penstock_plugin PENSTOCK_PLUGIN_SYMBOL;                                      \
  const penstock_plugin PENSTOCK_PLUGIN_SYMBOL = {                                                                     \
      sizeof(penstock_plugin),                                                                                         \
      PENSTOCK_ABI_MINOR,                                                                                              \
      plugin_name,                                                                                                     \
      plugin_version,                                                                                                  \
      plugin_license,                                                                                                  \
      list,                                                                                                            \
      (uint32_t)(sizeof(list) / sizeof((list)[0])),                                                                    \
      0,                                                                                                               \
  }

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file plugin_show.h
 * A plugin's transports and their options, for people and for programs.
 * Thread: the main thread.
 */
#ifndef PS_PLUGIN_SHOW_H
#define PS_PLUGIN_SHOW_H

#include <jansson.h>

#include "base/text.h"
#include "plugin/registry.h"

/** Prints a plugin, its transports and what a profile may set for each to standard output. */
void ps_plugin_print(const ps_plugin *plugin);
/** The same as an object, with the options only if `with_options`. A new reference. */
json_t *ps_plugin_json(const ps_plugin *plugin, int with_options);
/** Adds what a value has to be of an option of the core, or of a built-in transport: "choice red|green, default red".
 */
void ps_option_add_facts(ps_text *text, const penstock_option *option);

#endif

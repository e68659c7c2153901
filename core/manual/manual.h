/* SPDX-License-Identifier: MIT */
/**
 * @file manual.h
 * The parts of the manual that are made of the program's own tables.
 * Thread: the main thread.
 */
#ifndef PS_MANUAL_H
#define PS_MANUAL_H

#include "base/text.h"

/** The transports to tell of: plugins in this version's layout (ps_abi_copy), in this order. */
typedef struct ps_manual_plugins {
  const penstock_plugin **plugins;
  size_t count;
} ps_manual_plugins;

/**
 * Adds a page: `template` with each line `.\" GENERATE name` replaced. The names are commands, options, exit-codes,
 * gateway-keys, profile-keys, transport-keys, transports and abi. Returns 0, or -1 with *unknown at a name that is none
 * of them.
 */
int ps_manual_page(ps_text *page, const char *template, const ps_manual_plugins *plugins, const char **unknown);

/** The parts, which are the names above. */
void ps_manual_commands(ps_text *page, const ps_manual_plugins *plugins);
void ps_manual_options(ps_text *page, const ps_manual_plugins *plugins);
void ps_manual_exit_codes(ps_text *page, const ps_manual_plugins *plugins);
void ps_manual_gateway_keys(ps_text *page, const ps_manual_plugins *plugins);
void ps_manual_profile_keys(ps_text *page, const ps_manual_plugins *plugins);
void ps_manual_transport_keys(ps_text *page, const ps_manual_plugins *plugins);
void ps_manual_transports(ps_text *page, const ps_manual_plugins *plugins);
void ps_manual_abi(ps_text *page, const ps_manual_plugins *plugins);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file abi.h
 * A plugin's tables, checked and copied into this version's layout: what the other side does not know reads
 * as zero, what we do not know is left out.
 *
 * Thread: any.
 */
#ifndef PS_ABI_H
#define PS_ABI_H

#include <penstock/sdk.h>

/** What version 1.0 had to have of each struct, in bytes. Fixed for the life of major version 1. */
#define PS_ABI_PLUGIN_MIN    (offsetof(penstock_plugin, transport_count) + sizeof(uint32_t))
#define PS_ABI_TRANSPORT_MIN (offsetof(penstock_transport, cancel_open) + sizeof(void *))
#define PS_ABI_OPTION_MIN    (offsetof(penstock_option, choices) + sizeof(void *))

/** A larger struct, or a longer table, is garbage rather than a later minor version. */
#define PS_ABI_STRUCT_MAX     65536
#define PS_ABI_TRANSPORTS_MAX 64
#define PS_ABI_OPTIONS_MAX    1024

/**
 * Checks and copies. `foreign` is the plugin's exported symbol, `path` its file (for messages). The copy is
 * complete down to the options and is freed with ps_abi_free. Strings, choices and functions stay the plugin's. Returns
 * NULL with `error` (leg LOCAL, class CONFIG) that names the struct, the member and the fault.
 */
const penstock_plugin *ps_abi_copy(const penstock_plugin *foreign, const char *path, penstock_error *error);
/** Frees what ps_abi_copy made. NULL is fine. */
void ps_abi_free(const penstock_plugin *copy);

/** Is it a transport's name: [a-z0-9-], 1 to 32 bytes? */
int ps_abi_transport_name(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file registry.h
 * Finds and loads the plugin that brings a transport. Only what a profile names is ever loaded.
 *
 * A file is examined before any of its code can run (the loader runs constructors): ownership and modes of
 * the file and its folders, an optional SHA-256 pin, then the image itself (whole, of this machine, exporting
 * the symbol of our major version).
 *
 * Thread: the main thread, before lanes start or between them; what is returned is constant and stays
 * loaded until the process ends.
 */
#ifndef PS_REGISTRY_H
#define PS_REGISTRY_H

#include <penstock/sdk.h>

/** Where to look for a transport, all from the profile (or [gateway]); any may be NULL. */
typedef struct ps_plugin_request {
  const char *transport;     /**< name of the transport wanted */
  const char *plugin;        /**< file that brings it; else NAME.so is looked for in the folders */
  const char *plugin_path;   /**< folders, separated by `:`, before the built-in one */
  const char *plugin_sha256; /**< pin, 64 hex digits */
} ps_plugin_request;

/** A loaded plugin file. */
typedef struct ps_plugin {
  const char *path;              /**< as loaded: absolute, links followed */
  const penstock_plugin *plugin; /**< copied into this version's layout */
} ps_plugin;

/**
 * Finds, examines and loads. On success *transport is in this host's layout (missing members NULL) and
 * *plugin (optional) tells where it came from. On failure returns a negative code and `error` (leg LOCAL,
 * class CONFIG) names the file, the fault and the way out; for an unknown name also the nearest one
 * (PENSTOCK_E_NOT_FOUND). The first file of that name counts: if it is refused, no later folder is tried.
 */
int ps_registry_find(const ps_plugin_request *request, const penstock_transport **transport, const ps_plugin **plugin,
                     penstock_error *error);
/** Loads one file by path, for `plugin show FILE`. Same checks. A file that is loaded already is not loaded again. */
int ps_registry_load(const char *path, const char *sha256, const ps_plugin **plugin, penstock_error *error);
/**
 * The folders that are searched for a request, in order, whether they exist or not; a NULL-terminated list to free
 * with ps_registry_free_list. NULL if out of memory, like the one below.
 */
char **ps_registry_folders(const ps_plugin_request *request);
/** Paths of the plugin files (*.so) in a folder, sorted; the same kind of list, empty if there is no such folder.
 * Nothing is loaded. */
char **ps_registry_files(const char *folder);
void ps_registry_free_list(char **list);

#endif

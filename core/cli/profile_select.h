/* SPDX-License-Identifier: MIT */
/**
 * @file profile_select.h
 * From the command line to a profile that can run: the files, the choice, the plugin, the settings.
 * Thread: the main thread.
 */
#ifndef PS_PROFILE_SELECT_H
#define PS_PROFILE_SELECT_H

#include "config/config.h"
#include "plugin/registry.h"

/** The profiles file and what was found wrong with it. */
typedef struct ps_profiles {
  ps_config *config;
  ps_settings *gateway; /**< [gateway]; NULL if it has fatal problems */
  ps_problems problems; /**< collected so far; the caller prints them */
} ps_profiles;

/** One profile, ready to run. */
typedef struct ps_profile {
  const char *name;                    /**< borrowed from the config */
  const penstock_transport *transport; /**< NULL if its plugin could not be loaded */
  const ps_plugin *plugin;
  ps_settings *settings; /**< NULL if there were fatal problems */
  int usable;            /**< it can run */
} ps_profile;

/** Finds, reads and checks the file that the command line names, but no profile yet. Returns 0, or a negative code if
 * there is nothing to go on with; free it in both cases. */
int ps_profiles_load(ps_profiles *profiles);
void ps_profiles_free(ps_profiles *profiles);

/**
 * Names (borrowed) of the profiles that can be run: all but the templates. Writes up to `room` of them and
 * returns how many there are.
 */
size_t ps_profiles_list(const ps_profiles *profiles, const char **names, size_t room);

/**
 * The profile that is meant: `given`, else `profile` of [gateway], else the only one. On failure NULL, a
 * complaint on standard error, and *exit_code.
 */
const char *ps_profiles_choose(const ps_profiles *profiles, const char *command, const char *given, int *exit_code);

/** The profile of that name (borrowed); NULL with `error` if there is none. */
const char *ps_profiles_find(const ps_profiles *profiles, const char *name, penstock_error *error);

/**
 * Loads the plugin of a profile and checks its settings. Problems are added to `profiles`. Returns 0 if it
 * can run. Free `profile` in both cases.
 */
int ps_profile_open(ps_profiles *profiles, const char *name, ps_profile *profile);
void ps_profile_close(ps_profile *profile);
/** Adds a problem that the transport of profile `name` has with it. It stands at the line that `error` begins with (as
 * penstock_config::get_origin gives it), else at that of the transport. */
void ps_profiles_add_problem(ps_profiles *profiles, const char *name, int is_fatal, const penstock_error *error);
/** The same for one that is fatal: the transport refuses the options. */
void ps_profiles_add_refusal(ps_profiles *profiles, const char *name, const penstock_error *error);

/**
 * Opens the log as the command line says, else [gateway] (may be NULL), else at `otherwise`. A level that
 * nobody has set gives way to `otherwise`. Returns 0, or an exit code after a complaint.
 */
int ps_cli_open_log(const ps_settings *gateway, uint32_t otherwise);
/** The same for a log that is open; if the other one cannot be had, it stays. Returns 0, or a negative code with
 * `error`. */
int ps_cli_change_log(const ps_settings *gateway, uint32_t otherwise, penstock_error *error);

#endif

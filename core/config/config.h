/* SPDX-License-Identifier: MIT */
/**
 * @file config.h
 * penstock.ini: from files to checked settings.
 *
 * Loading has two halves. ps_config_load reads the files (and what they include) into sections with their
 * places. ps_config_check then checks the [gateway] section and profiles against the option tables of the
 * core and of the transports. Problems are collected, never only the first one.
 */
#ifndef PS_CONFIG_H
#define PS_CONFIG_H

#include <penstock/sdk.h>

/** One thing that is wrong (or, as a warning, unwise) in a file. */
typedef struct ps_problem {
  char *file; /**< path as the user knows it */
  int line;   /**< 1-based; 0 = the file as a whole */
  int fatal;  /**< 0 = a warning */
  char *text; /**< what is wrong, and the nearest valid name or what to do */
} ps_problem;

/** A growing list of problems. Zero-initialise; free with ps_problems_clear. */
typedef struct ps_problems {
  ps_problem *items;
  size_t count;
} ps_problems;

/** Adds a problem; the texts are copied. */
void ps_problems_add(ps_problems *problems, int fatal, const char *file, int line, const char *format, ...)
    PENSTOCK_PRINTF(5, 6);
/** How many are fatal. */
size_t ps_problems_fatal(const ps_problems *problems);
/** Sorts by file and line, for printing. */
void ps_problems_sort(ps_problems *problems);
void ps_problems_clear(ps_problems *problems);

/** The files, read. Opaque. */
typedef struct ps_config ps_config;

/**
 * The file to read: `given` (--config), else $PENSTOCK_CONFIG, else $XDG_CONFIG_HOME/penstock/penstock.ini
 * (~/.config by default), else /etc/penstock/penstock.ini. Returns a string to free(), or NULL with a
 * problem that lists where was looked.
 */
char *ps_config_find(const char *given, ps_problems *problems);
/**
 * The same for a file that is to be written: where none is there, the one that is named, else the user's own. Returns a
 * string to free(), or NULL if out of memory or if there is no home folder.
 */
char *ps_config_find_or_new(const char *given);

/**
 * Reads `path` and what it includes. Returns NULL only if nothing could be read; with fatal problems what
 * could be read is still there. A file that others can write is refused, one that they can read warned of.
 */
ps_config *ps_config_load(const char *path, ps_problems *problems);
void ps_config_free(ps_config *config);

/** What is wrong with the name of a profile ("the name …"); NULL if nothing. */
const char *ps_config_name_fault(const char *name);

/** Path of the main file. */
const char *ps_config_path(const ps_config *config);
/** Names of the profiles (every section but [gateway]) in the order of the files. */
size_t ps_config_profile_count(const ps_config *config);
const char *ps_config_profile_name(const ps_config *config, size_t index);

/**
 * Is this profile there only for others to inherit from: it names no transport, and another one inherits
 * from it? Then there is nothing to check or run by itself.
 */
int ps_config_is_template(const ps_config *config, const char *profile);

/** The raw text of a profile's key after inheritance and expansion; NULL if unset. For what must be known before the
 * tables are (transport, plugin, plugin_path). */
const char *ps_config_raw(const ps_config *config, const char *profile, const char *key);
/** Where that text stands: the file (borrowed) and *line; NULL if it is unset. */
const char *ps_config_place(const ps_config *config, const char *profile, const char *key, int *line);

/** Checked, typed values of one section. Opaque. */
typedef struct ps_settings ps_settings;

/** A table of options, as a transport declares it. */
typedef struct ps_option_table {
  const penstock_option *options;
  uint32_t count;
} ps_option_table;

/** The core's own tables: keys of [gateway], and keys that every profile may have. */
extern const ps_option_table ps_gateway_table;
extern const ps_option_table ps_profile_table;

/** Checks [gateway]. NULL if there were fatal problems. A config without the section gives the defaults. */
ps_settings *ps_config_check_gateway(const ps_config *config, ps_problems *problems);
/**
 * Checks a profile against ps_profile_table and the transport's table. `transport` may be NULL when the
 * transport could not be loaded: then only the core's keys are checked and other keys pass.
 */
ps_settings *ps_config_check_profile(const ps_config *config, const char *profile, const penstock_transport *transport,
                                     ps_problems *problems);
/** Settings made without a file, for tests and `probe`: defaults of the tables. */
ps_settings *ps_settings_defaults(const char *profile, const penstock_transport *transport);
/**
 * Sets a declared key from elsewhere than its own section: the command line, or [gateway] for a profile.
 * `value` is checked as a file's would be. `origin` (copied) is what ps_settings_origin then says and what a
 * problem names as the file, such as "--listen". Returns 0, or PENSTOCK_E_INVALID with a problem.
 */
int ps_settings_set(ps_settings *settings, const char *key, const char *value, const char *origin,
                    ps_problems *problems);
/**
 * Sets a STRING to just this text: nothing in it is a quote or a variable, and it may go over several lines. Returns 0,
 * or a negative code: no such STRING, or out of memory.
 */
int ps_settings_set_exact(ps_settings *settings, const char *key, const char *text);
void ps_settings_free(ps_settings *settings);
/**
 * Tells each key that has another value in `after`, wherever it is written; one that only one of them declares counts
 * if it is set. `flags`: those of its option in both (enum penstock_option_flag).
 */
void ps_settings_compare(const ps_settings *before, const ps_settings *after,
                         void (*changed)(void *context, const char *key, uint32_t flags), void *context);

/** Values; `key` must be declared. Unset: NULL, or `otherwise`. Durations are in milliseconds. */
const char *ps_settings_string(const ps_settings *settings, const char *key);
int64_t ps_settings_int(const ps_settings *settings, const char *key, int64_t otherwise);
const char *ps_settings_item(const ps_settings *settings, const char *key, uint32_t index);
/** "file:line" of the value, NULL for a default. */
const char *ps_settings_origin(const ps_settings *settings, const char *key);
/** The view that a transport's create() is lent. Valid as long as the settings. */
const penstock_config *ps_settings_abi(const ps_settings *settings);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file option.h
 * Options are declared, not parsed: from one table the host checks the profile, prints
 * `penstock plugin show`, and generates the manual, completions and schema.
 */
#ifndef PENSTOCK_OPTION_H
#define PENSTOCK_OPTION_H

#include "base.h"

/**
 * The type of an option's value. `${ENV}` is expanded in all of them. A relative PATH counts from the folder of
 * the profile file that it is written in (a default counts as it is). An empty text unsets a STRING, PATH, LIST
 * or ENV, also one with a default, and is an error for the others. The port of an ADDRESS is 1..65535; with
 * `max` 65535 and `min` 0 it may be 0 too.
 */
enum penstock_option_type {
  PENSTOCK_OPTION_STRING = 1,   /**< text; read with get_string */
  PENSTOCK_OPTION_INT = 2,      /**< whole number within [min, max]; get_int */
  PENSTOCK_OPTION_BOOL = 3,     /**< yes/no, true/false, on/off, 1/0; get_int gives 1 or 0 */
  PENSTOCK_OPTION_CHOICE = 4,   /**< one of `choices`; get_string gives the word */
  PENSTOCK_OPTION_DURATION = 5, /**< number with ms, s, m or h (bare = s); get_int, min and max in milliseconds */
  PENSTOCK_OPTION_PATH = 6,     /**< file-system path, `~` and `${ENV}` expanded on THIS machine; get_string */
  PENSTOCK_OPTION_ADDRESS = 7,  /**< host:port, [v6]:port or a bare port (on 127.0.0.1); get_string gives host:port */
  PENSTOCK_OPTION_LIST = 8,     /**< words separated by commas or new lines; get_item(0..) until NULL */
  PENSTOCK_OPTION_ENV = 9       /**< NAME=value items, one a line or comma-separated; get_item(0..) until NULL */
};

/** Flags of an option. */
enum penstock_option_flag {
  PENSTOCK_OPTION_REQUIRED = 1u << 0,   /**< the profile must set it */
  PENSTOCK_OPTION_SECRET = 1u << 1,     /**< the value is a secret reference; never printed */
  PENSTOCK_OPTION_LIVE = 1u << 2,       /**< a reload may change it without a reconnect: see penstock_config */
  PENSTOCK_OPTION_DEPRECATED = 1u << 3, /**< still read; the user is told what replaces it (in help) */
  PENSTOCK_OPTION_FAR_PATH = 1u << 4    /**< STRING that is a path on the solver's host: `~` is left to the far side */
};

/** One declared option. All pointers stay valid as long as the plugin is loaded. */
typedef struct penstock_option {
  uint32_t struct_size;       /**< sizeof(penstock_option); also the stride of the table */
  uint32_t type;              /**< enum penstock_option_type */
  uint32_t flags;             /**< enum penstock_option_flag, or-ed */
  uint32_t reserved;          /**< 0 */
  const char *key;            /**< lower-case words joined by `_`; at most 48 bytes */
  const char *default_value;  /**< as a user would write it; NULL = unset */
  const char *help;           /**< one sentence for the user, with the unit where there is one */
  int64_t min;                /**< INT and DURATION (ms): smallest value; both 0 = no range */
  int64_t max;                /**< INT and DURATION (ms): largest value */
  const char *const *choices; /**< CHOICE: NULL-terminated words; else NULL */
} penstock_option;

/**
 * The checked values of one profile, lent to create(). Borrowed: valid until destroy() returns.
 * Thread: the lane's. Values are of the declared type, in range, defaults filled in. One that is declared LIVE may be
 * another one each time it is asked for; texts that were given stay valid all the same.
 */
typedef struct penstock_config {
  uint32_t struct_size; /**< sizeof(penstock_config) */
  uint32_t reserved;    /**< 0 */
  const void *impl;     /**< the host's own */
  const char *profile;  /**< name of the profile */

  /** Text of an option; NULL if it is unset or not of a text type. */
  const char *(*get_string)(const struct penstock_config *config, const char *key);
  /** Number of an INT, BOOL (0/1) or DURATION (ms); `otherwise` if it is unset. */
  int64_t (*get_int)(const struct penstock_config *config, const char *key, int64_t otherwise);
  /** Item `index` of a LIST or ENV; NULL past the end. */
  const char *(*get_item)(const struct penstock_config *config, const char *key, uint32_t index);
  /** Where the value was set, as "file:line"; NULL for a default. For messages. */
  const char *(*get_origin)(const struct penstock_config *config, const char *key);
} penstock_config;

#endif

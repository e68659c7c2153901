/* SPDX-License-Identifier: MIT */
/**
 * @file value.h
 * From the text of one option to its typed value. Private to core/config.
 */
#ifndef PS_VALUE_H
#define PS_VALUE_H

#include "base/text.h"
#include "config/config.h"
#include "config/place.h"

/** Private flag of the core's own tables: STRING that is a list of folders separated by `:`, each a path. */
#define PS_OPTION_FOLDERS (1u << 31)
/** … and: INT that may also be the word `auto`, which is then its text. */
#define PS_OPTION_AUTO (1u << 30)

/** A typed value. Zero-initialise; ps_value_clear. */
typedef struct ps_value {
  char *text;     /**< STRING, CHOICE, PATH, ADDRESS; NULL = unset */
  int64_t number; /**< INT, BOOL, DURATION (ms) */
  int has_number;
  char **items; /**< LIST, ENV */
  size_t count;
} ps_value;

/**
 * Parses `text` as a value of `option` into `value` (cleared first). Relative paths count from the folder of
 * `place.file`. All faults become problems that begin with the option's key. Returns 0, or PENSTOCK_E_INVALID.
 * An empty text unsets a STRING, PATH, LIST or ENV, and is wrong for the others.
 */
int ps_value_parse(const penstock_option *option, const char *text, ps_place place, ps_value *value,
                   ps_problems *problems);
void ps_value_clear(ps_value *value);
/** Is a value there? */
int ps_value_is_set(const ps_value *value);

/**
 * Splits a LIST or ENV text: items are separated by commas and new lines; `"…"` at an item's start or after
 * its `=` protects commas, with `\"` and `\\` inside. Calls `item` for each with its line (0-based, within the
 * text). Returns 0, or PENSTOCK_E_INVALID with `fault` and the line of it in *fault_line.
 */
int ps_list_split(const char *text, int (*item)(void *context, const char *item, int line), void *context,
                  ps_text *fault, int *fault_line);
/** Adds a scalar text without the quotes around it, if it has them. Returns 0, or PENSTOCK_E_INVALID with `fault`. */
int ps_unquote(const char *text, ps_text *out, ps_text *fault);

/** Reads a duration in ms, such as "1.5s". Returns 0, or PENSTOCK_E_INVALID with `fault`. */
int ps_duration_parse(const char *text, int64_t *ms, ps_text *fault);
/** Adds a duration as a person would write it. */
void ps_duration_add(ps_text *text, int64_t ms);
/** Checks an address and adds it as host:port. `any_port`: port 0 is allowed. Returns 0, or PENSTOCK_E_INVALID. */
int ps_address_parse(const char *text, int any_port, ps_text *out, ps_text *fault);

#endif

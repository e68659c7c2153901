/* SPDX-License-Identifier: MIT */
/**
 * @file settings.h
 * The inside of ps_settings. Private to core/config.
 */
#ifndef PS_SETTINGS_H
#define PS_SETTINGS_H

#include "config/value.h"

/** One declared option and its value. */
typedef struct ps_slot {
  penstock_option option; /**< in this version's layout */
  ps_value value;
  ps_place place; /**< where the value was set; good while the ps_config is there */
  char *origin;   /**< the same as "file:line"; NULL = a default, or unset */
} ps_slot;

struct ps_settings {
  penstock_config abi; /**< abi.impl is this struct */
  char *profile;
  ps_slot *slots;
  size_t count;
};

/** Makes settings with a slot for each option of the tables, all unset. NULL if out of memory. */
ps_settings *ps_settings_create(const char *profile, const ps_option_table *core, const penstock_transport *transport,
                                ps_problems *problems);
/** The slot of a key; NULL if no table declares it. */
ps_slot *ps_settings_slot(const ps_settings *settings, const char *key);
/** Fills in the slot's default. */
int ps_slot_default(ps_slot *slot, ps_problems *problems);
/** Fills in the slot from a text. */
int ps_slot_set(ps_slot *slot, const char *text, ps_place place, ps_problems *problems);
/** Checks what no type can say, and what holds between the values of a profile. */
void ps_settings_check_together(const ps_settings *settings, ps_problems *problems);

#endif

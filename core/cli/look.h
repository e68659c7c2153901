/* SPDX-License-Identifier: MIT */
/**
 * @file look.h
 * A transport's own look at a profile, for `penstock check`: it makes an instance, which connects nowhere.
 * Thread: the main thread.
 */
#ifndef PS_LOOK_H
#define PS_LOOK_H

#include "cli/profile_select.h"

/** How what was found is shown on standard output. */
typedef enum ps_look_form {
  PS_LOOK_SILENT, /**< not at all */
  PS_LOOK_TEXT,   /**< a line each */
  PS_LOOK_JSON    /**< {"event":"found","profile","name","text"} each */
} ps_look_form;

/** Looks; what is wrong is added to the problems of `profiles`. */
void ps_look(ps_profiles *profiles, const ps_profile *profile, ps_look_form form);

#endif

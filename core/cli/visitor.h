/* SPDX-License-Identifier: MIT */
/**
 * @file visitor.h
 * An instance of a transport outside any lane, for a command that asks it one thing and goes.
 * Thread: the main thread.
 */
#ifndef PS_VISITOR_H
#define PS_VISITOR_H

#include "cli/profile_select.h"

/**
 * Makes an instance of the profile's transport on a loop of its own, calls `visit` (NULL = nothing is asked), and
 * takes all down again. The instance is not connected; steps and streams are not offered. Returns what `visit`
 * returns (an exit code; 0 for none); if no instance could be made, an exit code, with the reason in `error`, whose
 * `what` is empty otherwise.
 */
int ps_visit_instance(const ps_profile *profile,
                      int (*visit)(void *context, penstock_instance *instance, const ps_profile *profile),
                      void *context, penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file other_profile.h
 * Another profile for a gateway that runs, out of files that are read anew.
 * Thread: the main thread.
 */
#ifndef PS_OTHER_PROFILE_H
#define PS_OTHER_PROFILE_H

#include "gateway/gateway.h"

/**
 * Reads the file that the command line names and finds the profile `name` in it; `listen` (NULL = none) counts instead
 * of what it says. Returns 0, and *found is to be released; or a negative code with `error`, which names the file and
 * the line of the first fault.
 */
int ps_profile_find_other(const char *name, const char *listen, ps_gateway_profile *found, penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file other_profile.h
 * Profiles for a gateway that runs, out of files that are read anew.
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
/**
 * The same for a reload: nothing may be wrong with any other profile either. *common gets [gateway], which is then the
 * caller's to free.
 */
int ps_profile_read_anew(const char *name, const char *listen, ps_gateway_profile *found, ps_settings **common,
                         penstock_error *error);

#endif

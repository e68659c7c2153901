/* SPDX-License-Identifier: MIT */
/**
 * @file follow.h
 * Requests whose answer takes as long as a profile takes to connect: the way is shown meanwhile.
 * Thread: the main thread.
 */
#ifndef PS_FOLLOW_H
#define PS_FOLLOW_H

#include "cli/gateways.h"

/**
 * Asks a gateway, and shows the legs of the profile that comes: as lines, or as JSON objects with `gateway` if `json`.
 * The reference to `fields` (may be NULL) is taken. Returns as ps_control_client_ask. *is_open: it has failed, and the
 * gateway may do what it was asked yet, or may have done it.
 */
int ps_gateway_follow(ps_gateway_found *gateway, const char *request, json_t *fields, int json, int *is_open,
                      json_t **result, penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file secret.h
 * Secrets behind references; see ps_secret_get in prompt.h for the short form.
 *
 *   env:NAME       an environment variable of the gateway
 *   file:PATH      a file that only its owner can read; `~/` is the home folder; one trailing newline is cut
 *   command:CMD    what a command writes, run by /bin/sh without a terminal, within 30 s; one trailing newline is cut
 *   prompt         asks the user, every time
 *   prompt:TEXT    asks the user with this text, and keeps the answer (see penstock_host::prompt) under the
 *                  reference as its key
 */
#ifndef PS_SECRET_H
#define PS_SECRET_H

#include <penstock/sdk.h>

/** As ps_secret_get; answers of `prompt:TEXT` are kept for `scope` (a profile's name) alone. */
int32_t ps_secret_get_for(const char *scope, const char *reference, char *secret, size_t secret_size,
                          penstock_error *error);

#endif

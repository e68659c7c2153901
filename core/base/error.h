/* SPDX-License-Identifier: MIT */
/**
 * @file error.h
 * Errors that come across the ABI, taken into this host's own struct.
 */
#ifndef PS_ERROR_H
#define PS_ERROR_H

#include <penstock/sdk.h>

/**
 * Copies an error that a plugin made: as far as its struct reaches, every text terminated. An error that
 * says nothing becomes an INTERNAL one, so that a failure is never silent. `from` may be NULL.
 */
void ps_error_import(penstock_error *to, const penstock_error *from);

#endif

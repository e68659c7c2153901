/* SPDX-License-Identifier: MIT */
/**
 * @file vault.h
 * Answers that are kept for the gateway's life: in memory that is not swapped, not dumped, and wiped at exit.
 * Thread-safe.
 */
#ifndef PS_VAULT_H
#define PS_VAULT_H

#include <stddef.h>
#include <stdint.h>

/**
 * Keeps a copy of `secret` for `key`, in place of an earlier one. Returns PENSTOCK_E_LIMIT, and keeps nothing, if
 * the system refuses to lock the memory.
 */
int32_t ps_vault_put(const char *key, const char *secret);
/** Copies the kept answer. PENSTOCK_E_NOT_FOUND, or PENSTOCK_E_LIMIT if it does not fit. */
int32_t ps_vault_get(const char *key, char *secret, size_t size);
/** Wipes and forgets one; NULL = all. */
void ps_vault_forget(const char *key);

#endif

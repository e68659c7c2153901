/* SPDX-License-Identifier: MIT */
/**
 * @file host_table.h
 * A host table in front of another one: each slot passes its call on. Whoever lends it replaces the slots that it wants
 * to answer itself, such as a carrier that has the one below it try a stream, and tries another way when that fails.
 *
 * Thread: as the table behind it.
 */
#ifndef TRANSPORTS_HOST_TABLE_H
#define TRANSPORTS_HOST_TABLE_H

#include <penstock/sdk.h>

typedef struct host_table {
  penstock_host host; /**< to be lent; its `impl` is this struct, also where others have copied the table */
  const penstock_host *behind;
  void *context; /**< of the slots that its user has replaced */
} host_table;

/** Passes everything on to `behind`, which must outlive it. What `behind` lacks is NULL. */
void host_table_init(host_table *table, const penstock_host *behind, void *context);

/** For replaced slots: the table that `host` is, or is a copy of. */
static inline host_table *host_table_of(const penstock_host *host) {
  return (host_table *)host->impl;
}

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file local_open.h
 * Opening streams from this machine: look the name up, try its addresses in turn, hand the socket over.
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_LOCAL_OPEN_H
#define TRANSPORTS_LOCAL_OPEN_H

#include <penstock/sdk.h>

/** One open that is under way; a list of them is its head. Opaque. */
typedef struct local_open local_open;

/** Begins one (see penstock_transport::open_stream); may complete `open` before it returns. `deadline_ms` 0 = none. */
void local_open_begin(local_open **list, const penstock_host *host, penstock_open *open, const char *name,
                      uint16_t port, uint64_t deadline_ms);
/** Ends one early, completing `open` with class CANCELLED. Nothing if it is not in the list. */
void local_open_end(local_open **list, penstock_open *open);
/** Frees all; completes none. */
void local_open_clear(local_open **list);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file container_inspect.h
 * What `docker inspect` and `podman inspect` say of a container, for container_view.h. Known to differ: podman has
 * `State.ConmonPid`, a state "stopped", `Running` false while it is paused, the shared ports of a shared network, and
 * no `Networks` in the host's; docker has a slash before the name, two entries for a port on all interfaces, and none
 * in `IPAddress` on networks of the user. Pure. Thread: any.
 */
#ifndef TRANSPORTS_CONTAINER_INSPECT_H
#define TRANSPORTS_CONTAINER_INSPECT_H

#include "common/container/container_view.h"

/**
 * Reads the container itself: all of the view that inspect knows. `port` is the solver's. Returns 0; or
 * PENSTOCK_E_INVALID with the reason in `why` if this is no answer of an engine's.
 */
int container_inspect_read(container_view *view, const char *json, size_t size, uint16_t port, char why[160]);
/** Reads the container whose network it shares: ports, addresses, what network it is. `port` is the solver's. */
int container_inspect_read_shared(container_view *view, const char *json, size_t size, uint16_t port, char why[160]);

/** Adds an address if there is room, it is numeric, and it is not there yet. Returns 1 if it is there now. */
int container_addresses_add(container_addresses *addresses, const char *host, uint16_t port, const char *network);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file container_paths.h
 * The ways to the solver in a container, in the order in which they are tried, with the reason why one cannot be.
 * Pure. Thread: any.
 */
#ifndef TRANSPORTS_CONTAINER_PATHS_H
#define TRANSPORTS_CONTAINER_PATHS_H

#include "common/container/container_settings.h"
#include "common/container/container_view.h"

typedef enum container_way {
  CONTAINER_WAY_PUBLISHED, /**< the published port, on the engine's machine */
  CONTAINER_WAY_BRIDGE,    /**< the container's own address, from the engine's machine; host network: its loopback */
  CONTAINER_WAY_EXEC       /**< a command in the container that carries the stream */
} container_way;

typedef struct container_path {
  container_way way;
  int is_host_network;          /**< BRIDGE: the container has the network of the engine's machine */
  int is_own_port;              /**< it would lead to the gateway itself, which why_not tells */
  int is_doubted;               /**< it connects and leads nowhere (container_lessons.h), which why_not tells */
  char host[ADDRESS_HOST_SIZE]; /**< EXEC: as seen inside the container. "" if there is none, which why_not tells */
  uint16_t port;
  char why_not[256]; /**< why it is of no use, in the user's words; "" = it can be tried */
} container_path;

/** The why_not of a way that did not answer while there was time. */
#define CONTAINER_NO_ANSWER "no answer in time"

/** Paths at most. */
#define CONTAINER_PATHS_MAX (2 * CONTAINER_ADDRESSES_MAX + 1)

typedef struct container_paths {
  container_path items[CONTAINER_PATHS_MAX];
  size_t count;
} container_paths;

/**
 * All ways to `settings->port` of a running container, in order: published (on a loopback address, then on all, then on
 * another one), the container's own addresses, exec; IPv4 before IPv6. At least one of each kind that `reach` allows,
 * so that a report can name them all. A way that the solver's listener (if it is known) cannot be reached by has a
 * why_not: one on the container's loopback alone is no use to PUBLISHED and BRIDGE. While nobody listens, ways are not
 * judged by it: that there is no solver is for the caller to see.
 */
void container_paths_find(container_paths *paths, const container_view *view, const container_settings *settings);

/**
 * The address that a solver should bind to be reached by `path`: "0.0.0.0" for PUBLISHED ("::" where the container has
 * IPv6 addresses alone), the container's own address for BRIDGE, "127.0.0.1" for EXEC and in the host's network.
 */
const char *container_paths_bind(const container_path *path, const container_view *view);

/**
 * For messages and legs: "published port 127.0.0.1:19090", "container address 172.17.0.2:9090", "the host's own network
 * (127.0.0.1:9090)", "exec (127.0.0.1:9090)".
 */
void container_path_name(const container_path *path, char *text, size_t size);

/**
 * The error when nothing worked: each path with its `why_not`, to which the caller has added how tries ended. Leg
 * ENDPOINT, class TRANSIENT. `where` is that of the carrier below ("this machine", "gpu01"). `what` has each kind of
 * way in short, `detail` each path on a line of its own. Keeps the words that users know ("Docker port 9090 is not
 * exposed on container 'X'") where the port is not published, and says the most useful next step.
 */
void container_paths_report(const container_paths *paths, const container_view *view,
                            const container_settings *settings, const char *where, penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file metrics_place.h
 * The UNIX socket on which figures can be asked for. For metrics.c; the platform is behind it.
 */
#ifndef PS_METRICS_PLACE_H
#define PS_METRICS_PLACE_H

#include <penstock/sdk.h>

/** A UNIX socket that was made. Zero-initialise. */
typedef struct ps_metrics_place {
  char path[108]; /**< "" = none */
  uint64_t device;
  uint64_t inode;
} ps_metrics_place;

/** Listens at a path, for the user alone, in place of a socket that nobody listens on any more. Returns 0 with `place`,
 * or a negative code with `error`. */
int ps_metrics_listen_at_path(const char *path, int backlog, penstock_socket *listening, ps_metrics_place *place,
                              penstock_error *error);
/** Takes its name away, unless somebody has put another socket in its place meanwhile. */
void ps_metrics_leave_path(ps_metrics_place *place);

#endif

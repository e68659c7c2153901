/* SPDX-License-Identifier: MIT */
/**
 * @file container_way.h
 * What a transport of containers tells of the way that its streams take (penstock/way.h). Thread: the lane's.
 */
#ifndef TRANSPORTS_CONTAINER_WAY_H
#define TRANSPORTS_CONTAINER_WAY_H

#include "common/instance.h"

/**
 * penstock_transport::get_extension, for an instance whose topmost carrier is a container: "penstock.way/1", and what
 * instance_extension has.
 */
const void *container_way_extension(penstock_instance *instance, const char *name);

#endif

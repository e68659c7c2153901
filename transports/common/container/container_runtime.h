/* SPDX-License-Identifier: MIT */
/**
 * @file container_runtime.h
 * The solver in a container. Where the profile has a `root`, the process runtime launches it inside, bound to what the
 * way to it needs; where it has none, the container's own command is the solver, and launching means to see to it that
 * the container runs and to wait until somebody listens.
 *
 * Thread: the lane's. Its slots are those of runtime.h.
 */
#ifndef TRANSPORTS_CONTAINER_RUNTIME_H
#define TRANSPORTS_CONTAINER_RUNTIME_H

#include "common/runtime.h"

#include "common/carrier.h"

/** `inside` is a container carrier, and must outlive it. NULL with `error` on failure. */
solver_runtime *container_runtime_create(carrier *inside, const penstock_config *config, penstock_error *error);

#endif

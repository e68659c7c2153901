/* SPDX-License-Identifier: MIT */
/**
 * @file instance.h
 * An instance of a built-in transport: a carrier joined to a runtime. All of them have these slots; what differs is
 * which carrier, which runtime and which options, and that is what a transport's own file says.
 *
 * Thread: the lane's. Each plugin has its own copy of the code.
 */
#ifndef TRANSPORTS_INSTANCE_H
#define TRANSPORTS_INSTANCE_H

#include "common/carrier.h"
#include "common/runtime.h"

struct penstock_instance {
  const penstock_host *host;
  carrier *carrier;        /**< the topmost, where carriers are stacked; its destroy() ends those below it */
  solver_runtime *runtime; /**< NULL while the instance is being made */
  penstock_op *connecting; /**< the connect that runs; NULL: none */
  void *own;               /**< what the transport keeps along with it; freed last by `free_own`. May be NULL */
  void (*free_own)(void *own);
};

/**
 * Makes an instance without a runtime over `link`, which becomes the instance's, also on failure. NULL with `error`
 * if `link` is NULL (whose maker has filled in `error`) or memory is out.
 */
penstock_instance *instance_create(const penstock_host *host, carrier *link, penstock_error *error);
/** The end of create(): hands out an instance that has its `runtime`, or frees it if that is NULL. Returns create()'s.
 */
int32_t instance_finish(penstock_instance *instance, solver_runtime *runtime, penstock_instance **out);

/** The slots of penstock_transport of these names. */
void instance_destroy(penstock_instance *instance);
void instance_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void instance_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void instance_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void instance_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void instance_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void instance_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void instance_cancel(penstock_instance *instance, penstock_op *op);
void instance_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms);
void instance_cancel_open(penstock_instance *instance, penstock_open *open);

/** get_extension of a transport that has none of its own: what holds of all carriers. */
const void *instance_extension(penstock_instance *instance, const char *name);

/** All of them but create and get_extension, for a transport's table. */
#define INSTANCE_SLOTS                                                                                                 \
  .destroy = instance_destroy, .connect = instance_connect, .validate = instance_validate, .launch = instance_launch,  \
  .ready = instance_ready, .stop = instance_stop, .identify = instance_identify, .cancel = instance_cancel,            \
  .open_stream = instance_open_stream, .cancel_open = instance_cancel_open

#endif

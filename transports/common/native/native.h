/* SPDX-License-Identifier: MIT */
/**
 * @file native.h
 * A solver on this machine, which runs Windows: for the transports `winnative` and `local`. The table of `winnative` is
 * the same everywhere, so that a profile can be checked on any machine; what it does is there on Windows alone
 * (native_win.c).
 *
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_NATIVE_NATIVE_H
#define TRANSPORTS_NATIVE_NATIVE_H

#include <penstock/sdk.h>

typedef enum native_kind {
  NATIVE_BUNDLE, /**< a solver that brings its Python (winnative) */
  NATIVE_PLAIN   /**< any other one (local) */
} native_kind;

/** A transport's create() with the kind of its solver. Where the system is another one it fails and says so. */
int32_t native_create(const penstock_host *host, const penstock_config *config, native_kind kind,
                      penstock_instance **instance, penstock_error *error);
/** The slots of penstock_transport of these names. */
void native_destroy(penstock_instance *instance);
void native_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void native_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void native_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void native_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void native_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void native_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void native_cancel(penstock_instance *instance, penstock_op *op);
void native_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms);
void native_cancel_open(penstock_instance *instance, penstock_open *open);
const void *native_extension(penstock_instance *instance, const char *name);

/** All of them but create, for a transport's table. */
#define NATIVE_SLOTS                                                                                                   \
  .destroy = native_destroy, .connect = native_connect, .validate = native_validate, .launch = native_launch,          \
  .ready = native_ready, .stop = native_stop, .identify = native_identify, .cancel = native_cancel,                    \
  .open_stream = native_open_stream, .cancel_open = native_cancel_open, .get_extension = native_extension

#endif

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

/** The slots of penstock_transport of these names. Where the system is another one, create fails and says so. */
int32_t native_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                      penstock_error *error);
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

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file winnative.h
 * The transport `winnative`: a solver on this machine, which runs Windows. Its table is the same everywhere, so that a
 * profile can be checked on any machine; what it does is there on Windows alone (winnative_win.c).
 *
 * Thread: the lane's.
 */
#ifndef WINNATIVE_WINNATIVE_H
#define WINNATIVE_WINNATIVE_H

#include <penstock/sdk.h>

/** The slots of penstock_transport of these names. Where the system is another one, create fails and says so. */
int32_t winnative_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                         penstock_error *error);
void winnative_destroy(penstock_instance *instance);
void winnative_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void winnative_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void winnative_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void winnative_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void winnative_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void winnative_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void winnative_cancel(penstock_instance *instance, penstock_op *op);
void winnative_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms);
void winnative_cancel_open(penstock_instance *instance, penstock_open *open);

#endif

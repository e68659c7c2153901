/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_transport.h
 * A whole transport over SSH with the solver as a plain process, but for where the host comes from: what the
 * transports `ssh` and `ssh-command` have in common.
 */
#ifndef TRANSPORTS_SSH_TRANSPORT_H
#define TRANSPORTS_SSH_TRANSPORT_H

#include "common/process_runtime.h"
#include "common/ssh/ssh_link.h"

/** An instance; each plugin with this transport has its own copy of the code. */
struct penstock_instance {
  ssh_link *link;
  process_runtime *runtime;
  void *own; /**< what the transport keeps along with it; freed last by `free_own`. May be NULL */
  void (*free_own)(void *own);
};

/**
 * Makes an instance for the host of `request`, whose contents become the link's, unless it fails. `config` must outlive
 * the instance. Returns 0, or a negative code with `error`.
 */
int32_t ssh_transport_create(const penstock_host *host, const penstock_config *config, ssh_request *request,
                             penstock_instance **instance, penstock_error *error);

/** The slots of penstock_transport of these names, and get_extension for the optional parts that links over SSH have.
 */
void ssh_transport_destroy(penstock_instance *instance);
void ssh_transport_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void ssh_transport_validate(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void ssh_transport_launch(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void ssh_transport_ready(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void ssh_transport_stop(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void ssh_transport_identify(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
void ssh_transport_cancel(penstock_instance *instance, penstock_op *op);
void ssh_transport_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms);
void ssh_transport_cancel_open(penstock_instance *instance, penstock_open *open);
const void *ssh_transport_extension(penstock_instance *instance, const char *name);

/** All of them but create and get_extension, for a transport's table. */
#define SSH_TRANSPORT_SLOTS                                                                                            \
  .destroy = ssh_transport_destroy, .connect = ssh_transport_connect, .validate = ssh_transport_validate,              \
  .launch = ssh_transport_launch, .ready = ssh_transport_ready, .stop = ssh_transport_stop,                            \
  .identify = ssh_transport_identify, .cancel = ssh_transport_cancel, .open_stream = ssh_transport_open_stream,        \
  .cancel_open = ssh_transport_cancel_open

#endif

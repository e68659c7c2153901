/* SPDX-License-Identifier: MIT */
/**
 * @file runtime.h
 * What holds the solver on its machine: a plain process (process_runtime.h) or a container (container/). The steps are
 * those of penstock_transport of the same names, written against a carrier.
 *
 * Thread: the lane's. Each step completes its op through the carrier's host exactly once.
 */
#ifndef TRANSPORTS_RUNTIME_H
#define TRANSPORTS_RUNTIME_H

#include <penstock/sdk.h>

typedef struct solver_runtime solver_runtime;

typedef struct solver_runtime_ops {
  void (*validate)(solver_runtime *self, penstock_op *op, uint64_t deadline_ms);
  void (*launch)(solver_runtime *self, penstock_op *op, uint64_t deadline_ms);
  void (*ready)(solver_runtime *self, penstock_op *op, uint64_t deadline_ms);
  void (*stop)(solver_runtime *self, penstock_op *op, uint64_t deadline_ms);
  void (*identify)(solver_runtime *self, penstock_op *op, uint64_t deadline_ms);
  /** How has the solver ended? The two of penstock_end_ext. */
  void (*end_look)(solver_runtime *self, penstock_op *op, uint64_t deadline_ms);
  uint32_t (*end_how)(solver_runtime *self, penstock_error *error);
  /** Asks a step to end early; nothing if it is not one of its own. */
  void (*cancel)(solver_runtime *self, penstock_op *op);
  /** Opens a stream to the solver (penstock_transport::open_stream). */
  void (*open)(solver_runtime *self, penstock_open *open, uint64_t deadline_ms);
  /** Opens the solver's log (penstock_exec_ext::open_log). */
  void (*open_log)(solver_runtime *self, penstock_open *open, const penstock_command *command, uint64_t deadline_ms);
  /** Asks for an early end of any open. */
  void (*open_cancel)(solver_runtime *self, penstock_open *open);
  /**
   * Calls nothing back; a launched solver goes on. A script that still runs is the carrier's to end: destroy that in
   * the same turn of the loop, before it could call back.
   */
  void (*destroy)(solver_runtime *self);
} solver_runtime_ops;

/** First member of each kind of runtime. */
struct solver_runtime {
  const solver_runtime_ops *ops;
};

#endif

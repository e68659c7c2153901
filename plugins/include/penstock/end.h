/* SPDX-License-Identifier: MIT */
/**
 * @file end.h
 * Optional part of a transport, "penstock.end/1": for one that can find out how a solver that it has launched has
 * ended. The host asks before it launches another one: `restart = on-failure` leaves one alone that has ended well, and
 * the user is told of one that has not. Without this part every end counts as a failure.
 */
#ifndef PENSTOCK_END_H
#define PENSTOCK_END_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_END "penstock.end/1"

/** How a solver has ended. */
typedef enum penstock_end {
  PENSTOCK_END_UNKNOWN = 0, /**< nobody knows, or it runs */
  PENSTOCK_END_CLEAN = 1,   /**< by itself, with exit status 0 */
  PENSTOCK_END_FAILED = 2   /**< with another status, by a signal, for want of memory … */
} penstock_end;

/** The extension. */
typedef struct penstock_end_ext {
  uint32_t struct_size; /**< sizeof(penstock_end_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * A step like those of penstock_transport, which penstock_transport::cancel ends early: finds out how the solver
   * ended that was launched last at the endpoint, and changes nothing. An error means that it could not be asked.
   * Called on the lane's thread, on a connected instance, when nobody listens at the endpoint any more.
   */
  void (*look)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
  /**
   * What the last look has found: a penstock_end, and in `error`, unless it is UNKNOWN, what happened ("the solver (pid
   * 4242) was ended by signal 9"), what to do next, and in `detail` the end of its log. Returns at once. Called on the
   * lane's thread after a look that has succeeded.
   */
  uint32_t (*how)(penstock_instance *instance, penstock_error *error);
} penstock_end_ext;

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file fake_transport.h
 * A transport whose every step does what a test says, with a real little server behind it: for faults that
 * no real transport can be made to show.
 */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include <stdatomic.h>

#include <penstock/sdk.h>

/** What a step does. */
typedef enum fake_answer {
  FAKE_OK,       /**< completes at once, from inside the slot */
  FAKE_LATER,    /**< completes 20 ms later */
  FAKE_TWICE,    /**< completes twice */
  FAKE_FAIL,     /**< fails with fake.error_leg and fake.error_class */
  FAKE_NEVER,    /**< completes only when it is cancelled */
  FAKE_STUBBORN, /**< does not even complete then */
  FAKE_LINK_LOST /**< loses the link instead */
} fake_answer;

/** Set by the test, read and counted by the lane's thread. */
typedef struct fake_control {
  atomic_int connect;    /**< fake_answer */
  atomic_int launch;     /**< fake_answer */
  atomic_int ready;      /**< fake_answer */
  atomic_int fail_opens; /**< so many opens fail as TRANSIENT first */
  atomic_int listening;  /**< 0 = opens are refused; set by launch */
  atomic_uint error_leg;
  atomic_uint error_class;
  atomic_int connects, validates, launches, readies, stops, opens, destroys, cancels; /**< counts */
} fake_control;

extern fake_control fake;
extern const penstock_transport fake_transport;

/** Starts the server that answers each connection, after its end of input, with a TCMD answer. */
void fake_server_start(void);
void fake_server_stop(void);
/** Everything works, nothing counted. */
void fake_reset(void);

#endif

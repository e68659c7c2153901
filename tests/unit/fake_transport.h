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

/** What the server does with a connection, once its input has ended. */
typedef enum fake_server {
  FAKE_ANSWERS, /**< answers and closes */
  FAKE_CLOSES,  /**< closes without a byte, as a forwarder with nobody behind it may */
  FAKE_RESETS,  /**< resets without a byte, as it may too */
  FAKE_MUTE,    /**< leaves it open without a byte */
  FAKE_WAITS    /**< answers once fake.goes_on is set; for a server that is side_by_side */
} fake_server;

/** Set by the test, read and counted by the lane's and the server's thread. */
typedef struct fake_control {
  atomic_int connect;           /**< fake_answer */
  atomic_int launch;            /**< fake_answer */
  atomic_int ready;             /**< fake_answer */
  atomic_int identify;          /**< fake_answer */
  atomic_int stop;              /**< fake_answer */
  atomic_int end;               /**< penstock_end of the solver that has ended; -1 = it has no such extension */
  atomic_int end_look;          /**< fake_answer */
  atomic_int stop_ends;         /**< a stop ends what listens */
  atomic_int fail_opens;        /**< so many opens fail as TRANSIENT first */
  atomic_int fail_leg;          /**< with this leg; 0 = STREAM */
  atomic_int late_opens;        /**< so many opens fail as TRANSIENT first, after 2.1 s */
  atomic_int late_leg;          /**< … with this leg; 0 = CONTAINER */
  atomic_int dead_opens;        /**< so many opens are done after 200 ms, with a far side that has ended */
  atomic_int stuck_opens;       /**< so many opens end first only when they are cancelled */
  atomic_ullong open_limits[8]; /**< what the first opens were given, in ms */
  atomic_ullong identify_limit; /**< what identify was given */
  atomic_int fail_validates;    /**< so many validates fail as they were told first */
  atomic_int tells_end;         /**< the next validate finds out that the solver has ended, and tells it */
  atomic_int listening;         /**< 0 = opens are refused; set by a launch that does not fail */
  atomic_int for_clients, for_questions; /**< fake_server; FAKE_ANSWERS by a launch that does not fail */
  atomic_int goes_on, waits;             /**< FAKE_WAITS: shall they go on; how many wait, now */
  atomic_int after_launch;               /**< fake_server for questions, once a launch has not failed */
  atomic_int fail_class;                 /**< class of failed opens; 0 = TRANSIENT */
  atomic_int dead_ways;                  /**< so many doubts have another way; the last of them leads to a solver */
  atomic_int doubted;                    /**< what the last doubt was */
  atomic_int has_words;                  /**< the transport blames the only way that is left */
  _Atomic(const char *) way;             /**< by which streams go, as it says; NULL = it has no such extension */
  atomic_int side_by_side;               /**< the server has a thread for each connection */
  atomic_int patience_ms;                /**< it closes a connection on which nothing has come for so long; 0 = never */
  atomic_int talks;                      /**< it says something before it is asked */
  atomic_int costs;                      /**< unused streams are not free */
  atomic_int degraded;                   /**< the link is; told at the next open or stop */
  atomic_int login;                      /**< connect() blocks its lane until it is 0 again */
  atomic_uint error_leg;
  atomic_uint error_class;
  atomic_int keeps_words; /**< an instance keeps a text of the profile's, as it was given */
  atomic_int words_lost;  /**< so many had another one at their end */
  atomic_int depth;       /**< what the profile said, when the last stream was opened */
  atomic_int end_looks;
  atomic_int connects, validates, launches, readies, identifies, stops, opens, destroys, cancels, doubts; /**< counts */
  atomic_int clients, questions; /**< connections that the server had whole: a client's, the lane's probe's */
  atomic_int busy;               /**< connections that the server has, now */
  atomic_int waiting;            /**< connections on which nothing has come yet, now */
  atomic_int unused, impatient;  /**< that ended without a byte: by the gateway, by the server */
} fake_control;

extern fake_control fake;
extern const penstock_transport fake_transport;

/** Starts the server, which answers with a TCMD answer if nothing else is asked for. */
void fake_server_start(void);
void fake_server_stop(void);
/** Returns when the server has had all connections that there were, to their end. */
void fake_server_settle(void);
/** Everything works, nothing counted. */
void fake_reset(void);

#endif

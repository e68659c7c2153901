/* SPDX-License-Identifier: MIT */
/**
 * @file faults.h
 * What the demo solver does wrong on demand: DEMO_FAULT in the environment, or --fault. Several are joined
 * with '+', because a profile's `env` list already uses the comma.
 */
#ifndef DEMO_FAULTS_H
#define DEMO_FAULTS_H

#include <stddef.h>
#include <stdint.h>

/** What happens to a connection that has moved `cut_bytes` (both directions together). */
typedef enum fault_cut {
  FAULT_CUT_NONE,
  FAULT_CUT_RESET,    /**< RST */
  FAULT_CUT_TRUNCATE, /**< a clean end, too early */
  FAULT_CUT_STALL     /**< nothing more is read or written, the connection stays open */
} fault_cut;

/** The switches; all zero = a faultless solver. */
typedef struct demo_faults {
  double slow_start_s; /**< waits that long before it binds */
  int fail_start;      /**< writes SERVER_FAILED and exits with 1 */
  int die_start;       /**< exits with 1 without a word in the progress file */
  int never_ready;     /**< lives, but never binds and never writes SERVER_READY */
  int port_taken;      /**< behaves as if the port were taken */
  uint64_t exit_after; /**< exits with 3 after that many requests; 0 = off */
  fault_cut cut;       /**< see fault_cut */
  uint64_t cut_bytes;
  double close_idle_s; /**< closes a connection on which nothing has come for that long */
  int close_early;     /**< closes each connection as soon as it is accepted */
  int mute;            /**< reads requests and never answers */
  int garbage;         /**< answers everything with bytes that no solver sends */
} demo_faults;

/**
 * Adds the faults of `text` ("slow-start:2+reset-after:65536") to `set`. Returns 0, or -1 with a message in
 * `problem`.
 */
int faults_parse(demo_faults *set, const char *text, char *problem, size_t problem_size);

/** The switches and what they do, for --help. */
extern const char faults_help[];

#endif

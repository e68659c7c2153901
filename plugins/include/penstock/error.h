/* SPDX-License-Identifier: MIT */
/**
 * @file error.h
 * What went wrong, in the user's words: which leg, which class, what happened, what to do next.
 */
#ifndef PENSTOCK_ERROR_H
#define PENSTOCK_ERROR_H

#include "base.h"

/** The part of the way to the solver that failed (or, in leg reports, that was passed). */
enum penstock_leg {
  PENSTOCK_LEG_NONE = 0,
  PENSTOCK_LEG_LOCAL = 1,     /**< this machine: a file, a setting, a limit, the local port */
  PENSTOCK_LEG_DNS = 2,       /**< resolving the host's name */
  PENSTOCK_LEG_TCP = 3,       /**< the TCP connection to the host */
  PENSTOCK_LEG_HOST_KEY = 4,  /**< the host proving who it is */
  PENSTOCK_LEG_AUTH = 5,      /**< the user proving who they are */
  PENSTOCK_LEG_EXEC = 6,      /**< running a command where the solver lives */
  PENSTOCK_LEG_CONTAINER = 7, /**< the container or its engine */
  PENSTOCK_LEG_LAUNCH = 8,    /**< starting the solver */
  PENSTOCK_LEG_READY = 9,     /**< the solver saying that it is ready */
  PENSTOCK_LEG_ENDPOINT = 10, /**< connecting to the solver's address on the far side */
  PENSTOCK_LEG_STREAM = 11    /**< a stream after it was open */
};

/** What kind of failure: decides whether the host tries again. */
enum penstock_class {
  PENSTOCK_CLASS_NONE = 0,
  PENSTOCK_CLASS_TRANSIENT = 1,     /**< may pass by itself: the host tries again with back-off */
  PENSTOCK_CLASS_AUTH = 2,          /**< credentials refused: the user must act */
  PENSTOCK_CLASS_CONFIG = 3,        /**< the profile is wrong: the user must act */
  PENSTOCK_CLASS_PEER_IDENTITY = 4, /**< the peer is not who it should be: never tried again by itself */
  PENSTOCK_CLASS_REFUSED = 5,       /**< reached, and it said no; for a stream: nobody listens at the endpoint */
  PENSTOCK_CLASS_CANCELLED = 6,     /**< the host asked for it */
  PENSTOCK_CLASS_INTERNAL = 7       /**< a defect */
};

/**
 * An error. Plain memory with its text inside: whoever provides the struct owns it, nothing is to be
 * freed, and it may be copied by assignment. Text is UTF-8, NUL-terminated, cut at a character boundary.
 */
typedef struct penstock_error {
  uint32_t struct_size; /**< sizeof(penstock_error) as its provider was compiled */
  uint32_t leg;         /**< enum penstock_leg */
  uint32_t error_class; /**< enum penstock_class */
  uint32_t reserved;    /**< 0 */
  char what[512];       /**< what happened, one line, no final full stop needed */
  char next[512];       /**< what the user can do next, one line; empty if nothing is known */
  char detail[4096];    /**< more lines that help (the end of a log, say); empty if none */
} penstock_error;

#endif

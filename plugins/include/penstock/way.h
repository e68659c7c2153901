/* SPDX-License-Identifier: MIT */
/**
 * @file way.h
 * Optional part of a transport, "penstock.way/1": for one that has several ways to its endpoint and finds out by itself
 * which of them works.
 */
#ifndef PENSTOCK_WAY_H
#define PENSTOCK_WAY_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_WAY "penstock.way/1"

/** What came of a stream that was accepted at the end of a way, and on which a solver was asked. */
typedef enum penstock_doubt {
  PENSTOCK_DOUBT_MUTE = 1, /**< nothing: it ended without a byte, or there was no answer in time */
  PENSTOCK_DOUBT_FOREIGN   /**< something that no solver says */
} penstock_doubt;

/** The extension. */
typedef struct penstock_way_ext {
  uint32_t struct_size; /**< sizeof(penstock_way_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * By which way streams get to the endpoint now, in a few words for the user that follow "by": "published port
   * 127.0.0.1:19090". Writes at most `size` bytes, the NUL included; an empty text if none has worked so far. Returns
   * at once. Called on the lane's thread, on a connected instance, any number of times.
   */
  void (*describe)(penstock_instance *instance, char *text, size_t size);
  /**
   * The way that was taken last may lead nowhere: `what` (a penstock_doubt) is what came of it. Nonzero: there is
   * another one, which the next open takes, so that it is worth asking again at once. 0: there is none, and `error` is
   * filled in if the transport takes the way itself for what is wrong; else it is left as it is. Called again and
   * again, it answers 0 after as many times as there are ways at most. Returns at once. May be NULL. Called on the
   * lane's thread, on a connected instance, with no open under way.
   */
  int32_t (*doubt)(penstock_instance *instance, uint32_t what, penstock_error *error);
} penstock_way_ext;

#endif

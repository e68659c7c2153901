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
} penstock_way_ext;

#endif

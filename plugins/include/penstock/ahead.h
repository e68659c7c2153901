/* SPDX-License-Identifier: MIT */
/**
 * @file ahead.h
 * Optional part of a transport, "penstock.ahead/1": for one whose streams cost something while they are open and
 * unused, such as a process each. The host opens some ahead of need (`prewarm`); without this part it takes them for
 * free.
 */
#ifndef PENSTOCK_AHEAD_H
#define PENSTOCK_AHEAD_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_AHEAD "penstock.ahead/1"

/** The extension. */
typedef struct penstock_ahead_ext {
  uint32_t struct_size; /**< sizeof(penstock_ahead_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * Would a stream that is opened now cost nothing worth mentioning while nobody uses it? 0 = it would, or that is not
   * known yet. Returns at once. Called on the lane's thread, on a connected instance, before each open that is ahead of
   * need.
   */
  uint32_t (*is_free)(penstock_instance *instance);
} penstock_ahead_ext;

#endif

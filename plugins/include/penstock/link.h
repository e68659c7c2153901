/* SPDX-License-Identifier: MIT */
/**
 * @file link.h
 * Optional part of a transport, "penstock.link/1": for a link that can be dead without anybody being told, such as
 * a TCP connection whose way is gone.
 */
#ifndef PENSTOCK_LINK_H
#define PENSTOCK_LINK_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_LINK "penstock.link/1"

/** The extension. */
typedef struct penstock_link_ext {
  uint32_t struct_size; /**< sizeof(penstock_link_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * This machine's network has changed: finds out soon (within seconds) whether the link has survived, and says
   * link_lost if it has not. Returns at once. Called on the lane's thread, on a connected instance, any number of
   * times.
   */
  void (*verify)(penstock_instance *instance);
} penstock_link_ext;

#endif

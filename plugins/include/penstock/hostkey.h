/* SPDX-License-Identifier: MIT */
/**
 * @file hostkey.h
 * Optional part of a transport, "penstock.hostkey/1": what `penstock trust PROFILE` needs.
 */
#ifndef PENSTOCK_HOSTKEY_H
#define PENSTOCK_HOSTKEY_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_HOSTKEY "penstock.hostkey/1"

/** How the key that the host showed stands to what is known. */
enum penstock_hostkey_state {
  PENSTOCK_HOSTKEY_UNKNOWN = 0, /**< no key of this host is known */
  PENSTOCK_HOSTKEY_KNOWN = 1,   /**< this very key is known */
  PENSTOCK_HOSTKEY_CHANGED = 2, /**< other keys of this host are known */
  PENSTOCK_HOSTKEY_REVOKED = 3  /**< this very key is marked as revoked: accept() refuses it */
};

/** A host key as shown by the host. Plain memory like penstock_error. */
typedef struct penstock_hostkey {
  uint32_t struct_size;  /**< sizeof(penstock_hostkey) */
  uint32_t state;        /**< enum penstock_hostkey_state */
  char host[256];        /**< as it is written in known_hosts: `name` or `[name]:port` */
  char type[64];         /**< such as ssh-ed25519 */
  char fingerprint[128]; /**< SHA256:… as ssh-keygen prints it */
  char known[128];       /**< CHANGED: fingerprint of the key that is known */
  char file[1024];       /**< known_hosts file that an accept would write, or that holds the deciding line */
  char art[1024];        /**< randomart, several lines; may be empty */
  uint32_t remaining;    /**< hosts behind this one on the way; fetch() shows them once this key is known */
} penstock_hostkey;

/** The extension. Both slots block like connect(), and are called on an instance that was not connected; after an
 * accept(), fetch() may be called again. */
typedef struct penstock_hostkey_ext {
  uint32_t struct_size; /**< sizeof(penstock_hostkey_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * Connects far enough to see the host's key, authenticates nothing there, fills in `key`. With hosts on the way: the
   * first of them whose key is not known; those before it, which are known, are logged in to.
   */
  int32_t (*fetch)(penstock_instance *instance, uint64_t deadline_ms, penstock_hostkey *key, penstock_error *error);
  /** Writes the key that fetch() saw to its known_hosts file. Refused (class PEER_IDENTITY) for CHANGED and REVOKED. */
  int32_t (*accept)(penstock_instance *instance, penstock_error *error);
} penstock_hostkey_ext;

#endif

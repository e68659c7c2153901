/* SPDX-License-Identifier: MIT */
/**
 * @file address.h
 * "host:port" as transports get it from an ADDRESS option. Text only, no I/O. Thread: any.
 */
#ifndef TRANSPORTS_ADDRESS_H
#define TRANSPORTS_ADDRESS_H

#include <penstock/sdk.h>

/** Room for the longest host name (253 bytes) or IPv6 address with a scope. */
#define ADDRESS_HOST_SIZE 256

/** Splits "host:port" or "[v6]:port"; brackets are taken off. Returns 0 or PENSTOCK_E_INVALID. */
int address_split(const char *address, char host[ADDRESS_HOST_SIZE], uint16_t *port);
/** Would a connection to `to`, made on this machine, reach a listener that is bound to `listener`? Both "host:port". */
int address_reaches(const char *to, const char *listener);
/** Every address of its machine ("0.0.0.0", "::"), as a listener binds it. */
int address_is_wildcard(const char *host);
/** "localhost", 127.0.0.0/8, "::1". */
int address_is_loopback(const char *host);

#endif

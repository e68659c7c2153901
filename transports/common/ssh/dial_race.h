/* SPDX-License-Identifier: MIT */
/**
 * @file dial_race.h
 * A race of TCP connects to one host. Attempts are started one after the other and run side by side; the first that
 * connects wins:
 *  - an address that does not answer (IPv6 on a network without it, say) holds up the others for a quarter of a second
 *    only (RFC 8305, "Happy Eyeballs");
 *  - every half second a fresh attempt is made. A packet that was lost while the network was away is sent again by the
 *    kernel after 1, 3, 7, 15 s …: with the fresh one a host is reached within a second of the way being there again.
 *
 * Thread: the lane's. No slot calls back before it returns.
 */
#ifndef TRANSPORTS_SSH_DIAL_RACE_H
#define TRANSPORTS_SSH_DIAL_RACE_H

#include "common/ssh/ssh_dial.h"

enum { DIAL_RACE_ADDRESSES_MAX = 16 };

typedef struct dial_race dial_race;

/**
 * The end of a race: a connected `socket`, which is the receiver's; or PENSTOCK_SOCKET_NONE and in `code` what
 * dial_start or dial_result returned. `address` is the one that was reached, or that failed last. Comes once;
 * dial_race_stop is still to be called.
 */
typedef void (*dial_race_done)(void *context, penstock_socket socket, const char *address, int code);

/**
 * Starts a race over 1 to DIAL_RACE_ADDRESSES_MAX addresses (copied), best first. It is lost when every address has
 * failed and none is still tried, or after `limit_ms`. `options` is borrowed until dial_race_stop. NULL: out of memory.
 */
dial_race *dial_race_start(const penstock_host *host, const penstock_address *addresses, uint32_t count,
                           const dial_options *options, uint64_t limit_ms, dial_race_done done, void *context);
/** Ends the race if it runs, and frees it: `done` does not come any more. NULL is fine; allowed in `done`. */
void dial_race_stop(dial_race *race);

#endif

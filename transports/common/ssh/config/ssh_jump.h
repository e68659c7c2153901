/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_jump.h
 * ProxyJump as text: "[user@]host[:port],…", the host that is nearest to us first. Thread: any.
 */
#ifndef TRANSPORTS_SSH_JUMP_H
#define TRANSPORTS_SSH_JUMP_H

#include <penstock/sdk.h>

/** One host on the way. */
typedef struct ssh_jump {
  char user[256]; /**< empty = what ssh_config says */
  char host[256]; /**< as it was typed, without brackets */
  uint16_t port;  /**< 0 = what ssh_config says */
} ssh_jump;

/**
 * Takes the last item off a list: the host next to the one that the list is for. `rest` (of strlen(list) + 1 bytes)
 * gets the items before it, which lead there; empty if there are none. Returns 0, or a negative code with `error`
 * (class CONFIG) that shows the item: [user@]host[:port], [address]:port, ssh://[user@]host[:port].
 */
int ssh_jump_last(const char *list, ssh_jump *jump, char *rest, penstock_error *error);

/**
 * The whole list, checked, without blanks around its items: as ssh takes it. `none` is fine. The caller frees it. NULL
 * with `error`.
 */
char *ssh_jump_check(const char *list, penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_tokens.h
 * The tokens of ssh_config(5), section TOKENS (%h, %p, …), and `${NAME}`, which stands for an environment variable.
 * Thread: any.
 */
#ifndef TRANSPORTS_SSH_TOKENS_H
#define TRANSPORTS_SSH_TOKENS_H

#include "common/ssh/config/ssh_local.h"

/** What the tokens stand for. All text is borrowed. */
typedef struct ssh_tokens {
  const ssh_local *local; /**< %d %i %u, %l %L */
  const char *host;       /**< %h: HostName */
  const char *alias;      /**< %n: the host as it was typed */
  const char *key_alias;  /**< %k: HostKeyAlias; NULL = `alias` */
  const char *user;       /**< %r: User */
  const char *jump;       /**< %j: the host of ProxyJump that is nearest to `host`; NULL = none */
  uint16_t port;          /**< %p */
} ssh_tokens;

/** Which tokens a keyword may hold, besides %%. */
#define SSH_TOKENS_ALL      "CLdhijklnpru"
#define SSH_TOKENS_PROXY    "hnpr" /**< ProxyCommand, ProxyJump */
#define SSH_TOKENS_HOSTNAME "h"    /**< HostName */

/**
 * `text` with those tokens replaced that are in `allowed`, and, if `with_environment`, `${NAME}` too. What comes in
 * is not looked at again. The caller frees the result. NULL with `error` (class CONFIG) if a token is not allowed
 * there or a variable is not set, as with ssh.
 */
char *ssh_tokens_expand(const ssh_tokens *tokens, const char *text, const char *allowed, int with_environment,
                        penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_request.h
 * Which host is asked for, as a command line of ssh would ask: a name and some `-o` settings on top of a configuration
 * file. It is made from a profile's options (ssh_profile.h), from a pasted `ssh …` line (transport ssh-command), or
 * from one item of ProxyJump. What it comes to is found out by ssh_config_load.
 *
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SSH_REQUEST_H
#define TRANSPORTS_SSH_REQUEST_H

#include <penstock/sdk.h>

/** A host that is asked for. All text is the request's own. */
typedef struct ssh_request {
  char *host;          /**< as it was typed: an alias of ssh_config, a DNS name or an address (without brackets) */
  char *config_file;   /**< as `ssh -F`: a path, or "none"; NULL = the user's and the system's */
  char **options;      /**< "Keyword=value" each, as `ssh -o` takes; of two with one keyword the first one holds */
  size_t option_count; /**< entries in `options` */
} ssh_request;

/**
 * Sets the host. Returns 0, or a negative code with `error` (class CONFIG) if `host` is not a name or address:
 * starts with `-`, holds blanks, control characters or what a shell would take for its own.
 */
int ssh_request_set_host(ssh_request *request, const char *host, penstock_error *error);
/**
 * May it be the name of a user? Likewise: ProxyCommand and `Match exec` in ssh_config put it (%r) before a shell as it
 * is, which is why ssh(1) refuses such names on its command line, though not after -o.
 */
int ssh_request_is_user(const char *user);
/** Adds "keyword=value"; `value` is quoted as ssh_config(5) wants it if it has blanks, backslashes or single quotes.
 * Not for keywords that take the rest of the line as it is (ProxyCommand …). Returns 0, or a negative code: no memory,
 * or a value that no configuration line can hold (a newline or a double quote). */
int ssh_request_add(ssh_request *request, const char *keyword, const char *value);
/** The same for a value that is written as ssh_config(5) wants it, with the quotes it needs: it stays as it is. */
int ssh_request_add_written(ssh_request *request, const char *keyword, const char *value);
/** A copy. Returns 0, or a negative code if there is no memory (nothing is to be freed then). */
int ssh_request_copy(ssh_request *copy, const ssh_request *request);
/** Frees what the request owns. */
void ssh_request_clear(ssh_request *request);

#endif

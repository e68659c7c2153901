/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_config.h
 * The effective settings of a host, as lines of keyword and value: what `ssh -G` prints. They come from the system's
 * ssh where there is one (so that Match, Include, canonical names and every keyword resolve as the user's own ssh
 * does), else from our own reader (ssh_config_reader.c). libssh's parser is not used: it offers six of the values and
 * drops the others unseen.
 *
 * Thread: any. Loading may block: it runs ssh, and `Match exec` commands of the user.
 */
#ifndef TRANSPORTS_SSH_CONFIG_H
#define TRANSPORTS_SSH_CONFIG_H

#include "common/ssh/config/ssh_request.h"

/** One setting. */
typedef struct ssh_config_line {
  char *keyword; /**< in lower case, as `ssh -G` prints it */
  char *value;   /**< the rest of the line; tokens (%h), `~` and ${ENV} are not yet expanded where -G does not */
  int is_set;    /**< somebody wrote it: it is not just ssh's own default */
} ssh_config_line;

/** The settings of one host, in the order in which ssh prints them; several lines may have one keyword. */
typedef struct ssh_config {
  ssh_config_line *lines;
  size_t count;
  char source[128]; /**< where they come from, for messages: "ssh -G (OpenSSH_9.2p1)" */
} ssh_config;

/** How settings are found. */
typedef enum ssh_config_origin {
  SSH_CONFIG_ANY = 0, /**< the system's ssh, or our reader if there is none */
  SSH_CONFIG_SYSTEM,  /**< the system's ssh only */
  SSH_CONFIG_READER   /**< our reader only */
} ssh_config_origin;

/**
 * Finds the settings for `request` by `deadline_ms` from now. On failure returns a negative code with `error` (leg
 * LOCAL; the words of ssh or of the reader, with file and line), and nothing is to be freed.
 */
int ssh_config_load(ssh_config *config, const ssh_request *request, ssh_config_origin origin, uint64_t deadline_ms,
                    penstock_error *error);
/** The same by our own reader alone. A `Match` it cannot judge (exec, canonical, final …) is an error that names it. */
int ssh_config_read(ssh_config *config, const ssh_request *request, penstock_error *error);
/** Frees what the settings own. */
void ssh_config_unload(ssh_config *config);

/** The first line with `keyword` (lower case); NULL if there is none. */
const ssh_config_line *ssh_config_get(const ssh_config *config, const char *keyword);
/** The next line with `keyword` at or after `*cursor`, which is moved past it; start with 0. NULL at the end. */
const ssh_config_line *ssh_config_next(const ssh_config *config, const char *keyword, size_t *cursor);
/** Adds a line (copied). Returns 0, or a negative code if there is no memory. */
int ssh_config_add(ssh_config *config, const char *keyword, const char *value, int is_set);

#endif

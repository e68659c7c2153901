/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_identities.h
 * What a login can offer, in ssh's order: certificates named by CertificateFile; the agent's keys that are named; its
 * other keys, unless identities_only; key files. A certificate beside a key comes right after that key.
 *
 * Thread: the lane's.
 */
#ifndef TRANSPORTS_SSH_IDENTITIES_H
#define TRANSPORTS_SSH_IDENTITIES_H

#include "common/ssh/config/ssh_settings.h"
#include "common/ssh/login/key_agent.h"
#include "common/ssh/login/key_file.h"

/** Something to offer. All pointers are into the list's own memory. */
typedef struct ssh_identity {
  const uint8_t *blob; /**< what is offered, in wire form; NULL = a key file that has to be decrypted first */
  size_t blob_size;
  key_file *file;       /**< the file that signs, and that the user named; NULL = a key of the agent alone */
  const key_cert *cert; /**< NULL = a plain key */
  size_t agent_key;     /**< the agent's key that signs; SIZE_MAX = the file does */
  char source[512];     /**< for the user: a path, or "agent, comment" */
  int is_tried;
} ssh_identity;

/** A certificate, and where it is from. */
typedef struct ssh_certificate {
  key_cert cert;
  const char *path; /**< a CertificateFile; NULL = beside a key file, or of the agent */
  key_file *file;   /**< the key file that it was found beside */
} ssh_certificate;

/** All of it. */
typedef struct ssh_identities {
  key_file *files; /**< one for each of the settings' keys */
  size_t file_count;
  ssh_certificate *certs;
  size_t cert_count;
  key_agent *agent; /**< NULL = none, or it cannot be had */
  ssh_identity *items;
  size_t count;
  const key_file *bad_file; /**< the first of those that the user named and that cannot be used; NULL = none */
  char notes[1024];         /**< lines for the user: what cannot be used, and why */
} ssh_identities;

/**
 * Looks at files and agent, for at most `deadline_ms`. Problems are noted, and logged if the user named the thing.
 * Returns 0, or a negative code if there is no memory. The settings must live as long as the list.
 */
int ssh_identities_load(ssh_identities *list, const ssh_settings *settings, const penstock_host *host,
                        uint64_t deadline_ms);
/** Closes the agent and frees everything. */
void ssh_identities_clear(ssh_identities *list);
/** Adds a line to the notes. */
PENSTOCK_PRINTF(2, 3)
void ssh_identities_note(ssh_identities *list, const char *format, ...);

#endif

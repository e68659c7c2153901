/* SPDX-License-Identifier: MIT */
/**
 * @file key_agent.h
 * The user's SSH agent, cut down to the keys that are to be offered (draft-miller-ssh-agent).
 *
 * libssh offers every key that an agent holds, in the agent's order, stops at the first one that it does not
 * know, and waits for ever for a signature. So it gets a stand-in: an agent that holds the one key that is to be
 * offered next (key_agent_show), passes requests to sign with it on to the real one, and ends at a deadline. The key
 * may also be shown as a certificate that the real agent does not hold.
 *
 * Thread: the lane's. The stand-in is a thread of its own, joined by key_agent_close.
 */
#ifndef TRANSPORTS_SSH_KEY_AGENT_H
#define TRANSPORTS_SSH_KEY_AGENT_H

#include <libssh/libssh.h>
#include <penstock/sdk.h>

/** An agent that was asked for its keys. Opaque. */
typedef struct key_agent key_agent;

/** A key that the agent holds. Borrowed until key_agent_close. */
typedef struct key_agent_key {
  const uint8_t *blob; /**< public key in SSH's wire form */
  size_t blob_size;
  char type[64];
  char comment[128]; /**< printable */
} key_agent_key;

/** What became of the last key that was shown. */
typedef enum key_agent_outcome {
  KEY_AGENT_UNASKED = 0, /**< no signature was asked for */
  KEY_AGENT_SIGNED,
  KEY_AGENT_REFUSED, /**< the agent would not sign: locked, or its user said no */
  KEY_AGENT_LOST     /**< the agent is gone, or did not answer in time */
} key_agent_outcome;

/** Agents by a word, on Windows alone: whichever is there, first one with a key; OpenSSH's; Pageant. All other agents
 * are named by the path of a socket, or on Windows of a pipe. */
#define KEY_AGENT_AUTO    "auto"
#define KEY_AGENT_OPENSSH "openssh"
#define KEY_AGENT_PAGEANT "pageant"

/**
 * The agent that is used if nobody names one (SSH_AUTH_SOCK; on Windows also KEY_AGENT_AUTO); NULL = none. Borrowed
 * until the environment changes.
 */
const char *key_agent_default(void);

/**
 * Connects to the agent that `agent` names (ssh_settings::agent_socket) and asks for its keys; both by `listing_ms`
 * from now. All else ends `deadline_ms` from now. NULL with a reason in `why` if it cannot be had; `is_absent`: nobody
 * has said that there is one, and there is none.
 */
key_agent *key_agent_open(const char *agent, uint64_t listing_ms, uint64_t deadline_ms, int *is_absent, char *why,
                          size_t why_size);
/** What the user calls it: "the agent at /tmp/agent.sock". Borrowed until key_agent_close. */
const char *key_agent_name(const key_agent *agent);
/** What the user can look at it with: "`ssh-add -l`". Constant. */
const char *key_agent_advice(const key_agent *agent);
/** Ends the stand-in and closes the agent. Whoever uses its socket must be done with it. */
void key_agent_close(key_agent *agent);

/** Key number `index`; NULL past the end. */
const key_agent_key *key_agent_get(const key_agent *agent, size_t index);
/**
 * Starts the stand-in, which shows nothing yet, and returns the socket to speak to it, which becomes the caller's;
 * PENSTOCK_SOCKET_NONE if that fails. Once an agent.
 */
penstock_socket key_agent_stand_in(key_agent *agent);
/**
 * From now on the stand-in holds one key: `blob` (borrowed until the next call), for which the agent's key `index`
 * signs. Not while somebody waits for an answer of the stand-in.
 */
void key_agent_show(key_agent *agent, size_t index, const uint8_t *blob, size_t blob_size);
/** Has a session ask its agent at `socket`, which is then the session's. Returns SSH_OK or SSH_ERROR. */
int key_agent_attach(ssh_session session, penstock_socket socket);
/** One step of a login with the key that the session's agent shows. Returns what libssh does: SSH_AUTH_AGAIN … */
int key_agent_log_in(ssh_session session);
/** What became of it. */
key_agent_outcome key_agent_result(const key_agent *agent);

#endif

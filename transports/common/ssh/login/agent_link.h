/* SPDX-License-Identifier: MIT */
/**
 * @file agent_link.h
 * The user's real agent, wherever it is. On Unix there is one place, a socket. On Windows there may be OpenSSH's agent
 * (a service), and Pageant, which is asked by a pipe or by a window.
 *
 * Thread: one at a time.
 */
#ifndef TRANSPORTS_SSH_AGENT_LINK_H
#define TRANSPORTS_SSH_AGENT_LINK_H

#include <penstock/sdk.h>

typedef struct agent_link agent_link;

/** Room for a place, with its NUL. */
#define AGENT_PLACE_SIZE 512

/** Place number `index` to look at if the settings say `agent` (ssh_settings::agent_socket), best one first. Returns 1,
 * or 0 past the last one. */
int agent_link_place(const char *agent, size_t index, char place[AGENT_PLACE_SIZE]);
/** What the user calls the agent at that place: "the agent at /tmp/agent.sock", "Pageant". */
void agent_link_name(const char *place, char *name, size_t size);
/** What the user can look at it with: "`ssh-add -l`". Constant. */
const char *agent_link_advice(const char *place);
/** Connects to the agent there by `deadline_ns` (agent_clock_ns). NULL with a reason in `why`; `is_absent`: there is
 * none. */
agent_link *agent_link_open(const char *place, uint64_t deadline_ns, int *is_absent, char *why, size_t why_size);
/** Puts one request, its length included, and waits for the answer. To be freed; NULL if none came in time. */
uint8_t *agent_link_ask(agent_link *link, const uint8_t *request, size_t size, size_t *answer_size,
                        uint64_t deadline_ns);
/** NULL is allowed. */
void agent_link_close(agent_link *link);

#endif

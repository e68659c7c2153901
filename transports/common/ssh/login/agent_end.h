/* SPDX-License-Identifier: MIT */
/**
 * @file agent_end.h
 * Our end of a stream of bytes to an agent, or to whoever takes us for one: with deadlines, and with an end that
 * another thread can make. Deadlines are of agent_clock_ns.
 *
 * Thread: one at a time; agent_end_stop from any.
 */
#ifndef TRANSPORTS_SSH_AGENT_END_H
#define TRANSPORTS_SSH_AGENT_END_H

#include <penstock/sdk.h>

typedef struct agent_end agent_end;

/** Nanoseconds of a clock that only goes forward. */
uint64_t agent_clock_ns(void);

/** Connects to the agent at `path`: a socket, or on Windows a named pipe. NULL with a reason in `why`; `is_absent` then
 * tells that there is nothing at all at that place. */
agent_end *agent_end_connect(const char *path, uint64_t deadline_ns, int *is_absent, char *why, size_t why_size);
/** Makes a pair: our end, and in `other` a blocking socket for somebody else, who closes it. NULL if that fails. */
agent_end *agent_end_make_pair(penstock_socket *other);
/** Writes exactly `size` bytes. Returns 0, or -1 if the other side has gone, at the deadline, or after a stop. */
int agent_end_send(agent_end *end, const void *data, size_t size, uint64_t deadline_ns);
/** Reads exactly `size` bytes. As agent_end_send. */
int agent_end_receive(agent_end *end, void *data, size_t size, uint64_t deadline_ns);
/** Reads one message of an agent, its length included. To be freed; NULL where agent_end_receive is -1. */
uint8_t *agent_end_read(agent_end *end, size_t *size, uint64_t deadline_ns);
/** Ends it, for whoever waits for it here, and for the other side. */
void agent_end_stop(agent_end *end);
/** Frees it. NULL is allowed. */
void agent_end_close(agent_end *end);

#endif

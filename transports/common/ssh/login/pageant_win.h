/* SPDX-License-Identifier: MIT */
/**
 * @file pageant_win.h
 * Pageant, PuTTY's agent, and those that speak as it does. Since PuTTY 0.75 it serves a named pipe; all of them have a
 * window that takes WM_COPYDATA (PuTTY's source: windows/utils/agent_named_pipe_name.c, windows/agent-client.c).
 *
 * Thread: any.
 */
#ifndef TRANSPORTS_SSH_PAGEANT_WIN_H
#define TRANSPORTS_SSH_PAGEANT_WIN_H

#include <penstock/sdk.h>

/** Writes the path of this user's pipe, "//./pipe/pageant.USER.HASH". Returns 0, or -1 if it cannot be known. */
int pageant_pipe(char *path, size_t size);
/** Is there a Pageant window? With a reason in `why`, -1: there is, and it is another user's. */
int pageant_has_window(char *why, size_t why_size);
/** Asks by the window; as agent_link_ask. */
uint8_t *pageant_ask_window(const uint8_t *request, size_t size, size_t *answer_size, uint64_t deadline_ns);

#endif

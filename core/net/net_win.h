/* SPDX-License-Identifier: MIT */
/**
 * @file net_win.h
 * What the files for Windows share about its sockets and its errors. Thread: any.
 */
#ifndef PS_NET_WIN_H
#define PS_NET_WIN_H

#include <stddef.h>

/** Starts Winsock; needed before its first use, harmless later. */
void ps_net_start(void);
/** An error number of Windows (or of Winsock) in its own words. */
void ps_net_reason(int reason, char *text, size_t size);

#endif

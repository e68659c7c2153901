/* SPDX-License-Identifier: MIT */
/**
 * @file net_win.h
 * What the files for Windows share about its sockets. Thread: any.
 */
#ifndef PS_NET_WIN_H
#define PS_NET_WIN_H

#include <stddef.h>

#include <penstock/base.h>

/** Starts Winsock; needed before its first use, harmless later. */
void ps_net_start(void);
/** Resets and closes an end of a pair of ps_net_pair, so that ps_net_read, ps_net_broken and ps_net_hung_up say so of
 * the other end in any case: Wine shows a reset as an end if it was the first to look. */
void ps_net_hang_up(penstock_socket end);

#endif

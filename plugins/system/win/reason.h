/* SPDX-License-Identifier: MIT */
/**
 * @file reason.h
 * Errors of Windows in its own words. Thread: any.
 */
#ifndef PS_REASON_H
#define PS_REASON_H

#include <stddef.h>

#include <windows.h>

/** What an error number of Windows, or of Winsock, says, without a full stop at its end. */
void ps_reason(DWORD reason, char *text, size_t size);

#endif

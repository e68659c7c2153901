/* SPDX-License-Identifier: MIT */
/* inet_pton() and what belongs to it, which ws2tcpip.h declares here; posix.h has included it. */

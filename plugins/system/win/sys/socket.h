/* SPDX-License-Identifier: MIT */
/* What winsock2.h and ws2tcpip.h declare here; posix.h has included them. */

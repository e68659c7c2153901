/* SPDX-License-Identifier: MIT */
/**
 * @file base.h
 * Version, export and result codes: what every other header of the plugin ABI builds on.
 *
 * The ABI is C11 with fixed-width types and UTF-8 text. No type of libuv, libssh, OpenSSL, stdio or errno
 * crosses it, so that host and plugin may be built by different compilers against different libraries.
 *
 * Compatibility: the major number is part of the exported symbol's name; a minor version only appends
 * members to structs. Every struct that crosses begins with `struct_size`, which its maker sets to
 * `sizeof` as that side was compiled; the reader copies the smaller of both sizes into a zeroed struct of
 * its own, so a member the other side does not know reads as 0 or NULL.
 */
#ifndef PENSTOCK_BASE_H
#define PENSTOCK_BASE_H

#include <stddef.h>
#include <stdint.h>

/** Major version: hosts load only plugins whose symbol carries it. */
#define PENSTOCK_ABI_MAJOR 1
/** Minor version: grows when members are appended. Informative; struct_size decides. */
#define PENSTOCK_ABI_MINOR 0

/** @def PENSTOCK_EXPORT
 * Makes a symbol visible outside its library. */
#if defined(_WIN32)
#define PENSTOCK_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define PENSTOCK_EXPORT __attribute__((visibility("default")))
#else
#define PENSTOCK_EXPORT
#endif

/** Does the other side's struct `ptr` reach as far as `member`, and is it set? For optional members. */
#define PENSTOCK_HAS(ptr, type, member)                                                                                \
  ((ptr)->struct_size >= offsetof(type, member) + sizeof((ptr)->member) && (ptr)->member != 0)

/** A socket: a file descriptor on Unix, a SOCKET on Windows. */
typedef intptr_t penstock_socket;
/** No socket. */
#define PENSTOCK_SOCKET_NONE ((penstock_socket)-1)

/** Result of calls that can fail: PENSTOCK_OK, or one of these negative codes. */
enum penstock_result {
  PENSTOCK_OK = 0,
  PENSTOCK_E_FAILED = -1,      /**< see the penstock_error that came along */
  PENSTOCK_E_NOMEM = -2,       /**< out of memory */
  PENSTOCK_E_INVALID = -3,     /**< an argument breaks the contract */
  PENSTOCK_E_UNSUPPORTED = -4, /**< this side does not offer that */
  PENSTOCK_E_CANCELLED = -5,   /**< cancelled, or the host is shutting down */
  PENSTOCK_E_LIMIT = -6,       /**< a limit (descriptors, buffer size) is reached */
  PENSTOCK_E_TIMEOUT = -7,     /**< the deadline passed */
  PENSTOCK_E_NOT_FOUND = -8    /**< the named thing does not exist */
};

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file backlog.h
 * Bytes that a receiver did not take yet: a queue of blocks that exists only while there is something in
 * it. Freed blocks go to a small stock, so that a receiver that is just slow costs no allocation each time.
 * Thread: the lane's.
 */
#ifndef PS_BACKLOG_H
#define PS_BACKLOG_H

#include <stddef.h>

typedef struct ps_block ps_block;

/** Free blocks of one relay. Zero-initialise; free with ps_block_stock_clear. */
typedef struct ps_block_stock {
  ps_block *first;
  size_t count;
} ps_block_stock;

/** A queue of bytes. Zero-initialise; free with ps_backlog_clear. */
typedef struct ps_backlog {
  ps_block *first;
  ps_block *last;
  size_t size;  /**< bytes in it */
  size_t piece; /**< bytes that lie in one piece, at most; 0 = as it comes */
} ps_backlog;

/** Appends a copy. Returns 0, or PENSTOCK_E_NOMEM with the backlog cut short: of no more use but to be cleared. */
int ps_backlog_add(ps_backlog *backlog, ps_block_stock *stock, const void *data, size_t size);
/** The bytes at the front that lie in one piece; *size is 0 if it is empty. Borrowed until the next call. */
const void *ps_backlog_front(const ps_backlog *backlog, size_t *size);
/** Takes bytes off the front: at most what ps_backlog_front said. */
void ps_backlog_drop(ps_backlog *backlog, ps_block_stock *stock, size_t size);
/** Forgets everything. */
void ps_backlog_clear(ps_backlog *backlog, ps_block_stock *stock);
/** Frees the stock. */
void ps_block_stock_clear(ps_block_stock *stock);

#endif

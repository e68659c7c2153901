/* SPDX-License-Identifier: MIT */
#include "relay/backlog.h"

#include <penstock/base.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROOM  ((size_t)64 * 1024)
#define STOCK_LIMIT 16

struct ps_block {
  ps_block *next;
  size_t begin;
  size_t end;
  unsigned char data[];
};

static ps_block *block_take(ps_block_stock *stock) {
  ps_block *block = stock->first;
  if (block) {
    stock->first = block->next;
    stock->count--;
  } else {
    block = malloc(sizeof(*block) + BLOCK_ROOM);
    if (!block) {
      return NULL;
    }
  }
  block->next = NULL;
  block->begin = 0;
  block->end = 0;
  return block;
}

static void block_give(ps_block_stock *stock, ps_block *block) {
  if (stock->count == STOCK_LIMIT) {
    free(block);
    return;
  }
  block->next = stock->first;
  stock->first = block;
  stock->count++;
}

int ps_backlog_add(ps_backlog *backlog, ps_block_stock *stock, const void *data, size_t size) {
  const unsigned char *bytes = data;
  size_t room = backlog->piece > 0 && backlog->piece < BLOCK_ROOM ? backlog->piece : BLOCK_ROOM;
  while (size > 0) {
    ps_block *block = backlog->last;
    if (!block || block->end >= room) {
      block = block_take(stock);
      if (!block) {
        return PENSTOCK_E_NOMEM;
      }
      if (backlog->last) {
        backlog->last->next = block;
      } else {
        backlog->first = block;
      }
      backlog->last = block;
    }
    size_t part = room - block->end < size ? room - block->end : size;
    memcpy(block->data + block->end, bytes, part);
    block->end += part;
    backlog->size += part;
    bytes += part;
    size -= part;
  }
  return PENSTOCK_OK;
}

const void *ps_backlog_front(const ps_backlog *backlog, size_t *size) {
  const ps_block *block = backlog->first;
  *size = block ? block->end - block->begin : 0;
  return block ? block->data + block->begin : NULL;
}

void ps_backlog_drop(ps_backlog *backlog, ps_block_stock *stock, size_t size) {
  ps_block *block = backlog->first;
  if (!block) {
    return;
  }
  block->begin += size;
  backlog->size -= size;
  if (block->begin == block->end) {
    backlog->first = block->next;
    if (!backlog->first) {
      backlog->last = NULL;
    }
    block_give(stock, block);
  }
}

void ps_backlog_clear(ps_backlog *backlog, ps_block_stock *stock) {
  while (backlog->first) {
    ps_block *block = backlog->first;
    backlog->first = block->next;
    block_give(stock, block);
  }
  backlog->last = NULL;
  backlog->size = 0;
}

void ps_block_stock_clear(ps_block_stock *stock) {
  while (stock->first) {
    ps_block *block = stock->first;
    stock->first = block->next;
    free(block);
  }
  stock->count = 0;
}

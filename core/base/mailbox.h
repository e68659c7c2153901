/* SPDX-License-Identifier: MIT */
/**
 * @file mailbox.h
 * Messages from any thread to the one that runs a loop. A message is whatever holds a ps_list node.
 */
#ifndef PS_MAILBOX_H
#define PS_MAILBOX_H

#include <uv.h>

#include "base/list.h"

typedef struct ps_mailbox {
  uv_mutex_t mutex;
  uv_async_t async;
  ps_list messages; /**< guarded by the mutex */
  void (*deliver)(void *context, ps_list *message);
  void (*closed)(void *context);
  void *context;
} ps_mailbox;

/** Opens a mailbox on `loop`. `deliver` gets each message, in order, on the loop's thread, and owns it then. Returns 0
 * or a negative code. */
int ps_mailbox_open(ps_mailbox *mailbox, uv_loop_t *loop, void (*deliver)(void *context, ps_list *message),
                    void *context);
/** Posts a message, whose ownership passes on. [any thread] */
void ps_mailbox_post(ps_mailbox *mailbox, ps_list *message);
/** Ends delivery; `closed` (optional) comes on a later turn. What is posted still queues up: see ps_mailbox_dispose.
 * [loop's thread] */
void ps_mailbox_close(ps_mailbox *mailbox, void (*closed)(void *context));
/** Frees a closed mailbox; messages that were never delivered go to `deliver` now. Nobody may post any more. */
void ps_mailbox_dispose(ps_mailbox *mailbox, void (*deliver)(void *context, ps_list *message));

#endif

/* SPDX-License-Identifier: MIT */
#include "base/mailbox.h"

#include <penstock/base.h>

static void on_async(uv_async_t *async) {
  ps_mailbox *mailbox = async->data;
  ps_list batch;
  ps_list_init(&batch);
  uv_mutex_lock(&mailbox->mutex);
  ps_list_splice(&batch, &mailbox->messages);
  uv_mutex_unlock(&mailbox->mutex);
  for (ps_list *message = ps_list_take(&batch); message; message = ps_list_take(&batch)) {
    mailbox->deliver(mailbox->context, message);
  }
}

int ps_mailbox_open(ps_mailbox *mailbox, uv_loop_t *loop, void (*deliver)(void *context, ps_list *message),
                    void *context) {
  mailbox->deliver = deliver;
  mailbox->closed = NULL;
  mailbox->context = context;
  ps_list_init(&mailbox->messages);
  if (uv_mutex_init(&mailbox->mutex) != 0) {
    return PENSTOCK_E_NOMEM;
  }
  if (uv_async_init(loop, &mailbox->async, on_async) != 0) {
    uv_mutex_destroy(&mailbox->mutex);
    return PENSTOCK_E_LIMIT;
  }
  mailbox->async.data = mailbox;
  return PENSTOCK_OK;
}

void ps_mailbox_post(ps_mailbox *mailbox, ps_list *message) {
  uv_mutex_lock(&mailbox->mutex);
  ps_list_append(&mailbox->messages, message);
  /* Under the lock, so that ps_mailbox_close cannot come between: uv_async_send on a closing handle is a no-op then. */
  if (!uv_is_closing((uv_handle_t *)&mailbox->async)) {
    (void)uv_async_send(&mailbox->async);
  }
  uv_mutex_unlock(&mailbox->mutex);
}

static void on_closed(uv_handle_t *handle) {
  ps_mailbox *mailbox = handle->data;
  if (mailbox->closed) {
    mailbox->closed(mailbox->context);
  }
}

void ps_mailbox_close(ps_mailbox *mailbox, void (*closed)(void *context)) {
  uv_mutex_lock(&mailbox->mutex);
  mailbox->closed = closed;
  uv_close((uv_handle_t *)&mailbox->async, on_closed);
  uv_mutex_unlock(&mailbox->mutex);
}

void ps_mailbox_dispose(ps_mailbox *mailbox, void (*deliver)(void *context, ps_list *message)) {
  for (ps_list *message = ps_list_take(&mailbox->messages); message; message = ps_list_take(&mailbox->messages)) {
    deliver(mailbox->context, message);
  }
  uv_mutex_destroy(&mailbox->mutex);
}

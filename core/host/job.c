/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "host/services.h"

typedef struct job {
  ps_host *host;
  uv_work_t request;
  void (*work)(void *context);
  void (*done)(void *context);
  void *context;
} job;

static void on_work(uv_work_t *request) {
  const job *self = request->data;
  self->work(self->context);
}

static void on_done(uv_work_t *request, int status) {
  job *self = request->data;
  ps_host *host = self->host;
  (void)status; /* never cancelled: `done` is promised to come after `work` */
  self->done(self->context);
  free(self);
  ps_host_release(host);
}

int32_t ps_run_job(const penstock_host *table, void (*work)(void *context), void (*done)(void *context),
                   void *context) {
  ps_host *host = ps_host_of(table);
  if (host->closing) {
    return PENSTOCK_E_CANCELLED;
  }
  if (!work || !done) {
    return PENSTOCK_E_INVALID;
  }
  job *self = calloc(1, sizeof(*self));
  if (!self) {
    return PENSTOCK_E_NOMEM;
  }
  self->host = host;
  self->work = work;
  self->done = done;
  self->context = context;
  self->request.data = self;
  if (uv_queue_work(host->loop, &self->request, on_work, on_done) != 0) {
    free(self);
    return PENSTOCK_E_FAILED;
  }
  ps_host_retain(host);
  return PENSTOCK_OK;
}

/* SPDX-License-Identifier: MIT */
#include "host/run.h"

#include "host/host.h"

typedef struct run {
  ps_host host;
  const penstock_spawn *spawn;
  penstock_process *process;
  penstock_watch *watch; /* of the descriptor that cancels */
  int cancelled;
} run;

static void on_host_closed(void *context) {
  (void)context; /* the loop ends by itself */
}

static void on_done(void *context, const penstock_exit *exit) {
  run *self = context;
  self->spawn->done(self->spawn->context, exit);
  ps_host_close(&self->host, on_host_closed, NULL);
}

static void on_cancel(void *context, uint32_t events) {
  run *self = context;
  const penstock_host *host = &self->host.table;
  (void)events;
  self->cancelled = 1;
  host->watch_stop(host, self->watch); /* it stays readable */
  host->process_kill(host, self->process, 1);
}

int32_t ps_run(const penstock_spawn *spawn, int cancel_fd, penstock_error *error) {
  uv_loop_t loop;
  int reason = uv_loop_init(&loop);
  if (reason != 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start '%s': %s", spawn->argv[0],
                  uv_strerror(reason));
    return PENSTOCK_E_LIMIT;
  }
  run self = {.spawn = spawn};
  penstock_spawn own = *spawn;
  own.done = on_done;
  own.context = &self;
  ps_host_init(&self.host, &loop, "gateway");
  const penstock_host *host = &self.host.table;
  int32_t result = host->spawn(host, &own, &self.process, error);
  if (result == PENSTOCK_OK) {
    self.watch = host->watch_start(host, cancel_fd, PENSTOCK_EVENT_READ, on_cancel, &self);
  } else {
    ps_host_close(&self.host, on_host_closed, NULL);
  }
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&loop);
  return result == PENSTOCK_OK && self.cancelled ? PENSTOCK_E_CANCELLED : result;
}

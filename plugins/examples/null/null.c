/* SPDX-License-Identifier: MIT */
/*
 * null: a whole transport, to copy from. Its far side is an echo: what a client sends comes back. It shows a
 * declared option, the life of an instance, and a credit stream with back-pressure, half-close and abort.
 *     cc -shared -fPIC -O2 -fvisibility=hidden -o null.so null.c     (the headers alone; nothing to link)
 * All of it runs on the lane's thread: no locks. What a slot sets off is left to a timer: no call within a call.
 */
#include <penstock/sdk.h>
#include <stdlib.h>
#define BUFFER 65536 /* all that a stream ever keeps: a client that does not read has to wait with its sending */

struct penstock_instance { /* the layout is ours alone; the host only carries the pointer */
  const penstock_host *host;
  uint64_t delay_ms;
};

typedef struct echo {
  const penstock_host *host;
  uint64_t delay_ms;
  penstock_sink *sink;   /* the host's end of the stream */
  penstock_timer *timer; /* set while pump() is due */
  uint64_t credit;       /* bytes that the host will still take */
  size_t from, to;       /* what waits in `data` */
  int refused;           /* write() took less than it was offered */
  int ended;             /* 1: the client has ended its direction; 2: and has been told of the end of ours */
  char data[BUFFER];
} echo;

/* Delivers what waits, as far as the credit goes; then asks for more, or passes the end on. */
static void pump(void *context) {
  echo *self = context;
  self->timer = NULL; /* it fired once and is gone */
  while (self->from < self->to && self->credit > 0) {
    size_t size = self->to - self->from < self->credit ? self->to - self->from : (size_t)self->credit;
    self->credit -= size;
    self->credit += self->host->stream_data(self->host, self->sink, self->data + self->from, size);
    self->from += size;
  }
  if (self->refused && self->from == self->to) {
    self->refused = 0;
    self->host->stream_writable(self->host, self->sink); /* may call write() and shutdown_write() at once */
  }
  if (self->ended == 1 && self->from == self->to) {
    self->ended = 2;
    self->host->stream_eof(self->host, self->sink);
  }
}

/* Has pump() called on a later turn of the loop. Without memory for that: better broken than stuck. */
static void wake(echo *self) {
  if (!self->timer && !(self->timer = self->host->timer_start(self->host, self->delay_ms, 0, pump, self))) {
    self->host->stream_reset(self->host, self->sink, NULL);
  }
}

static size_t echo_write(void *stream, const void *data, size_t size) {
  echo *self = stream;
  if (self->from == self->to) {
    self->from = self->to = 0;
  }
  size_t taken = size < BUFFER - self->to ? size : BUFFER - self->to;
  memcpy(self->data + self->to, data, taken);
  self->to += taken;
  self->refused = taken < size; /* then the host waits for stream_writable: that is the back-pressure */
  wake(self);
  return taken;
}

static void echo_shutdown_write(void *stream) {
  ((echo *)stream)->ended = 1; /* a half-close: what waits still goes first */
  wake(stream);
}

static void echo_grant(void *stream, uint64_t bytes) {
  ((echo *)stream)->credit += bytes;
  wake(stream);
}

static void echo_close(void *stream, uint32_t how) {
  echo *self = stream;
  (void)how; /* PENSTOCK_CLOSE_ABORT: a real far side is reset here, so that it does not see a clean end */
  if (self->timer) {
    self->host->timer_stop(self->host, self->timer);
  }
  free(self);
}

static void null_open_stream(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms) {
  echo *self = malloc(sizeof(*self));
  (void)deadline_ms; /* for far sides that take time */
  if (!self) {
    penstock_error error;
    penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "out of memory");
    instance->host->open_failed(instance->host, open, &error);
    return;
  }
  *self = (echo){.host = instance->host, .delay_ms = instance->delay_ms};
  penstock_credit_stream stream = {sizeof(stream), 0, self, echo_write, echo_shutdown_write, echo_grant, echo_close};
  self->sink = self->host->open_done_credit(self->host, open, &stream);
  if (!self->sink) {
    free(self); /* not taken: it is still ours, and close() does not come */
  }
}

static int32_t null_create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                           penstock_error *error) {
  *instance = malloc(sizeof(**instance));
  if (!*instance) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "out of memory");
  }
  /* Of the declared type, in its range, the default filled in: options are declared below, never parsed. */
  **instance = (penstock_instance){host, (uint64_t)config->get_int(config, "delay", 0)};
  return PENSTOCK_OK;
}

static void null_destroy(penstock_instance *instance) {
  free(instance); /* every stream has been given back by now */
}

static void null_connect(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms) {
  (void)deadline_ms;
  instance->host->op_done(instance->host, op, NULL); /* or later, but exactly once */
}

/* Steps and opens are over before their slots return: there is never anything to cancel. */
static void null_cancel(penstock_instance *instance, penstock_op *op) {
  (void)instance, (void)op;
}
static void null_cancel_open(penstock_instance *instance, penstock_open *open) {
  (void)instance, (void)open;
}

static const penstock_option options[] = {{sizeof(penstock_option), PENSTOCK_OPTION_DURATION, 0, 0, "delay", "0",
                                           "How long what was sent is kept before it comes back", 0, 60000, NULL}};
static const penstock_transport null_transport = {
    .struct_size = sizeof(penstock_transport),
    .name = "null",
    .summary = "An echo without a far side: an example, and for trying clients",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .create = null_create,
    .destroy = null_destroy,
    .connect = null_connect, /* no launch: it only forwards, so profiles say probe = none */
    .cancel = null_cancel,
    .open_stream = null_open_stream,
    .cancel_open = null_cancel_open,
};
static const penstock_transport *const transports[] = {&null_transport};
PENSTOCK_PLUGIN("null", "1.0", "MIT", transports);

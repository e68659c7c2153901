/* SPDX-License-Identifier: MIT */
/**
 * @file herald.h
 * Tells the service manager that started the gateway how it is: ready once the port is open, its state in words with
 * the reason, a sign of life now and then, its end.
 * Thread: the main thread.
 */
#ifndef PS_HERALD_H
#define PS_HERALD_H

#include <uv.h>

#include "gateway/gateway.h"

typedef struct ps_herald ps_herald;

/**
 * Puts itself before the events of `options`, which are whole and which it passes on. NULL if nobody wants to be told,
 * or if out of memory. The sign of life comes from `loop` and from nowhere else: if that hangs, the gateway does.
 */
ps_herald *ps_herald_open(uv_loop_t *loop, ps_gateway_options *options);
/** The files are read anew; that has been done (or the event `swap` tells that it has). */
void ps_herald_reloading(ps_herald *herald);
void ps_herald_reloaded(ps_herald *herald);
/** The gateway ends, which may take so long. `herald` may be NULL, as everywhere. */
void ps_herald_stopping(ps_herald *herald, uint64_t most_ms);
/** Closes it; it is freed on a later turn. */
void ps_herald_close(ps_herald *herald);

#endif

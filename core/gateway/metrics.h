/* SPDX-License-Identifier: MIT */
/**
 * @file metrics.h
 * What monitoring asks for: figures in Prometheus' text format, over HTTP, on a loopback port or a UNIX socket.
 *
 * One GET and one answer of a few kilobytes: that is less than what a library for HTTP would have to be told.
 * Thread: the main thread.
 */
#ifndef PS_METRICS_H
#define PS_METRICS_H

#include "base/text.h"
#include "gateway/desk.h"

typedef struct ps_metrics ps_metrics;

/**
 * Serves the desk's figures at `place`: "127.0.0.1:9464", or the path of a socket to be made (mode 0600). NULL if that
 * cannot be, which is logged: the gateway runs all the same.
 */
ps_metrics *ps_metrics_open(uv_loop_t *loop, const char *place, const char *profile, ps_desk *desk);
/** Descriptors that it needs. */
size_t ps_metrics_descriptors(void);
/** Closes it, after the desk, which answers what is open. `metrics` may be NULL, here as below. */
void ps_metrics_close(ps_metrics *metrics);
/** The process ends without its loop: takes the socket's name away. */
void ps_metrics_abandon(ps_metrics *metrics);
/** Frees it, once its loop has run to the end. */
void ps_metrics_free(ps_metrics *metrics);

/** The text. */
void ps_metrics_text(ps_text *text, const ps_desk_figures *figures);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file trailer.h
 * The end of a command's stream (penstock/exec.h): tells its output from the trailer, which may begin anywhere in what
 * comes, and says how the command ended. No I/O. Thread: any, one at a time.
 */
#ifndef PS_TRAILER_H
#define PS_TRAILER_H

#include "base/text.h"

/** Longest mark, in bytes. */
#define PS_TRAILER_MARK_MAX 64
/** Most that is kept of a command's standard error. The far end sends 64 KiB. */
#define PS_TRAILER_ERRORS_MAX ((size_t)1024 * 1024)

/** Takes output. Returns 0; or another value, and nothing more comes. */
typedef int ps_trailer_emit(void *context, const void *data, size_t size);

typedef struct ps_trailer {
  char mark[PS_TRAILER_MARK_MAX + 1];
  size_t mark_size;
  size_t matched; /**< so many bytes of the mark were the last that came */
  char head[32];  /**< what came of the line behind the mark */
  size_t head_size;
  int has_head;
  int is_whole;
  int status;         /**< of the command, once it is whole */
  size_t errors_left; /**< bytes of standard error that are still to come */
  ps_text errors;     /**< the end of the command's standard error; free() its data */
} ps_trailer;

/** Returns 0, or a negative code if that is no mark. */
int ps_trailer_begin(ps_trailer *self, const char *mark);
/** Reads on. Returns 0; a negative code if the trailer is none; or what `emit` has returned. Once it is whole, the rest
 * is dropped. */
int ps_trailer_feed(ps_trailer *self, const void *data, size_t size, ps_trailer_emit *emit, void *context);
/** Nothing more comes: what looked like the mark's beginning is output as well. Returns what `emit` has returned. */
int ps_trailer_flush(ps_trailer *self, ps_trailer_emit *emit, void *context);

#endif

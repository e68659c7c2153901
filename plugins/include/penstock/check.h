/* SPDX-License-Identifier: MIT */
/**
 * @file check.h
 * Optional part of a transport, "penstock.check/1": what `penstock check PROFILE` finds out without a connection,
 * beyond what create() looks at: settings that come from files of other programs, key files.
 */
#ifndef PENSTOCK_CHECK_H
#define PENSTOCK_CHECK_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_CHECK "penstock.check/1"

/** What the host lends to hear of a check. Texts are borrowed until the call returns. */
typedef struct penstock_check_sink {
  uint32_t struct_size; /**< sizeof(penstock_check_sink) */
  uint32_t reserved;    /**< 0 */
  void *context;        /**< first argument of the slots */
  /** Something that was found out, such as "host" and "10.0.0.7, port 22". `name`: a word or two, in lower case. */
  void (*found)(void *context, const char *name, const char *text);
  /** A mistake. `level`: enum penstock_log_level; ERROR = a connect would fail for it, WARN = it might. */
  void (*problem)(void *context, uint32_t level, const penstock_error *error);
} penstock_check_sink;

/** The extension. */
typedef struct penstock_check_ext {
  uint32_t struct_size; /**< sizeof(penstock_check_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * Tells `sink` what there is; calls it from inside. Blocks for at most `deadline_ms`; connects nowhere. Called on an
   * instance that was not connected. Returns PENSTOCK_OK when all was looked at, whatever was found; or a negative code
   * with `error`, which is one more problem.
   */
  int32_t (*check)(penstock_instance *instance, uint64_t deadline_ms, const penstock_check_sink *sink,
                   penstock_error *error);
} penstock_check_ext;

#endif

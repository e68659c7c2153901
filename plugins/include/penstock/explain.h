/* SPDX-License-Identifier: MIT */
/**
 * @file explain.h
 * Optional part of a transport, "penstock.explain/1": what a profile of this transport says, as a profile that needs
 * no explanation. For transports whose options hold a whole command, such as `ssh-command`.
 */
#ifndef PENSTOCK_EXPLAIN_H
#define PENSTOCK_EXPLAIN_H

#include "transport.h"

/** Name for penstock_transport::get_extension. */
#define PENSTOCK_EXT_EXPLAIN "penstock.explain/1"

/** What the host lends to hear an explanation. Texts are borrowed until the call returns. */
typedef struct penstock_explain_sink {
  uint32_t struct_size; /**< sizeof(penstock_explain_sink) */
  uint32_t reserved;    /**< 0 */
  void *context;        /**< first argument of the slots */
  /**
   * One key of the plain profile; `transport` comes first. Exactly one of `text` and `items` is set: `items`, which
   * ends with a NULL, for a LIST or an ENV. Texts are as the option is to have them: the host adds quotes and escapes.
   * `comment`: a few words on one line, or NULL.
   */
  void (*key)(void *context, const char *key, const char *text, const char *const *items, const char *comment);
  /** Something to know about it, one line. `level`: enum penstock_log_level; WARN = a part has no effect. */
  void (*note)(void *context, uint32_t level, const char *text);
} penstock_explain_sink;

/** The extension. */
typedef struct penstock_explain_ext {
  uint32_t struct_size; /**< sizeof(penstock_explain_ext) */
  uint32_t reserved;    /**< 0 */
  /**
   * Tells `sink` the plain profile; calls it from inside. May block for some seconds. Called on an instance that was
   * not connected. Returns PENSTOCK_OK, or a negative code with `error`.
   */
  int32_t (*explain)(penstock_instance *instance, const penstock_explain_sink *sink, penstock_error *error);
} penstock_explain_ext;

#endif

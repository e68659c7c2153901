/* SPDX-License-Identifier: MIT */
/**
 * @file explanation.h
 * A plain profile as a transport explains it (penstock/explain.h), kept and shown.
 * Thread: the main thread.
 */
#ifndef PS_EXPLANATION_H
#define PS_EXPLANATION_H

#include <jansson.h>
#include <penstock/explain.h>

#include "base/text.h"

/** What was explained. Zero-initialise; ps_explanation_clear. */
typedef struct ps_explanation {
  ps_text keys;   /**< the keys as lines of a profiles file */
  ps_text notes;  /**< the notes as comments of one */
  json_t *object; /**< the keys as JSON: {"key": "text", "list": ["item", …]} */
  json_t *list;   /**< the notes as JSON: [{"level": "warn", "text": "…"}] */
  char *host;     /**< the text of a key `host`; NULL = there is none */
  char *fault;    /**< the key whose text no file can hold; NULL = none */
} ps_explanation;

/** Asks the transport. Returns 0, or a negative code with `error`. Clear `explanation` in both cases. */
int ps_explanation_get(ps_explanation *explanation, const penstock_explain_ext *ext, penstock_instance *instance,
                       penstock_error *error);
void ps_explanation_clear(ps_explanation *explanation);

/**
 * The section of a profiles file that says it: a comment with the text that was explained, the section's line, keys,
 * and the notes as comments. A string to free(), or NULL if out of memory.
 */
char *ps_explanation_section(const ps_explanation *explanation, const char *name, const char *what);

#endif

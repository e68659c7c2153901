/* SPDX-License-Identifier: MIT */
/**
 * @file reload.h
 * What a reload changes: the keys that have another value, and when each of them counts.
 * Thread: the main thread.
 */
#ifndef PS_RELOAD_H
#define PS_RELOAD_H

#include <jansson.h>

#include "config/config.h"

/** When another value counts. */
typedef enum ps_reload_when {
  PS_RELOAD_NOW,     /**< at once; no stream or link is touched */
  PS_RELOAD_SERVED,  /**< once the profile, connected anew beside itself, serves */
  PS_RELOAD_RESTART, /**< when the gateway is started again */
  PS_RELOAD_NEVER    /**< the command line has set it for as long as this gateway runs */
} ps_reload_when;

/** A key that has another value. Which one is nobody's business: it may be a secret. */
typedef struct ps_reload_key {
  char key[64];
  int is_common; /**< of [gateway], not of the profile */
  ps_reload_when when;
} ps_reload_key;

typedef struct ps_reload {
  ps_reload_key *keys;
  size_t count;
  int connects; /**< one of them needs the profile to be connected anew */
  int logs;     /**< one of them is the log's */
  int no_memory;
} ps_reload;

/** What is compared. */
typedef struct ps_reload_sides {
  const ps_settings *before;        /**< of the profile, as it counts */
  const ps_settings *after;         /**< as it was read */
  const ps_settings *common_began;  /**< [gateway], as the gateway was started with it; NULL: nobody knows */
  const ps_settings *common_before; /**< … as it was read last, whose LIVE keys count */
  const ps_settings *common_after;
  const char *const *fixed; /**< keys that the command line has set, NULL-terminated; may be NULL */
} ps_reload_sides;

/** Compares them; free with ps_reload_free. Returns 0, or PENSTOCK_E_NOMEM. */
int ps_reload_compare(ps_reload *reload, const ps_reload_sides *sides);
void ps_reload_free(ps_reload *reload);
/** Is it this key of the profile, too? */
int ps_reload_has(const ps_reload *reload, const char *key);
/** "hold, drain (at once); endpoint (once it serves)", a string to free(); NULL if out of memory. */
char *ps_reload_text(const ps_reload *reload);
/** A list of {"section","key","when"}. A new reference. */
json_t *ps_reload_json(const ps_reload *reload);
struct ps_reload_event;
/** An event, as subscribers get it and `up --json` prints it. A new reference. */
json_t *ps_reload_event_json(const struct ps_reload_event *event);

#endif

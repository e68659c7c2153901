/* SPDX-License-Identifier: MIT */
/**
 * @file control.h
 * The words of the control socket: what a gateway can be asked, as a table, and the bounds that both ends keep.
 * docs/CONTROL.md is the contract; this is what the code has of it.
 */
#ifndef PS_CONTROL_H
#define PS_CONTROL_H

#include <jansson.h>
#include <penstock/sdk.h>

/** Version of the protocol that the greeting names. It changes only when an old client could misunderstand. */
#define PS_CONTROL_PROTOCOL 1
/** Longest line of a client, in bytes without its end. */
#define PS_CONTROL_LINE_MAX ((size_t)64 * 1024)
/** Longest `id` of a request that is a text, in bytes. */
#define PS_CONTROL_ID_MAX 128

/** What a field holds. */
typedef enum ps_control_type {
  PS_CONTROL_INT,   /**< a whole number from `least` to `most` */
  PS_CONTROL_TEXT,  /**< a text of `least` to `most` bytes */
  PS_CONTROL_WORDS, /**< a list of words, each of them one of `words` */
  PS_CONTROL_TEXTS  /**< a list of texts, in all of `least` to `most` bytes, each counted with one more */
} ps_control_type;

/** A field of a request. */
typedef struct ps_control_field {
  const char *name;
  ps_control_type type;
  int64_t least;
  int64_t most;
  const char *const *words; /**< NULL-terminated */
  const char *help;         /**< one line */
} ps_control_field;

typedef struct ps_control_call ps_control_call;

/** One kind of request. */
typedef struct ps_control_kind {
  const char *name;
  const char *help;               /**< one line */
  const ps_control_field *fields; /**< `field_count` of them; none has to be given */
  size_t field_count;
  void (*handle)(void *context, ps_control_call *call); /**< owns the call: see server.h */
} ps_control_kind;

/** All that can be asked. */
typedef struct ps_control_table {
  const ps_control_kind *kinds;
  size_t count;
} ps_control_table;

/** Why a request was refused: the `error` of an answer. The codes are those of docs/CONTROL.md. */
typedef struct ps_control_fault {
  const char *code; /**< static */
  char what[512];
  char next[512];
  /* Of an error of the way, if that is why; else NONE, and empty. */
  uint32_t leg;
  uint32_t error_class;
  char detail[sizeof(((penstock_error *)0)->detail)];
} ps_control_fault;

/** Says it; the next step is empty until ps_control_fault_next, and there is no cause until ps_control_fault_cause. */
void ps_control_fault_set(ps_control_fault *fault, const char *code, const char *format, ...) PENSTOCK_PRINTF(3, 4);
void ps_control_fault_next(ps_control_fault *fault, const char *format, ...) PENSTOCK_PRINTF(2, 3);
/** An error of the way is why: takes over its leg, class and detail. */
void ps_control_fault_cause(ps_control_fault *fault, const penstock_error *cause);
/** {"code","what","next"}, and with a cause {"leg","class","detail"}. A new reference. */
json_t *ps_control_fault_json(const ps_control_fault *fault);

/** The table as JSON, for whoever asks what can be asked. A new reference. */
json_t *ps_control_table_json(const ps_control_table *table);

#endif

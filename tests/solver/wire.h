/* SPDX-License-Identifier: MIT */
/**
 * @file wire.h
 * The wire protocol: one request a connection. Each wire_* function serves one kind of request after its
 * 4-byte header has been read, up to the last byte of the answer.
 */
#ifndef DEMO_WIRE_H
#define DEMO_WIRE_H

#include <jansson.h>

#include "conn.h"
#include "options.h"
#include "store.h"

#define WIRE_PROTOCOL_VERSION "0.18"
/** The longest TCMD text and JSON line, in bytes. */
#define WIRE_MAX_TEXT 65536

/** What all connections share. */
typedef struct demo_solver {
  const demo_options *options;
  demo_store store;
} demo_solver;

/** Serves a whole connection: reads the header and calls one of those below. */
void wire_serve(demo_solver *solver, demo_conn *conn);

/** TCMD: `--key value …`, with a length in front or up to the half-close. */
void wire_tcmd(demo_solver *solver, demo_conn *conn);
/** JSON: one line, then what it announces. */
void wire_json(demo_solver *solver, demo_conn *conn);
/** BDAT, and the headers for tests and benchmarks. Returns 0 if `header` is one of them, else -1. */
int wire_raw(demo_conn *conn, const char *header);

/** Sends a JSON object and a line end; takes `object` over. */
void wire_answer(demo_conn *conn, json_t *object);
/** Sends {"error": text}. */
void wire_error(demo_conn *conn, const char *text);

/**
 * Finds `--key` in a TCMD text: its value, up to the next " --", goes to `value` (cut to `size`), "" if it has
 * none. Returns 1 if the key is there.
 */
int wire_tcmd_find(const char *text, const char *key, char *value, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file tcmd.h
 * The TCMD probe that tells a solver from any other listener, as bytes in and a verdict out: no I/O here,
 * so that `penstock probe` (a socket) and a lane (a transport's stream) share it.
 */
#ifndef PS_TCMD_H
#define PS_TCMD_H

#include <stddef.h>

#include "base/text.h"

/** How long one try may take, in milliseconds, and how large an answer may be, in bytes. */
#define PS_TCMD_TIMEOUT_MS 1500
#define PS_TCMD_MAX_ANSWER 65536

/**
 * The bytes to send. `legacy` = the old server's form without the length prefix. In both forms the sender
 * half-closes afterwards. Returns a static buffer; *size is its length.
 */
const void *ps_tcmd_request(int legacy, size_t *size);

/** Longest name of a project that is asked about, in bytes. */
#define PS_TCMD_NAME_MAX 256
/** Can a question be about a project of this name, or would a solver read it as something else? */
int ps_tcmd_name_fits(const char *name);
/** Adds the bytes that ask about a project; its name fits. */
void ps_tcmd_question(ps_text *text, const char *name, int legacy);

/** What an answer is. */
typedef enum ps_tcmd_verdict { PS_TCMD_SOLVER, PS_TCMD_NOT_SOLVER } ps_tcmd_verdict;

/**
 * Judges a complete answer (up to EOF). A solver's is a JSON object with a text `protocol_version`, which
 * is copied to `version` (cut to its size). Control characters in it make it no solver.
 */
ps_tcmd_verdict ps_tcmd_judge(const char *answer, size_t size, char *version, size_t version_size);

/** Room for what is kept of an answer, in bytes. */
#define PS_TCMD_SAID_SIZE 2048
/**
 * What a solver says of itself in an answer: its members as a JSON object in ASCII, in `size` bytes of `said`. Long
 * ones, and what does not fit, are left out; "" for what is no object.
 */
void ps_tcmd_said(const char *answer, size_t answer_size, char *said, size_t size);

#endif

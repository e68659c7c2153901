/* SPDX-License-Identifier: MIT */
/**
 * @file status_text.h
 * A gateway's status in words: what `penstock status` prints, and `--watch` keeps up to date. Each function adds whole
 * lines with marks (marks.h), of text that is safe to show, or none.
 */
#ifndef PS_STATUS_TEXT_H
#define PS_STATUS_TEXT_H

#include <jansson.h>

#include "base/text.h"

/** The text of a member; "" if there is none. Borrowed. */
const char *ps_status_word(const json_t *object, const char *key);
/** The number of a member; 0 if there is none, or for less. */
uint64_t ps_status_number(const json_t *object, const char *key);

/** Who it is, its state, since when, and where it listens. */
void ps_status_headline(ps_text *text, const json_t *status);
/** Why it is not up, when it tries again, how often it has, what it does now. */
void ps_status_reason(ps_text *text, const json_t *status);
/** The solver that is served, and what it says of itself. */
void ps_status_solver(ps_text *text, const json_t *status);
/** Streams, and who waits. */
void ps_status_streams(ps_text *text, const json_t *status);
/** What was carried, and how fast it goes. */
void ps_status_carried(ps_text *text, const json_t *status);
/** What comes, and what leaves. */
void ps_status_swap(ps_text *text, const json_t *status);
/** The legs of the way, a line each; and all of them in one line. */
void ps_status_legs(ps_text *text, const json_t *status);
void ps_status_way(ps_text *text, const json_t *status);
/** The last error, if it is not why it is not up. */
void ps_status_last_error(ps_text *text, const json_t *status);
/** What a solver has answered about a project: {"name", "answer", "error"}. */
void ps_status_project(ps_text *text, const json_t *project);

/** All of it, as `penstock status` prints it. */
void ps_status_text(ps_text *text, const json_t *status);

#endif

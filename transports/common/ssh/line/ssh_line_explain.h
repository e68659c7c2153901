/* SPDX-License-Identifier: MIT */
/**
 * @file ssh_line_explain.h
 * A pasted `ssh …` line as a profile of transport `ssh` that means the same.
 */
#ifndef TRANSPORTS_SSH_LINE_EXPLAIN_H
#define TRANSPORTS_SSH_LINE_EXPLAIN_H

#include <penstock/explain.h>

#include "common/ssh/line/ssh_line.h"

/**
 * Tells `sink` the profile and the notes. Blocks while ssh is asked for its settings (5 s at most): `key` stands for
 * -i only where ssh_config names no other key. Returns 0, or a negative code with `error`.
 */
int ssh_line_explain(const ssh_line *line, const penstock_explain_sink *sink, penstock_error *error);

#endif

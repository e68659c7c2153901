/* SPDX-License-Identifier: MIT */
/**
 * @file record.h
 * What is kept of a launched solver, in `<root>\.penstock-PORT.solver`: who it is. Nothing here needs Windows.
 *
 * A process is known by its number and the time at which it began, and proven by the job that it is in, whose name
 * holds the token: the record alone proves nothing.
 *
 * Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_RECORD_H
#define TRANSPORTS_NATIVE_RECORD_H

#include <stddef.h>
#include <stdint.h>

/** 32 hexadecimal digits and the NUL. */
#define RECORD_TOKEN_SIZE 33
#define RECORD_NAME_SIZE  64

typedef struct record {
  uint32_t pid;
  uint64_t start; /**< creation time of the process, in units of 100 ns since 1601 */
  char token[RECORD_TOKEN_SIZE];
  char log[RECORD_NAME_SIZE];      /**< file of its output, in the solver's folder */
  char progress[RECORD_NAME_SIZE]; /**< file of its marks, there too */
} record;

/** Writes it as text. Returns the length, or -1 if it does not fit. */
int record_write(const record *kept, char *text, size_t size);
/** Reads it. Returns 0, or -1 if it is none. `text` need not end with a NUL. */
int record_read(const char *text, size_t size, record *kept);

/** What the solver's file of marks says. */
typedef enum record_mark {
  RECORD_MARK_NONE,
  RECORD_MARK_STARTING,
  RECORD_MARK_READY,
  RECORD_MARK_FAILED /**< a line with ERROR or FAILED, which is copied to `line` */
} record_mark;
record_mark record_read_mark(const char *text, size_t size, char *line, size_t line_size);

/** The last `lines` lines of a text, as far as they fit: sets *begin to where they start. Returns their length. */
size_t record_tail(const char *text, size_t size, unsigned lines, const char **begin);

#endif

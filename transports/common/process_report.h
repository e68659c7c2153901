/* SPDX-License-Identifier: MIT */
/**
 * @file process_report.h
 * From what a script of the process runtime found out to words for the user. No I/O. Thread: any.
 */
#ifndef TRANSPORTS_PROCESS_REPORT_H
#define TRANSPORTS_PROCESS_REPORT_H

#include <penstock/sdk.h>

enum { PROCESS_REPORT_THERE_SIZE = 320 };

/** Writes a carrier's `where` with the word that goes before it: "on gpu01", "in container 'ppf' on gpu01". */
void process_report_there(const char *where, char text[PROCESS_REPORT_THERE_SIZE]);

/** What the words need besides the script's output. Borrowed. `*_origin` may be NULL. */
typedef struct process_report_context {
  const char *where;           /**< "this machine", "gpu01" */
  uint16_t port;               /**< of the endpoint */
  const char *root_origin;     /**< "file:line" where `root` was set */
  const char *endpoint_origin; /**< the same of `endpoint` */
} process_report_context;

/**
 * Fills in `error` for an outcome that is no success. `output` is what the script said; an `outcome` that is not
 * known is a defect, and said to be one.
 */
void process_report(const process_report_context *context, const char *output, size_t size, penstock_error *error);
/** What `end` has found out, in words. Returns a penstock_end; `error` is filled in unless it is UNKNOWN. */
uint32_t process_report_end(const process_report_context *context, const char *output, size_t size,
                            penstock_error *error);
/** The error for a listener that nobody could be asked about; `why` is the script's error. Keeps its detail. */
void process_report_unasked(const process_report_context *context, const penstock_error *why, penstock_error *error);
/** The error for a solver that was not ready in time; `tail` is the end of its log, `log_file` its path; both may be
 * NULL. */
void process_report_timeout(const process_report_context *context, const char *log_file, const char *tail,
                            penstock_error *error);

#endif

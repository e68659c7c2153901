/* SPDX-License-Identifier: MIT */
/** @file options.h The demo solver's command line: the real solver's flags, and a few of its own. */
#ifndef DEMO_OPTIONS_H
#define DEMO_OPTIONS_H

#include "faults.h"

/** Settings; texts are borrowed from argv and the environment. */
typedef struct demo_options {
  const char *host;          /**< --host, 127.0.0.1 */
  const char *port;          /**< --port, 9090; 0 = any free one */
  const char *progress_file; /**< --progress-file, progress.log in the working directory */
  const char *data_dir;      /**< --data-dir, data in the working directory */
  int debug;                 /**< --debug: a line for every connection */
  int child;                 /**< --child or DEMO_CHILD=1: a child that inherits the listening socket */
  demo_faults faults;
} demo_options;

/** Reads the environment and argv. Returns -1 to go on, else the exit code (help, or a usage error). */
int options_read(demo_options *out, int argc, char **argv);

#endif

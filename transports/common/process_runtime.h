/* SPDX-License-Identifier: MIT */
/**
 * @file process_runtime.h
 * The solver as a plain process on the carrier's machine: check, launch, wait, stop, and who else holds
 * the port. SOLVER.md's launch recipe lives here once, as POSIX sh, for this machine and for SSH.
 *
 * A launched solver is known by pid + start time + token, recorded in `<root>/.penstock-<port>.solver`
 * and proven against the live process before anything is done to it.
 *
 * Thread: the lane's. Its slots are those of runtime.h.
 */
#ifndef TRANSPORTS_PROCESS_RUNTIME_H
#define TRANSPORTS_PROCESS_RUNTIME_H

#include "carrier.h"
#include "runtime.h"

/**
 * The options that a transport with this runtime declares, to be put into its table:
 * `static const penstock_option options[] = {PROCESS_RUNTIME_OPTIONS, …}`. See process_runtime_create.
 *   endpoint  ADDRESS  127.0.0.1:9090   where the solver listens, as seen from its machine
 *   root      far path                  folder of the solver (without it, none is launched from here)
 *   gpu       STRING                    CUDA_VISIBLE_DEVICES of the launched solver: index or UUID
 *   env       ENV                       more environment for the launched solver
 *   venv      far path ~/.local/share/ppf-cts/venv   sourced before the launch if it is there
 *   program   far path                  the solver's program, if it is not where SOLVER.md says
 *   args      LIST                      more arguments for the solver
 *   debug     BOOL no                   launch with --debug
 */
#define PROCESS_RUNTIME_OPTIONS PROCESS_RUNTIME_OPTIONS_AT("127.0.0.1:9090")

/** The same with another default endpoint. */
#define PROCESS_RUNTIME_OPTIONS_AT(default_endpoint)                                                                   \
  PROCESS_RUNTIME_OPTION(ADDRESS, 0, "endpoint", default_endpoint,                                                     \
                         "Where the solver listens, as seen from its own machine (host:port)"),                        \
      PROCESS_RUNTIME_OPTION(                                                                                          \
          STRING, PENSTOCK_OPTION_FAR_PATH, "root", NULL,                                                              \
          "Folder of the solver, on its machine or in its container; penstock launches none without it"),              \
      PROCESS_RUNTIME_OPTION(STRING, 0, "gpu", NULL,                                                                   \
                             "GPU of the launched solver: index or UUID (CUDA_VISIBLE_DEVICES)"),                      \
      PROCESS_RUNTIME_OPTION(ENV, 0, "env", NULL, "More environment for the launched solver: NAME=value, ..."),        \
      PROCESS_RUNTIME_OPTION(STRING, PENSTOCK_OPTION_FAR_PATH, "venv", "~/.local/share/ppf-cts/venv",                  \
                             "Python environment that is activated before the launch if it is there"),                 \
      PROCESS_RUNTIME_OPTION(STRING, PENSTOCK_OPTION_FAR_PATH, "program", NULL,                                        \
                             "The solver's program, if it is not <root>/target/release/ppf-cts-server"),               \
      PROCESS_RUNTIME_OPTION(LIST, 0, "args", NULL, "More arguments for the launched solver"),                         \
      PROCESS_RUNTIME_OPTION(BOOL, 0, "debug", "no", "Launch the solver with --debug")

/** One row of the above. */
#define PROCESS_RUNTIME_OPTION(type, flags, key, default_value, help)                                                  \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, flags, 0, key, default_value, help, 0, 0, NULL }

/** Reads its options from `config`. `where` must outlive it. NULL with `error` on failure. */
solver_runtime *process_runtime_create(carrier *where, const penstock_config *config, penstock_error *error);

/**
 * The address that a solver launched from now on is told to bind, and at which others that listen are looked for;
 * copied. NULL: that of `endpoint`. For a runtime whose solver is reached by another address than it knows.
 */
void process_runtime_bind(solver_runtime *self, const char *host);
/** Port of `endpoint`. */
uint16_t process_runtime_port(const solver_runtime *self);

#endif

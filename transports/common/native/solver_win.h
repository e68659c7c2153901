/* SPDX-License-Identifier: MIT */
/**
 * @file solver_win.h
 * What is done about a solver on this machine: look for it, start it, see whether it is ready, end it, name who else
 * has its port. All of it blocks, and runs on a worker thread.
 *
 * A solver is started in a job of its own, which holds all that it starts. The job ends with its last handle, and
 * everything in it with the job: with `keep` the solver itself has one, so that it outlives us, and its children do not
 * outlive it; without, we alone have it, so that nothing is left however we end. The job has a name made of the
 * record's token, by which a later gateway finds it.
 */
#ifndef TRANSPORTS_NATIVE_SOLVER_WIN_H
#define TRANSPORTS_NATIVE_SOLVER_WIN_H

#include <windows.h>

#include <penstock/check.h>
#include <penstock/end.h>
#include <penstock/sdk.h>

/** What a profile says. All its own; free with solver_settings_free. */
typedef struct solver_settings {
  int is_plain;  /**< it brings no Python of its own: `venv` is what counts (the transport local) */
  char *root;    /**< NULL = none is launched */
  char *venv;    /**< folder of a Python environment; NULL = none */
  char *program; /**< NULL = in the usual places */
  char *host;    /**< to listen on */
  uint16_t port;
  char **env;  /**< NAME=value, NULL-terminated */
  char **args; /**< NULL-terminated */
  int debug;
  int keep;              /**< it outlives us */
  char *root_origin;     /**< where `root` was set; NULL = nowhere */
  char *endpoint_origin; /**< the same of `endpoint` */
} solver_settings;

/** Reads them. NULL with `error` on failure. */
solver_settings *solver_settings_read(const penstock_config *config, int is_plain, penstock_error *error);
void solver_settings_free(solver_settings *settings);

/** Checks what a launch needs, and changes nothing. Returns 0 or a negative code with `error`. */
int solver_validate(const solver_settings *settings, penstock_error *error);
/** Starts it, unless it runs. `told` gets a few words of what was done. Returns 0 or a negative code with `error`. */
int solver_launch(const solver_settings *settings, char *told, size_t size, penstock_error *error);
/**
 * Is it ready? 1 yes, 0 not yet, or a negative code with `error` if it never will be. At the end of the patience
 * (`is_late`) not yet is an error too, with the end of its log.
 */
int solver_is_ready(const solver_settings *settings, int is_late, penstock_error *error);
/** Ends it with all that it started: asked first, by force after 5 s or `patience_ms`, if that is less.
 * Returns 0 (also if it does not run), or a negative code with `error`. */
int solver_stop(const solver_settings *settings, DWORD patience_ms, penstock_error *error);
/** Looks for one that runs already, so that it is known how it ends. */
void solver_look_for(const solver_settings *settings);
/** How has the one of the record ended? A penstock_end, with `error` as penstock_end_ext::how has it. */
uint32_t solver_end(const solver_settings *settings, penstock_error *error);
/** Tells `sink` where everything is (penstock_check_ext::check). */
int solver_check(const solver_settings *settings, const penstock_check_sink *sink, penstock_error *error);
/** Says in `error` who has the solver's port. */
void solver_identify(const solver_settings *settings, penstock_error *error);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file container_report.h
 * From what an engine's client said to words for the user. No I/O. Thread: any.
 *
 * Clients say in English what went wrong, and their exit statuses say little: what they mean is read from their
 * standard error, as docker 20.10 to 28, podman 4 and sudo write it.
 */
#ifndef TRANSPORTS_CONTAINER_REPORT_H
#define TRANSPORTS_CONTAINER_REPORT_H

#include "common/container/container_settings.h"
#include "common/container/container_view.h"

#include <penstock/sdk.h>

/** What a failed call of the client comes down to. */
typedef enum container_fault {
  CONTAINER_FAULT_OTHER,
  CONTAINER_FAULT_NO_CLIENT,   /**< there is no such command */
  CONTAINER_FAULT_OPTION,      /**< `engine` has an option that its command does not know */
  CONTAINER_FAULT_PERMISSION,  /**< this user may not use the engine's socket */
  CONTAINER_FAULT_NO_ENGINE,   /**< the engine does not run */
  CONTAINER_FAULT_UNREACHABLE, /**< it is on another machine, which cannot be reached */
  CONTAINER_FAULT_SILENT,      /**< it does not answer */
  CONTAINER_FAULT_CONTEXT,     /**< the client's context or connection does not exist */
  CONTAINER_FAULT_TLS,
  CONTAINER_FAULT_VERSION, /**< client and engine do not understand each other */
  CONTAINER_FAULT_SUDO_PASSWORD,
  CONTAINER_FAULT_SUDO_DENIED,
  CONTAINER_FAULT_PODMAN_SETUP, /**< podman cannot work for this user */
  CONTAINER_FAULT_ABSENT,       /**< no such container */
  CONTAINER_FAULT_STOPPED,      /**< the container does not run */
  CONTAINER_FAULT_PAUSED,
  CONTAINER_FAULT_NO_SHELL,   /**< the container has no /bin/sh */
  CONTAINER_FAULT_NO_USER,    /**< no such user in the container */
  CONTAINER_FAULT_NO_WORKDIR, /**< no such folder in the container */
  CONTAINER_FAULT_PORT_TAKEN, /**< a port that it publishes is in use */
  CONTAINER_FAULT_NO_GPU,     /**< the engine cannot give a container a GPU */
  CONTAINER_FAULT_NO_COMMAND, /**< the container's own command is not in it */
  CONTAINER_FAULT_DISK_FULL,
  CONTAINER_FAULT_NO_MOUNT,     /**< a folder that it mounts is not there */
  CONTAINER_FAULT_NO_COMPOSE,   /**< compose is not installed */
  CONTAINER_FAULT_COMPOSE_FILE, /**< compose finds no file */
  CONTAINER_FAULT_NO_SERVICE,   /**< the compose file has no such service */
  CONTAINER_FAULT_PROJECTS      /**< several projects have such a service */
} container_fault;

/**
 * `call`: which call it was, in the scripts' words: find, version, context, info, inspect, ps, start, unpause, compose,
 * exec, projects. `code`: its exit status. `said`: its standard error.
 */
container_fault container_report_classify(const char *call, int64_t code, const char *said);

/** What the words need besides. Borrowed. */
typedef struct container_report_context {
  const char *where;  /**< "this machine", "gpu01" */
  const char *engine; /**< the client's command: "docker" */
  const char *at;     /**< address of its engine, "" if unknown */
  const container_settings *settings;
} container_report_context;

/**
 * Fills in `error` for a failed call: leg CONTAINER. Class TRANSIENT if it may pass by itself, else CONFIG. `detail`
 * gets all of `said`, if there is more in it than in the words.
 */
void container_report_call(const container_report_context *context, const char *call, int64_t code, const char *said,
                           penstock_error *error);
/** The error for a client that did not end in time. */
void container_report_silent(const container_report_context *context, penstock_error *error);

/**
 * The error for a container that does not exist. `there`: what is, a line each of name, image, status with tabs
 * between; `images`: a line each of name:tag. Both may be NULL (could not be asked).
 */
void container_report_absent(const container_report_context *context, const char *there, const char *images,
                             penstock_error *error);
/** The error for one that does not run and may not be started. */
void container_report_held(const container_report_context *context, const container_view *view, penstock_error *error);
/** The error for one that was started and has ended again, or is started again and again. The log is not in it yet. */
void container_report_ended(const container_report_context *context, const container_view *view, penstock_error *error);
/** The error for one in a state in which nothing can be done with it. */
void container_report_stuck(const container_report_context *context, const container_view *view, penstock_error *error);

/** `text` becomes the detail of `error`, its end if it is too long. */
void container_report_detail(penstock_error *error, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file container_settings.h
 * The options of a transport whose solver lives in a container, and what they ask for. Pure. Thread: any.
 */
#ifndef TRANSPORTS_CONTAINER_SETTINGS_H
#define TRANSPORTS_CONTAINER_SETTINGS_H

#include <penstock/sdk.h>

/**
 * For a transport's table, together with PROCESS_RUNTIME_OPTIONS (process_runtime.h), which hold inside the container:
 *
 * - `container` STRING: exact name or id; this or `service`
 * - `service` STRING: name of a compose service; `project` STRING says of which project, if there are several
 * - `compose_file` far path: for `start_compose`; on the engine's machine
 * - `start_compose` BOOL no: bring the service up if it has no container
 * - `engine` STRING auto: the client's command, split as a shell would: docker, podman, "sudo -n docker", a path; auto
 * = docker, else podman. It runs on the engine's machine: variables mean nothing in it, and `~/` is left to that
 * machine
 * - `reach` CHOICE auto: the way to the solver, see container_paths.h
 * - `start_container` BOOL yes: start one that is stopped, unpause one that is paused; no: either is an error
 * - `expose_warning` CHOICE warn: what to do about a port that other machines may reach: warn, error, off
 * - `container_user` STRING: user in the container (exec -u)
 * - `container_workdir` STRING: working directory in the container (exec -w), an absolute path
 *
 * `endpoint`: its port alone means something; its host is 127.0.0.1 or 0.0.0.0 (or another loopback or wildcard).
 */
#define CONTAINER_OPTIONS                                                                                              \
  CONTAINER_OPTION(STRING, 0, "container", NULL, "Name or id of the container, in full", NULL),                        \
      CONTAINER_OPTION(STRING, 0, "service", NULL, "Compose service whose container it is, instead of `container`",    \
                       NULL),                                                                                          \
      CONTAINER_OPTION(STRING, 0, "project", NULL, "Compose project of `service`; needed if several have one", NULL),  \
      CONTAINER_OPTION(STRING, PENSTOCK_OPTION_FAR_PATH, "compose_file", NULL,                                         \
                       "Compose file of `service`, on the engine's machine; for `start_compose`", NULL),               \
      CONTAINER_OPTION(BOOL, 0, "start_compose", "no", "Bring `service` up if it has no container", NULL),             \
      CONTAINER_OPTION(STRING, 0, "engine", "auto",                                                                    \
                       "Command of the engine's client: docker, podman, \"sudo -n docker\", a path; auto = what is "   \
                       "there",                                                                                        \
                       NULL),                                                                                          \
      CONTAINER_OPTION(CHOICE, 0, "reach", "auto",                                                                     \
                       "Way to the solver: its published port, the container's own address, a command in it; auto = "  \
                       "the first that works",                                                                         \
                       container_reach_words),                                                                         \
      CONTAINER_OPTION(BOOL, 0, "start_container", "yes", "Start it if it is stopped, unpause it if it is paused",     \
                       NULL),                                                                                          \
      CONTAINER_OPTION(CHOICE, 0, "expose_warning", "warn",                                                            \
                       "What to do about a port that other machines may reach: warn, refuse (error), nothing",         \
                       container_exposure_words),                                                                      \
      CONTAINER_OPTION(STRING, 0, "container_user", NULL, "User in the container; if unset, the container's own",      \
                       NULL),                                                                                          \
      CONTAINER_OPTION(STRING, 0, "container_workdir", NULL,                                                           \
                       "Working directory in the container; if unset, the container's own", NULL)

/** One row of the above. */
#define CONTAINER_OPTION(type, flags, key, default_value, help, choices)                                               \
  { sizeof(penstock_option), PENSTOCK_OPTION_##type, flags, 0, key, default_value, help, 0, 0, choices }

/** Choices of the above, in the order of the enums below, NULL-terminated. */
extern const char *const container_reach_words[];
extern const char *const container_exposure_words[];

typedef enum container_reach {
  CONTAINER_REACH_AUTO,
  CONTAINER_REACH_PUBLISHED,
  CONTAINER_REACH_BRIDGE,
  CONTAINER_REACH_EXEC
} container_reach;

typedef enum container_exposure {
  CONTAINER_EXPOSURE_WARN,
  CONTAINER_EXPOSURE_ERROR,
  CONTAINER_EXPOSURE_OFF
} container_exposure;

/** Words of an engine's command at most. */
#define CONTAINER_ENGINE_WORDS_MAX 8

/** Texts are the config's, but `words`. Zero-initialise; container_settings_clear. */
typedef struct container_settings {
  const penstock_config *config; /**< for the places of options, in messages */
  const char *container;         /**< NULL: a service is asked for */
  const char *service;
  const char *project;
  const char *compose_file;
  int start_compose;
  char *words[CONTAINER_ENGINE_WORDS_MAX + 1]; /**< of `engine`, NULL-terminated; none = auto */
  container_reach reach;
  int start_container;
  container_exposure exposure;
  const char *user;
  const char *workdir;
  const char *listen; /**< the gateway's own listener where the engine's client runs on its machine (the transport
                           `docker`): what leads there leads to no solver. NULL: the client runs elsewhere */
  int has_root;       /**< the profile says where to launch a solver; else the container's own command is the solver */
  uint16_t port;      /**< of the solver, in the container: that of `endpoint` */
} container_settings;

/**
 * Reads and checks the options. `config` must outlive the settings. Returns 0, or a negative code with `error` (class
 * CONFIG; nothing is to be cleared then), which says where the option is set: neither or both of container and service;
 * a name with characters that no engine allows (which keeps a leading dash out of the client's options); options of a
 * service without one; start_compose without a file; an `endpoint` whose host means nothing in a container; a user or
 * folder that cannot be one; an engine's command that is none.
 */
int container_settings_read(container_settings *settings, const penstock_config *config, penstock_error *error);
void container_settings_clear(container_settings *settings);
/** For messages: "container 'ppf'", "service 'app' of project 'lab'". */
void container_settings_name(const container_settings *settings, char *text, size_t size);
/**
 * For messages: what to write after `-p` to publish the solver's port safely, "127.0.0.1:9090:9090". The port on which
 * the gateway itself listens there is left to it.
 */
void container_settings_publish(const container_settings *settings, char *text, size_t size);

#endif

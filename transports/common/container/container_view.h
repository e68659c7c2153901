/* SPDX-License-Identifier: MIT */
/**
 * @file container_view.h
 * What a look at the engine found out: the container, its state, where its port is published, its addresses, and who
 * listens on the port inside. Read from the output of sh/container_look.sh. Pure. Thread: any.
 */
#ifndef TRANSPORTS_CONTAINER_VIEW_H
#define TRANSPORTS_CONTAINER_VIEW_H

#include "common/address.h"

#include <penstock/sdk.h>

typedef enum container_state {
  CONTAINER_ABSENT,  /**< the engine knows none of that name or id */
  CONTAINER_CREATED, /**< podman: configured and initialized, too */
  CONTAINER_RUNNING,
  CONTAINER_PAUSED,
  CONTAINER_RESTARTING,
  CONTAINER_REMOVING,
  CONTAINER_EXITED, /**< podman: stopped, too */
  CONTAINER_DEAD,
  CONTAINER_OTHER /**< see status */
} container_state;

typedef enum container_network {
  CONTAINER_NETWORK_OWN,   /**< addresses of its own */
  CONTAINER_NETWORK_HOST,  /**< that of the engine's machine */
  CONTAINER_NETWORK_NONE,  /**< loopback alone */
  CONTAINER_NETWORK_SHARED /**< another container's: ports and addresses below are that one's */
} container_network;

/** Addresses of a kind at most; more are left out. */
#define CONTAINER_ADDRESSES_MAX 16

/** Where a port is published, or an address of a container. */
typedef struct container_address {
  char host[ADDRESS_HOST_SIZE]; /**< numeric. Published on all interfaces: "0.0.0.0" or "::" */
  uint16_t port;                /**< published: on the engine's machine. 0 for a container's address */
  char network[64];             /**< name of the network; "" for a published port */
} container_address;

typedef struct container_addresses {
  container_address items[CONTAINER_ADDRESSES_MAX];
  size_t count;
} container_addresses;

/** Plain memory: to be copied by assignment. Texts are printable, cut to fit, "" if unknown. */
typedef struct container_view {
  char engine[256];        /**< command of the client that was asked, for messages: "docker", "sudo -n docker" */
  char engine_version[64]; /**< of the client */
  int is_podman;
  int is_remote;       /**< the client talks to an engine on another machine: no address of it means anything here */
  char engine_at[256]; /**< where that is: "tcp://10.0.0.7:2376" */
  int is_rootless;     /**< a user's own engine: its containers' addresses are in a network of its own */
  int is_in_vm;        /**< the engine runs in a virtual machine of this one, and so do those addresses */

  container_state state;
  char status[32]; /**< the engine's own word for it */
  char id[65];     /**< "" if ABSENT. Always hexadecimal: what is asked of the engine later is asked by this */
  char name[256];
  char image[256];
  char command[256];   /**< of its main process */
  char arguments[256]; /**< what stands behind the image in the `run` that made it, as a shell reads it; "" = nothing,
                            or too much */
  int has_init;        /**< made with --init */
  int has_gpus;        /**< made with GPUs */
  int64_t pid;         /**< of its main process on the engine's machine; 0 = none */
  int exit_code;       /**< of its last end */
  int is_out_of_memory;
  int restart_count;
  char fault[512];     /**< the engine's error at its last start */
  char started_at[40]; /**< RFC 3339: changes with every start */

  container_network network;     /**< HOST and NONE also if it shares that of a container with such a one */
  char network_of[256];          /**< name (or id) of the container whose network it shares, else "" */
  container_addresses published; /**< of the solver's port (TCP), as the engine says */
  container_addresses own;       /**< addresses of the container */

  int knows_listeners;           /**< 0: nobody could be asked who listens inside */
  container_addresses listeners; /**< addresses inside on which the solver's port is listened to; port is set */
} container_view;

/**
 * Reads what a look said: lines `key=value` (script.h) that sh/container_look.sh prints.
 *   engine=docker            the client's command, as words
 *   version=20.10.24         of the client
 *   podman=1                 it is podman, by whatever name
 *   at=unix:///run/docker.sock   the engine that it talks to (docker: of its context or DOCKER_HOST); "" if unknown
 *   remote=0 or 1            1: that is on another machine
 *   container=JSON           what `inspect` says of it, as an object or an array with one; JSON of several lines (as
 *                            podman writes it) has the key before each; not there: none of that name or id
 *   shared=JSON              the same of the container whose network it shares
 *   listeners=known          the lines below are all there are; not there: nobody could be asked
 *   tcp=… tcp6=…             each a line of the container's /proc/net/tcp and tcp6 (proc(5)), at least those that
 *                            listen; its numbers in the order of a little-endian machine
 * Returns 0; or a negative code with `error` (leg CONTAINER, class INTERNAL) if the client's answer makes no sense;
 * `view` then holds what was said of the client. Nothing in the answer is trusted: sizes, types and depth are checked,
 * texts made fit to be shown, addresses that are none left out.
 */
int container_view_read(container_view *view, const char *output, size_t size, uint16_t port, penstock_error *error);

/**
 * Whoever connects to the container's address `host` gets to a listener of the solver's port: it listens on exactly
 * that one, or on all. "::" counts for IPv4 as well, as it does unless a program asks for the contrary.
 */
int container_view_listens_at(const container_view *view, const char *host);
/** The same for all of the container's own addresses of a family (4 or 6), for whoever cannot tell them apart. */
int container_view_listens_outside(const container_view *view, uint16_t family);
/**
 * Where machines other than the engine's may reach the port: published on an address that is no loopback one (all
 * interfaces first), or, in the network of the engine's machine, listened to there. NULL if nowhere that is known.
 */
const container_address *container_view_exposed(const container_view *view);

#endif

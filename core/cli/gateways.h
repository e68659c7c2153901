/* SPDX-License-Identifier: MIT */
/**
 * @file gateways.h
 * The gateways of this user that run now, for commands that ask one or all of them.
 * Thread: the main thread.
 */
#ifndef PS_GATEWAYS_H
#define PS_GATEWAYS_H

#include "control/client.h"
#include "control/place.h"

/** One that runs. */
typedef struct ps_gateway_found {
  char path[PS_CONTROL_PATH_SIZE];
  char label[320]; /**< "lab@9090": the profile in use and the port; of one that is silent, what its socket is called */
  ps_control_client client;
  int silent;           /**< it runs, and does not answer: `error` says how */
  penstock_error error; /**< of it */
} ps_gateway_found;

typedef struct ps_gateways {
  ps_gateway_found *items;
  size_t count;
  size_t others; /**< that run, and were not asked for */
} ps_gateways;

/**
 * Finds those that are called `name` (a profile, or "PROFILE@PORT"; NULL = all), each greeted. Returns 0, or a negative
 * code with `error` if there is none. ps_gateways_free in both cases.
 */
int ps_gateways_find(ps_gateways *found, const char *name, penstock_error *error);
/** The same for a command that means one: several are an error, too. */
int ps_gateways_find_one(ps_gateways *found, const char *name, penstock_error *error);
/** Is there no socket, but a folder that is not looked into? Then nobody knows whether a gateway runs: `error` says so.
 */
int ps_gateways_are_hidden(penstock_error *error);
void ps_gateways_free(ps_gateways *found);
/** Moves those of `from` that are not in `found` yet to its end. Returns 0, or PENSTOCK_E_NOMEM with nothing moved. */
int ps_gateways_merge(ps_gateways *found, ps_gateways *from);

/** Where a program of this machine connects to the port of a gateway that listens on `listen`. */
void ps_gateway_address(char *address, size_t size, const char *listen);
/** Asks one; see ps_control_client_ask. One that was crowded out is asked again. */
int ps_gateway_ask(ps_gateway_found *gateway, const char *request, json_t *fields, json_t **result,
                   penstock_error *error);
/** Finds out what is at a path: connects and is greeted. As ps_control_client_open; close its client in all cases. */
int ps_gateway_open(ps_gateway_found *gateway, const char *path, int timeout_ms);
/** Does a name mean it? "lab", or "lab@9090". */
int ps_gateway_is_called(const ps_gateway_found *gateway, const char *name);
/** Its label, by what a status of it says. */
void ps_gateway_relabel(ps_gateway_found *gateway, const json_t *status);
/** Connects to it again, after the connection was closed. Returns 0; PENSTOCK_E_NOT_FOUND if it has ended, or another
 * negative code with `error`. */
int ps_gateway_reopen(ps_gateway_found *gateway, penstock_error *error);
/** Waits until it has ended. Returns 0 or PENSTOCK_E_TIMEOUT. */
int ps_gateway_wait_for_end(ps_gateway_found *gateway, int timeout_ms);
/** The exit code of a command that could not have what it wanted of a gateway; `code` is what the functions above
 * returned. */
int ps_gateway_exit_code(const penstock_error *error, int code);
/**
 * Reads --drain into *fields ({"drain_ms"}, a new reference; NULL if it was not given). Returns 0, or an exit code
 * after a complaint.
 */
int ps_gateway_read_drain(const char *command, const char *text, json_t **fields);
/** Its profile as it says, else the socket's name. */
const char *ps_gateway_name(const ps_gateway_found *gateway);
/** Its port, "host:port", as it says; NULL if it is silent. */
const char *ps_gateway_listens(const ps_gateway_found *gateway);

#endif

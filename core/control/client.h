/* SPDX-License-Identifier: MIT */
/**
 * @file client.h
 * The other end of the control socket: for the command line, which may block.
 * Thread: any, one at a time.
 */
#ifndef PS_CONTROL_CLIENT_H
#define PS_CONTROL_CLIENT_H

#include "base/text.h"
#include "control/control.h"

/** A connection to a gateway. Zero-initialise; ps_control_client_close. */
typedef struct ps_control_client {
  penstock_socket socket;
  int is_open;
  ps_text in;                                        /**< what has come and was not read */
  json_t *greeting;                                  /**< the gateway's first line */
  json_t *events;                                    /**< lines that came while an answer was waited for */
  void (*heard)(void *context, const json_t *event); /**< gets those lines instead, as they come; NULL = nobody */
  void *context;                                     /**< for `heard` */
  int is_refused; /**< the last request was refused: the gateway has said so, and has not carried it out */
  uint32_t pid;   /**< of the gateway, as the system knows it; known even if it does not answer; 0 = not known */
  json_int_t last_id;
} ps_control_client;

/**
 * Connects and reads the greeting. Returns 0; PENSTOCK_E_NOT_FOUND if no gateway lives there; PENSTOCK_E_TIMEOUT if it
 * does not answer, or another negative code, with `error`. Close it in all cases.
 */
int ps_control_client_open(ps_control_client *client, const char *path, int timeout_ms, penstock_error *error);
/**
 * Asks and waits for the answer. `fields` (an object, or NULL) is taken. Returns 0 with *result, a new reference; or a
 * negative code with `error`, in the gateway's words if it refused (`is_refused`). If it did not, and the connection
 * was lost or the time is over, it is not known whether the request was carried out.
 */
int ps_control_client_ask(ps_control_client *client, const char *request, json_t *fields, int timeout_ms,
                          json_t **result, penstock_error *error);
/** Asks and does not wait: the answer is one of the lines that ps_control_client_next gives. Returns 0 or a negative
 * code with `error`. */
int ps_control_client_say(ps_control_client *client, const char *request, json_t *fields, int timeout_ms,
                          penstock_error *error);
/** The next event, a new reference. Returns 0, PENSTOCK_E_TIMEOUT, or PENSTOCK_E_CANCELLED once the gateway has closed
 * the connection. */
int ps_control_client_next(ps_control_client *client, int timeout_ms, json_t **event, penstock_error *error);
/** Waits until the gateway has closed the connection, as it does at its end. Returns 0 or PENSTOCK_E_TIMEOUT. */
int ps_control_client_wait(ps_control_client *client, int timeout_ms);
void ps_control_client_close(ps_control_client *client);

#endif

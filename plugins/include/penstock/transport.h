/* SPDX-License-Identifier: MIT */
/**
 * @file transport.h
 * The one vtable behind which every transport stands.
 *
 * Life of an instance (one attempt to be connected; a reconnect makes a new one):
 *
 *     create → connect → [probe by the host] → [validate → launch → ready → probe by the host]
 *            → open_stream … → [stop] → destroy
 *
 * The host probes the endpoint through open_stream after connect: a solver that answers is adopted, and
 * validate, launch and ready are skipped. A refused connect (leg ENDPOINT, class REFUSED) means that there
 * is none and, with `launch = auto`, the steps in brackets follow.
 *
 * Thread: all slots are called on the lane's thread, one instance on one thread for its whole life.
 * connect() may block within its deadline (key decryption, an agent, a touch); nothing else may block.
 *
 * Steps (connect, validate, launch, ready, stop, identify) are asynchronous: each is completed exactly
 * once with penstock_host::op_done, which may be called from inside the slot: the host goes on only on a
 * later turn. One step runs at a time. `deadline_ms` is how long it may take; the host calls cancel() when
 * it is over. Cancelling is a request: op_done still comes, with class CANCELLED (or success, if that was
 * faster).
 */
#ifndef PENSTOCK_TRANSPORT_H
#define PENSTOCK_TRANSPORT_H

#include "base.h"
#include "error.h"
#include "host.h"
#include "option.h"
#include "stream.h"

/** A transport's own state; its layout is the plugin's alone. */
typedef struct penstock_instance penstock_instance;

/** A transport. Constant data in the plugin; optional slots may be NULL. */
typedef struct penstock_transport {
  uint32_t struct_size;           /**< sizeof(penstock_transport) */
  uint32_t flags;                 /**< 0; none are defined yet */
  const char *name;               /**< what a profile writes as `transport =`; [a-z0-9-], at most 32 bytes */
  const char *summary;            /**< one line for the user */
  const penstock_option *options; /**< table of `option_count`; NULL if 0 */
  uint32_t option_count;          /**< entries in `options` */
  uint32_t reserved;              /**< 0 */

  /**
   * Makes an instance from checked options. No input or output here beyond reading files. On failure
   * returns a negative code, leaves *instance NULL and fills in `error`. `host` and `config` stay valid
   * until destroy() has returned.
   */
  int32_t (*create)(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                    penstock_error *error);
  /**
   * Frees an instance. The last call: every stream has been given back by then, a running step is
   * forgotten (no op_done is owed any more), open requests likewise. The link is closed; a launched solver
   * is left running (stop() is what ends it).
   */
  void (*destroy)(penstock_instance *instance);

  /** Establishes the link (legs dns, tcp, host-key, auth as they apply). At most once an instance. */
  void (*connect)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
  /** Optional. Checks what a launch needs (the root, the program, the engine), and changes nothing. */
  void (*validate)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
  /** Optional: NULL = the transport only forwards. Starts the solver; done when its process runs. */
  void (*launch)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
  /** Optional. Waits for the launched solver's own mark that it is ready; fails with the log's end if it dies. */
  void (*ready)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
  /**
   * Optional. Ends the solver at the endpoint if penstock launched it (now or in an earlier life), known by
   * pid, start time and token, never by name. Success if there is none such. An error of class REFUSED if the
   * transport never ends the solver of such a profile: that it goes on is what was to be expected, and `what` says why.
   */
  void (*stop)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
  /**
   * Optional. Something listens at the endpoint that is no solver, or does not answer: find out who. Completes
   * with an error (leg ENDPOINT, class REFUSED) whose text names the listener as well as can be known. Success
   * means that nobody listens there after all: something in front of the solver, such as a container engine's
   * port forwarder, accepts connections for it. The host then goes on as after a refused connect.
   */
  void (*identify)(penstock_instance *instance, penstock_op *op, uint64_t deadline_ms);
  /** Asks the running step to end early. Called at most once a step; never when there is none. */
  void (*cancel)(penstock_instance *instance, penstock_op *op);

  /**
   * Connects to the endpoint once; many may be under way. Ends with exactly one of
   * penstock_host::open_done_socket, open_done_credit, open_failed, from inside the slot or later.
   */
  void (*open_stream)(penstock_instance *instance, penstock_open *open, uint64_t deadline_ms);
  /** Asks for an early end of an open. One of the three completions still comes, soon. */
  void (*cancel_open)(penstock_instance *instance, penstock_open *open);

  /** Optional. An optional part of the transport by name, such as "penstock.hostkey/1"; NULL if it has none. */
  const void *(*get_extension)(penstock_instance *instance, const char *name);
} penstock_transport;

#endif

/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdlib.h>

#include "cli/out.h"
#include "gateway/gateway.h"

const char *ps_cli_exit_text(int exit_code) {
  static const char *const texts[] = {
      [PS_EXIT_OK] = "done",
      [PS_EXIT_FAILED] = "failed in a way that has no code of its own",
      [PS_EXIT_USAGE] = "the command line is wrong",
      [PS_EXIT_CONFIG] = "a profile, plugin or setting is wrong",
      [PS_EXIT_UNREACHABLE] = "the host, the solver or the gateway cannot be reached, or is busy",
      [PS_EXIT_AUTH] = "authentication was refused",
      [PS_EXIT_IDENTITY] = "the host's key is unknown or has changed",
      [PS_EXIT_PORT] = "the port is in use, or something listens there that is no solver",
      [PS_EXIT_LAUNCH] = "the solver, its container or the engine did not start or get ready",
  };
  return exit_code >= 0 && (size_t)exit_code < sizeof(texts) / sizeof(texts[0]) ? texts[exit_code] : NULL;
}

/* Where the way broke off, for errors whose class alone does not say what kind of failure it is. */
static ps_exit_code by_leg(const penstock_error *error) {
  switch (error->leg) {
  case PENSTOCK_LEG_DNS:
  case PENSTOCK_LEG_TCP:
    return PS_EXIT_UNREACHABLE;
  case PENSTOCK_LEG_CONTAINER:
  case PENSTOCK_LEG_LAUNCH:
  case PENSTOCK_LEG_READY:
    return PS_EXIT_LAUNCH;
  default:
    return error->error_class == PENSTOCK_CLASS_TRANSIENT ? PS_EXIT_UNREACHABLE : PS_EXIT_FAILED;
  }
}

ps_exit_code ps_cli_exit_code(const penstock_error *error) {
  if (!error) {
    return PS_EXIT_OK;
  }
  switch (error->error_class) {
  case PENSTOCK_CLASS_AUTH:
    return PS_EXIT_AUTH;
  case PENSTOCK_CLASS_PEER_IDENTITY:
    return PS_EXIT_IDENTITY;
  case PENSTOCK_CLASS_CONFIG:
    /* A name that does not resolve is a host that cannot be reached, whoever spelled it. */
    return error->leg == PENSTOCK_LEG_DNS ? PS_EXIT_UNREACHABLE : PS_EXIT_CONFIG;
  case PENSTOCK_CLASS_REFUSED:
    switch (error->leg) {
    case PENSTOCK_LEG_LOCAL:
    case PENSTOCK_LEG_ENDPOINT:
      return PS_EXIT_PORT;
    case PENSTOCK_LEG_AUTH:
      return PS_EXIT_AUTH;
    case PENSTOCK_LEG_HOST_KEY:
      return PS_EXIT_IDENTITY;
    default:
      return by_leg(error);
    }
  case PENSTOCK_CLASS_CANCELLED:
  case PENSTOCK_CLASS_INTERNAL:
    return PS_EXIT_FAILED;
  default:
    return by_leg(error);
  }
}

void ps_cli_leave_if_abandoned(int exit_code) {
  if (ps_gateway_abandoned()) {
    ps_out_stop();
    _Exit(ps_out_finish(exit_code));
  }
}

/* SPDX-License-Identifier: MIT */
#include "cli/far_command.h"

/* No gateway lends its control connection here (ps_control_as_socket), and each says so before anything is to be moved:
 * what is said of this one is that the connection broke. */
int ps_far_pump(penstock_socket socket, int takes_input, ps_trailer *trailer, ps_trailer_emit *emit, void *context) {
  (void)socket;
  (void)takes_input;
  (void)trailer;
  (void)emit;
  (void)context;
  return PENSTOCK_OK;
}

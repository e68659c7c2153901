/* SPDX-License-Identifier: MIT */
#include "cli/far_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gateways.h"
#include "cli/term.h"

/* The gateway has 15 s to begin it. */
#define PATIENCE_MS 25000

int ps_far_to_stdout(void *context, const void *data, size_t size) {
  (void)context;
  if (ps_term_write(PS_STDOUT, data, size) == 0) {
    return PENSTOCK_OK;
  }
  if (errno == EPIPE) {
    return PENSTOCK_E_CANCELLED;
  }
  (void)fprintf(stderr, "penstock: cannot write to standard output: %s\n", strerror(errno));
  return PENSTOCK_E_LIMIT;
}

static int cut_off(const ps_trailer *trailer, penstock_error *error) {
  int code =
      penstock_fail(error, PENSTOCK_LEG_STREAM, PENSTOCK_CLASS_TRANSIENT,
                    trailer->matched == trailer->mark_size ? "the command has ended, and how was cut off"
                                                           : "the connection to the command broke before it had ended");
  penstock_next(error, "`penstock status` and the gateway's log show why; whether the command goes on is not known");
  return code;
}

static int carry(const ps_far_command *command, ps_control_client *client, const char *mark, ps_far_end *end,
                 penstock_error *error) {
  ps_trailer trailer;
  if (ps_trailer_begin(&trailer, mark) != PENSTOCK_OK) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                         "the gateway does not say how the command's output ends");
  }
  int result = client->in.data
                   ? ps_trailer_feed(&trailer, client->in.data, client->in.size, command->emit, command->context)
                   : PENSTOCK_OK;
  if (result == PENSTOCK_OK && !trailer.is_whole) {
    result = ps_far_pump(client->socket, command->takes_input, &trailer, command->emit, command->context);
  }
  if (result == PENSTOCK_OK && !trailer.is_whole) {
    result = ps_trailer_flush(&trailer, command->emit, command->context);
    result = result == PENSTOCK_OK ? PENSTOCK_E_FAILED : result;
  }
  if (result == PENSTOCK_OK) {
    ps_far_farewell(client->socket);
  } else if (result != PENSTOCK_E_CANCELLED && result != PENSTOCK_E_LIMIT) {
    result = cut_off(&trailer, error);
  }
  end->status = trailer.status;
  end->errors = trailer.errors;
  return result;
}

int ps_far_run(const ps_far_command *command, ps_far_end *end, penstock_error *error) {
  ps_gateways found;
  json_t *result = NULL;
  memset(end, 0, sizeof(*end));
  int code = ps_gateways_find_one(&found, command->gateway, error);
  if (code == PENSTOCK_OK) {
    code = ps_control_client_ask(&found.items[0].client, command->request, json_incref(command->fields), PATIENCE_MS,
                                 &result, error);
  }
  end->has_begun = code == PENSTOCK_OK;
  if (code == PENSTOCK_OK) {
    code = carry(command, &found.items[0].client, json_string_value(json_object_get(result, "mark")), end, error);
  } else if (code == PENSTOCK_E_CANCELLED || code == PENSTOCK_E_LIMIT) {
    code = PENSTOCK_E_FAILED; /* the gateway's, not our reader's */
  }
  json_decref(result);
  ps_gateways_free(&found);
  return code;
}

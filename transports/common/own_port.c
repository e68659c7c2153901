/* SPDX-License-Identifier: MIT */
#include "common/own_port.h"

#include "common/address.h"

/* " (penstock.ini:12)", or nothing for a default. */
static const char *place(const penstock_config *config, const char *key, char text[300]) {
  const char *origin = config->get_origin(config, key);
  text[0] = '\0';
  if (origin) {
    (void)snprintf(text, 300, " (%.290s)", origin);
  }
  return text;
}

int32_t own_port_refuse(const penstock_config *config, penstock_error *error) {
  const char *endpoint = config->get_string(config, "endpoint");
  const char *listener = config->get_string(config, "listen");
  char endpoint_place[300];
  char listener_place[300];
  if (!listener || !address_reaches(endpoint, listener)) {
    return PENSTOCK_OK;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "`endpoint` %s%s is the gateway's own port, `listen` %s%s", endpoint,
                      place(config, "endpoint", endpoint_place), listener, place(config, "listen", listener_place));
  penstock_next(error, "Give one of them another port, such as `endpoint = 127.0.0.1:%d` for the solver",
                address_reaches(endpoint, "127.0.0.1:19090") ? 19091 : 19090);
  return PENSTOCK_E_FAILED;
}

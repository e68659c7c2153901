/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_config.h"

int ssh_config_read(ssh_config *config, const ssh_request *request, penstock_error *error) {
  (void)request;
  memset(config, 0, sizeof(*config));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "there is no ssh on this machine");
  penstock_next(error, "Install an OpenSSH client (package openssh-client)");
  return PENSTOCK_E_FAILED;
}

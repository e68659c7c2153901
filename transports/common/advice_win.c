/* SPDX-License-Identifier: MIT */
/* There is no ssh-copy-id. The command holds in cmd and in PowerShell. */
#include "common/advice.h"

#include <stdio.h>

const char advice_descriptors[] = "Close connections, or end other programs";
const char advice_ask[] = "Start penstock in a console";
const char advice_config_rights[] = "The file must be yours, and nobody but you, SYSTEM and administrators may be able "
                                    "to write to it: icacls FILE shows who may";

void advice_write_key_copy(char *text, size_t size, const char *file, uint16_t port, const char *user,
                           const char *host) {
  (void)snprintf(text, size, "type %s | ssh -p %u %s@%s \"cat >> .ssh/authorized_keys\"", file[0] ? file : "KEY.pub",
                 (unsigned)port, user, host);
}

/* SPDX-License-Identifier: MIT */
/* There is no ssh-copy-id. The command holds in cmd and in PowerShell. */
#include "common/advice.h"

#include <stdio.h>

const char advice_descriptors[] = "Close connections, or end other programs";
const char advice_ask[] = "Start penstock in a console";
const char advice_config_rights[] = "The file must be yours, and nobody but you, SYSTEM and administrators may be able "
                                    "to write to it: icacls FILE shows who may";
const char advice_show_rights[] = "Check who may read it: icacls";
const char advice_quote[2] = "\"";

void advice_write_key_copy(char *text, size_t size, const char *file, uint16_t port, const char *user,
                           const char *host) {
  (void)snprintf(text, size, "type %s | ssh -p %u %s@%s \"cat >> .ssh/authorized_keys\"", file[0] ? file : "KEY.pub",
                 (unsigned)port, user, host);
}

/* Its puttygen has no command line. */
void advice_write_ppk(char *text, size_t size, const char *file) {
  (void)snprintf(text, size,
                 "Convert it: open %s with puttygen, take Export OpenSSH key of its menu Conversions, and set `key` to "
                 "the new file",
                 file);
}

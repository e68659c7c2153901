/* SPDX-License-Identifier: MIT */
#include "common/advice.h"

#include <stdio.h>

const char advice_descriptors[] = "Close connections, or raise the limit (ulimit -n)";
const char advice_ask[] = "Start penstock on a terminal, or set SSH_ASKPASS to a program that asks (and "
                          "SSH_ASKPASS_REQUIRE=force)";
const char advice_config_rights[] = "The file must be yours (or root's), and only you may be able to write to it: "
                                    "chmod go-w";
const char advice_show_rights[] = "Check its owner and mode: ls -l";
const char advice_quote[2] = "'";

void advice_write_key_copy(char *text, size_t size, const char *file, uint16_t port, const char *user,
                           const char *host) {
  (void)snprintf(text, size, "ssh-copy-id -p %u%s%s %s@%s", (unsigned)port, file[0] ? " -i " : "", file, user, host);
}

void advice_write_ppk(char *text, size_t size, const char *file) {
  (void)snprintf(text, size, "Convert it: puttygen %s -O private-openssh -o NEWFILE, and set `key` to NEWFILE", file);
}

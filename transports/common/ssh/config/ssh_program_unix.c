/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_program.h"

const char ssh_program_name[] = "ssh";
const char ssh_program_source[] = "Install an OpenSSH client (package openssh-client)";

const char *ssh_program(void) {
  return "ssh";
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_keepalive.h"

#include <libssh/server.h> /* ssh_send_keepalive, which is the client's too */

void ssh_keepalive_send(ssh_session session) {
  (void)ssh_send_keepalive(session);
}

/* SPDX-License-Identifier: MIT */
/* For a libssh that was built without its server: ssh_send_keepalive is missing then, but not what it stands on. */
#include "common/ssh/ssh_keepalive.h"

/* Of libssh itself (channels.c): the name of a request to the server, its data, and whether it is to answer. */
int ssh_global_request(ssh_session session, const char *request, ssh_buffer data, int wants_reply);

void ssh_keepalive_send(ssh_session session) {
  (void)ssh_global_request(session, "keepalive@openssh.com", NULL, 1);
}

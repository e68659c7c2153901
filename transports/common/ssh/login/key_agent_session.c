/* SPDX-License-Identifier: MIT */
/* libssh's side of the stand-in. */
#include "common/ssh/login/key_agent.h"

/* libssh has it on Windows too, but for its header. */
int ssh_userauth_agent(ssh_session session, const char *username); /* NOLINT(readability-redundant-declaration) */

int key_agent_attach(ssh_session session, penstock_socket socket) {
  return ssh_set_agent_socket(session, (socket_t)socket);
}

int key_agent_log_in(ssh_session session) {
  return ssh_userauth_agent(session, NULL);
}

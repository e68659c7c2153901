/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_proxy.h"

ssh_proxy *ssh_proxy_start(const penstock_host *host, const char *name, const char *command, penstock_socket *socket,
                           penstock_error *error) {
  (void)host;
  (void)command;
  *socket = PENSTOCK_SOCKET_NONE;
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                      "the way to %s is a ProxyCommand, which penstock cannot run on this system yet", name);
  penstock_next(error, "If it leads through an SSH server, set ProxyJump in ssh_config, or `jump` in the profile");
  return NULL;
}

void ssh_proxy_end(ssh_proxy *proxy) {
  (void)proxy;
}

void ssh_proxy_explain(ssh_proxy *proxy, penstock_error *error) {
  (void)proxy;
  (void)error;
}

/* SPDX-License-Identifier: MIT */
#include "net/net.h"
#include "net/owner_win.h"

/* What listens on a published port: Docker Desktop's, and that of WSL in front of an engine there. */
static int publishes_containers(const char *program) {
  static const char *const programs[] = {"com.docker.backend.exe", "wslrelay.exe", "gvproxy.exe", "win-sshproxy.exe"};
  for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
    if (_stricmp(program, programs[i]) == 0) {
      return 1;
    }
  }
  return 0;
}

int ps_net_port_owner(uint16_t port, ps_port_owner *owner) {
  char name[100];
  DWORD pid = ps_owner_of_port(port);
  memset(owner, 0, sizeof(*owner));
  if (pid == 0) {
    return PENSTOCK_E_NOT_FOUND;
  }
  if (!ps_owner_name(pid, name, sizeof(name))) {
    (void)snprintf(owner->text, sizeof(owner->text), "a program that cannot be seen from this account (pid %lu)", pid);
    return PENSTOCK_OK;
  }
  (void)snprintf(owner->text, sizeof(owner->text), "'%s' (pid %lu)", name, pid);
  owner->publishes_containers = publishes_containers(name);
  owner->is_penstock = _stricmp(name, "penstock.exe") == 0;
  return PENSTOCK_OK;
}

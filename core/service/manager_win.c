/* SPDX-License-Identifier: MIT */
/* Nothing here speaks as systemd does. */
#include "service/manager.h"

ps_manager *ps_manager_find(void) {
  return NULL;
}

int ps_manager_is_there(void) {
  return 0;
}

int ps_manager_tell(const ps_manager *manager, const char *lines, int is_needed) {
  (void)manager;
  (void)lines;
  (void)is_needed;
  return PENSTOCK_E_UNSUPPORTED;
}

uint64_t ps_manager_watchdog_ms(const ps_manager *manager) {
  (void)manager;
  return 0;
}

void ps_manager_free(ps_manager *manager) {
  (void)manager;
}

int ps_manager_passed(const char *address, penstock_socket *listening, int *others, penstock_error *error) {
  (void)address;
  (void)listening;
  (void)error;
  *others = 0;
  return 0;
}

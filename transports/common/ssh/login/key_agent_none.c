/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/key_agent.h"

key_agent *key_agent_open(const char *path, uint64_t listing_ms, uint64_t deadline_ms, char *why, size_t why_size) {
  (void)listing_ms;
  (void)deadline_ms;
  (void)snprintf(why, why_size, "%s: penstock cannot speak to agents on this system yet; key files work", path);
  return NULL;
}

void key_agent_close(key_agent *agent) {
  (void)agent;
}

const key_agent_key *key_agent_get(const key_agent *agent, size_t index) {
  (void)agent;
  (void)index;
  return NULL;
}

penstock_socket key_agent_stand_in(key_agent *agent) {
  (void)agent;
  return PENSTOCK_SOCKET_NONE;
}

void key_agent_show(key_agent *agent, size_t index, const uint8_t *blob, size_t blob_size) {
  (void)agent;
  (void)index;
  (void)blob;
  (void)blob_size;
}

key_agent_outcome key_agent_result(const key_agent *agent) {
  (void)agent;
  return KEY_AGENT_UNASKED;
}

/* SPDX-License-Identifier: MIT */
/* What is the same on all systems. */
#include "common/ssh/login/agent_end.h"

#include <stdlib.h>
#include <time.h>

#include "common/ssh/login/agent_wire.h"

uint64_t agent_clock_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint8_t *agent_end_read(agent_end *end, size_t *size, uint64_t deadline_ns) {
  uint8_t header[AGENT_LENGTH_SIZE];
  if (agent_end_receive(end, header, sizeof(header), deadline_ns)) {
    return NULL;
  }
  uint32_t length = agent_wire_number(header);
  uint8_t *message = agent_wire_is_length(length) ? malloc(sizeof(header) + length) : NULL;
  if (!message) {
    return NULL;
  }
  memcpy(message, header, sizeof(header));
  if (agent_end_receive(end, message + sizeof(header), length, deadline_ns)) {
    free(message);
    return NULL;
  }
  *size = sizeof(header) + length;
  return message;
}

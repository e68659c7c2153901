/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/agent_link.h"

#include <stdlib.h>

#include "common/ssh/login/agent_end.h"
#include "common/ssh/login/key_agent.h"

struct agent_link {
  agent_end *end;
};

const char *key_agent_default(void) {
  const char *path = getenv("SSH_AUTH_SOCK");
  return path && path[0] ? path : NULL;
}

int agent_link_place(const char *agent, size_t index, char place[AGENT_PLACE_SIZE]) {
  (void)snprintf(place, AGENT_PLACE_SIZE, "%s", agent);
  return index == 0;
}

void agent_link_name(const char *place, char *name, size_t size) {
  (void)snprintf(name, size, "the agent at %s", place);
}

const char *agent_link_advice(const char *place) {
  (void)place;
  return "`ssh-add -l`";
}

agent_link *agent_link_open(const char *place, uint64_t deadline_ns, int *is_absent, char *why, size_t why_size) {
  agent_link *link = calloc(1, sizeof(*link));
  *is_absent = 0;
  if (!link) {
    (void)snprintf(why, why_size, "out of memory");
    return NULL;
  }
  link->end = agent_end_connect(place, deadline_ns, is_absent, why, why_size);
  if (!link->end) {
    free(link);
    return NULL;
  }
  return link;
}

uint8_t *agent_link_ask(agent_link *link, const uint8_t *request, size_t size, size_t *answer_size,
                        uint64_t deadline_ns) {
  return agent_end_send(link->end, request, size, deadline_ns) == 0
             ? agent_end_read(link->end, answer_size, deadline_ns)
             : NULL;
}

void agent_link_close(agent_link *link) {
  if (link) {
    agent_end_close(link->end);
    free(link);
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * Where agents are on Windows. Nobody sets SSH_AUTH_SOCK here as a rule, so all places are looked at: first OpenSSH's
 * own, which ssh.exe asks, then Pageant's pipe and its window. SSH_AUTH_SOCK counts if it names a pipe; Git's shells
 * have it name a file of theirs, which nothing else can use.
 */
#include "common/ssh/login/agent_end.h"
#include "common/ssh/login/agent_link.h"
#include "common/ssh/login/key_agent.h"
#include "common/ssh/login/pageant_win.h"

#define OPENSSH_PIPE "//./pipe/openssh-ssh-agent"
#define WINDOW       "the window of Pageant"

struct agent_link {
  agent_end *end; /* NULL: by the window */
};

static int is_pipe(const char *path) {
  return strlen(path) > 9 && strchr("/\\", path[0]) && strchr("/\\", path[1]) && path[2] == '.' &&
         strchr("/\\", path[3]) && _strnicmp(path + 4, "pipe", 4) == 0 && strchr("/\\", path[8]);
}

const char *key_agent_default(void) {
  const char *path = getenv("SSH_AUTH_SOCK");
  return path && is_pipe(path) ? path : KEY_AGENT_AUTO;
}

static int put(char place[AGENT_PLACE_SIZE], const char *text) {
  (void)snprintf(place, AGENT_PLACE_SIZE, "%s", text);
  return 1;
}

static int pageant_place(size_t index, char place[AGENT_PLACE_SIZE]) {
  switch (index) {
  case 0:
    return pageant_pipe(place, AGENT_PLACE_SIZE) == 0 ? 1 : put(place, WINDOW);
  case 1:
    return put(place, WINDOW);
  default:
    return 0;
  }
}

int agent_link_place(const char *agent, size_t index, char place[AGENT_PLACE_SIZE]) {
  if (strcmp(agent, KEY_AGENT_PAGEANT) == 0) {
    return pageant_place(index, place);
  }
  if (strcmp(agent, KEY_AGENT_AUTO) == 0) {
    return index == 0 ? put(place, OPENSSH_PIPE) : pageant_place(index - 1, place);
  }
  return index == 0 && put(place, strcmp(agent, KEY_AGENT_OPENSSH) == 0 ? OPENSSH_PIPE : agent);
}

static int is_of_pageant(const char *place) {
  return strcmp(place, WINDOW) == 0 || strncmp(place, "//./pipe/pageant.", 17) == 0;
}

void agent_link_name(const char *place, char *name, size_t size) {
  if (is_of_pageant(place)) {
    (void)snprintf(name, size, "Pageant");
  } else if (strcmp(place, OPENSSH_PIPE) == 0) {
    (void)snprintf(name, size, "OpenSSH's agent");
  } else {
    (void)snprintf(name, size, "the agent at %s", place);
  }
}

const char *agent_link_advice(const char *place) {
  return is_of_pageant(place) ? "\"View Keys\" at its icon in the task bar" : "`ssh-add -l`";
}

agent_link *agent_link_open(const char *place, uint64_t deadline_ns, int *is_absent, char *why, size_t why_size) {
  agent_link *link = calloc(1, sizeof(*link));
  int result = -1;
  *is_absent = 0;
  if (!link) {
    (void)snprintf(why, why_size, "out of memory");
    return NULL;
  }
  if (strcmp(place, WINDOW) == 0) {
    int found = pageant_has_window(why, why_size);
    *is_absent = found == 0;
    result = found > 0 ? 0 : -1;
  } else {
    link->end = agent_end_connect(place, deadline_ns, is_absent, why, why_size);
    result = link->end ? 0 : -1;
  }
  if (*is_absent && strcmp(place, OPENSSH_PIPE) == 0) {
    (void)snprintf(why, why_size,
                   "OpenSSH's agent does not run: as administrator, `Set-Service ssh-agent -StartupType "
                   "Automatic; Start-Service ssh-agent`, then `ssh-add`");
  }
  if (result) {
    free(link);
    return NULL;
  }
  return link;
}

uint8_t *agent_link_ask(agent_link *link, const uint8_t *request, size_t size, size_t *answer_size,
                        uint64_t deadline_ns) {
  if (!link->end) {
    return pageant_ask_window(request, size, answer_size, deadline_ns);
  }
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

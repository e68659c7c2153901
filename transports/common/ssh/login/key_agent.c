/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/key_agent.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/ssh/login/agent_end.h"
#include "common/ssh/login/agent_link.h"
#include "common/ssh/login/agent_wire.h"

struct key_agent {
  agent_link *link; /* to the real one */
  char name[AGENT_PLACE_SIZE + 32];
  const char *advice;
  uint64_t deadline_ns;
  uint8_t *listing; /* the real agent's answer; keys point into it */
  key_agent_key *keys;
  size_t count;
  pthread_mutex_t lock;      /* of what the stand-in shows */
  size_t shown;              /* the key that signs; SIZE_MAX = none is shown */
  const uint8_t *shown_blob; /* what is shown for it: its own blob, or a certificate */
  size_t shown_size;
  atomic_int outcome; /* key_agent_outcome */
  agent_end *server;  /* our end of the stand-in's socket */
  int running;
  pthread_t thread;
};

/* --- the keys of the real agent -------------------------------------------------------------------- */

static key_agent *create(void) {
  key_agent *agent = calloc(1, sizeof(*agent));
  if (agent && pthread_mutex_init(&agent->lock, NULL) != 0) {
    free(agent);
    return NULL;
  }
  if (agent) {
    atomic_init(&agent->outcome, KEY_AGENT_UNASKED);
    agent->shown = SIZE_MAX;
  }
  return agent;
}

static int list_keys(key_agent *agent, uint64_t deadline_ns, char *why, size_t why_size) {
  uint8_t request[AGENT_SHORT_SIZE];
  size_t size = 0;
  agent_wire_short(request, AGENT_REQUEST_IDENTITIES);
  agent->listing = agent_link_ask(agent->link, request, sizeof(request), &size, deadline_ns);
  if (!agent->listing || agent_wire_read_keys(agent->listing, size, &agent->keys, &agent->count)) {
    (void)snprintf(why, why_size, "%s does not answer%s", agent->name,
                   agent_clock_ns() >= deadline_ns ? "" : " as an agent does");
    return -1;
  }
  return 0;
}

/* The agent at one place. NULL as key_agent_open. */
static key_agent *open_place(const char *place, uint64_t deadline_ns, int *is_absent, char *why, size_t why_size) {
  key_agent *agent = create();
  *is_absent = 0;
  if (!agent) {
    (void)snprintf(why, why_size, "out of memory");
    return NULL;
  }
  agent_link_name(place, agent->name, sizeof(agent->name));
  agent->advice = agent_link_advice(place);
  agent->link = agent_link_open(place, deadline_ns, is_absent, why, why_size);
  if (!agent->link || list_keys(agent, deadline_ns, why, why_size)) {
    key_agent_close(agent);
    return NULL;
  }
  return agent;
}

/* Places are looked at until one has a key. A place that is broken is told of, even if a later one is good for nothing,
 * too. One that hangs leaves half of what is left to the next one. */
key_agent *key_agent_open(const char *path, uint64_t listing_ms, uint64_t deadline_ms, int *is_absent, char *why,
                          size_t why_size) {
  uint64_t now = agent_clock_ns();
  uint64_t limit = now + listing_ms * 1000000u;
  key_agent *found = NULL;
  char place[AGENT_PLACE_SIZE];
  char next[AGENT_PLACE_SIZE];
  *is_absent = strcmp(path, KEY_AGENT_AUTO) == 0;
  why[0] = '\0';
  for (size_t i = 0; !(found && found->count > 0) && agent_link_place(path, i, place); i++) {
    char reason[AGENT_PLACE_SIZE + 200];
    int is_missing = 0;
    int is_last = !agent_link_place(path, i + 1, next);
    now = agent_clock_ns();
    uint64_t until = is_last || now >= limit ? limit : now + (limit - now) / 2;
    key_agent *each = open_place(place, until, &is_missing, reason, sizeof(reason));
    if (each && (!found || each->count > 0)) {
      key_agent_close(found);
      found = each;
    } else {
      key_agent_close(each);
    }
    if (!each && (why[0] == '\0' || *is_absent)) {
      (void)snprintf(why, why_size, "%s", reason);
      *is_absent = *is_absent && is_missing;
    }
  }
  if (found) {
    found->deadline_ns = agent_clock_ns() + deadline_ms * 1000000u;
  }
  return found;
}

const char *key_agent_name(const key_agent *agent) {
  return agent->name;
}

const char *key_agent_advice(const key_agent *agent) {
  return agent->advice;
}

const key_agent_key *key_agent_get(const key_agent *agent, size_t index) {
  return index < agent->count ? &agent->keys[index] : NULL;
}

void key_agent_show(key_agent *agent, size_t index, const uint8_t *blob, size_t blob_size) {
  pthread_mutex_lock(&agent->lock);
  agent->shown = index < agent->count ? index : SIZE_MAX;
  agent->shown_blob = blob;
  agent->shown_size = blob_size;
  pthread_mutex_unlock(&agent->lock);
  atomic_store(&agent->outcome, KEY_AGENT_UNASKED);
}

key_agent_outcome key_agent_result(const key_agent *agent) {
  return (key_agent_outcome)atomic_load(&agent->outcome);
}

/* --- the stand-in ---------------------------------------------------------------------------------- */

static int answer(key_agent *agent, const uint8_t *message, size_t size) {
  return agent_end_send(agent->server, message, size, agent->deadline_ns);
}

static int answer_identities(key_agent *agent) {
  size_t size = 0;
  pthread_mutex_lock(&agent->lock);
  uint8_t *message = agent_wire_show(key_agent_get(agent, agent->shown), agent->shown_blob, agent->shown_size, &size);
  pthread_mutex_unlock(&agent->lock);
  int result = message ? answer(agent, message, size) : -1;
  free(message);
  return result;
}

/* What goes to the real agent for a request to sign. NULL if it is not for the shown key, or there is no memory. */
static uint8_t *translate(key_agent *agent, const uint8_t *request, size_t size, size_t *translated_size) {
  pthread_mutex_lock(&agent->lock);
  const key_agent_key *key = key_agent_get(agent, agent->shown);
  uint8_t *translated =
      key ? agent_wire_sign(request, size, key, agent->shown_blob, agent->shown_size, translated_size) : NULL;
  pthread_mutex_unlock(&agent->lock);
  return translated;
}

static int answer_failure(key_agent *agent) {
  uint8_t message[AGENT_SHORT_SIZE];
  agent_wire_short(message, AGENT_FAILURE);
  return answer(agent, message, sizeof(message));
}

static int answer_signature(key_agent *agent, const uint8_t *request, size_t size) {
  size_t real_size = 0;
  size_t reply_size = 0;
  uint8_t *real = translate(agent, request, size, &real_size);
  uint8_t *reply = real ? agent_link_ask(agent->link, real, real_size, &reply_size, agent->deadline_ns) : NULL;
  free(real);
  atomic_store(&agent->outcome, !reply                                            ? KEY_AGENT_LOST
                                : reply[AGENT_LENGTH_SIZE] == AGENT_SIGN_RESPONSE ? KEY_AGENT_SIGNED
                                                                                  : KEY_AGENT_REFUSED);
  int result = reply ? answer(agent, reply, reply_size) : answer_failure(agent);
  free(reply);
  return result;
}

static void *stand_in(void *context) {
  key_agent *agent = context;
  int result = 0;
  while (result == 0) {
    size_t size = 0;
    uint8_t *request = agent_end_read(agent->server, &size, agent->deadline_ns);
    if (!request) {
      break;
    }
    if (request[AGENT_LENGTH_SIZE] == AGENT_REQUEST_IDENTITIES) {
      result = answer_identities(agent);
    } else if (request[AGENT_LENGTH_SIZE] == AGENT_SIGN_REQUEST) {
      result = answer_signature(agent, request, size);
    } else {
      result = answer_failure(agent);
    }
    free(request);
  }
  /* The other side waits without a limit of its own: the end of the stream is what tells it. */
  agent_end_stop(agent->server);
  return NULL;
}

penstock_socket key_agent_stand_in(key_agent *agent) {
  penstock_socket other = PENSTOCK_SOCKET_NONE;
  if (agent->server || !(agent->server = agent_end_make_pair(&other))) {
    return PENSTOCK_SOCKET_NONE;
  }
  /* Without a thread, the other end is still the caller's to close: it finds that nobody answers. */
  agent->running = pthread_create(&agent->thread, NULL, stand_in, agent) == 0;
  if (!agent->running) {
    agent_end_stop(agent->server);
  }
  return other;
}

void key_agent_close(key_agent *agent) {
  if (!agent) {
    return;
  }
  if (agent->running) {
    agent_end_stop(agent->server);
    (void)pthread_join(agent->thread, NULL);
  }
  agent_end_close(agent->server);
  agent_link_close(agent->link);
  free(agent->listing);
  free(agent->keys);
  (void)pthread_mutex_destroy(&agent->lock);
  free(agent);
}

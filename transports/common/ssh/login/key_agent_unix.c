/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/key_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/ssh/hostkey/known_hosts.h"

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* macOS; the gateway ignores SIGPIPE */
#endif

enum {
  AGENT_FAILURE = 5,
  AGENT_REQUEST_IDENTITIES = 11,
  AGENT_IDENTITIES_ANSWER = 12,
  AGENT_SIGN_REQUEST = 13,
  AGENT_SIGN_RESPONSE = 14,
  AGENT_MESSAGE_MAX = 256 * 1024, /* what OpenSSH's agent takes */
  AGENT_KEYS_MAX = 256
};

struct key_agent {
  int fd; /* the real agent */
  uint64_t deadline_ns;
  uint8_t *listing; /* the real agent's answer; keys point into it */
  key_agent_key *keys;
  size_t count;
  pthread_mutex_t lock;      /* of what the stand-in shows */
  size_t shown;              /* the key that signs; SIZE_MAX = none is shown */
  const uint8_t *shown_blob; /* what is shown for it: its own blob, or a certificate */
  size_t shown_size;
  atomic_int outcome; /* key_agent_outcome */
  int server_fd;      /* our end of the stand-in's socket */
  int stop_pipe[2];
  int running;
  pthread_t thread;
};

static uint64_t clock_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Waits until `fd` is ready, the deadline passes, or (stop_fd >= 0) the stand-in is to end. Returns 1 if ready. */
static int wait_ready(int fd, short events, int stop_fd, uint64_t deadline_ns) {
  for (;;) {
    struct pollfd pollers[2] = {{.fd = fd, .events = events}, {.fd = stop_fd, .events = POLLIN}};
    uint64_t now = clock_ns();
    uint64_t left = deadline_ns > now ? (deadline_ns - now) / 1000000u + 1 : 0;
    int count = poll(pollers, 2, left > 3600000 ? 3600000 : (int)left);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    return count > 0 && pollers[1].revents == 0;
  }
}

/* Moves exactly `size` bytes, in or out. Returns 0, or -1 at an end, an error or the deadline. */
static int transfer(int fd, void *data, size_t size, int is_read, int stop_fd, uint64_t deadline_ns) {
  uint8_t *bytes = data;
  while (size > 0) {
    if (!wait_ready(fd, is_read ? POLLIN : POLLOUT, stop_fd, deadline_ns)) {
      return -1;
    }
    ssize_t count = is_read ? recv(fd, bytes, size, 0) : send(fd, bytes, size, MSG_NOSIGNAL);
    if (count > 0) {
      bytes += count;
      size -= (size_t)count;
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      return -1;
    }
  }
  return 0;
}

static uint32_t read_u32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint8_t *write_u32(uint8_t *bytes, size_t value) {
  bytes[0] = (uint8_t)(value >> 24);
  bytes[1] = (uint8_t)(value >> 16);
  bytes[2] = (uint8_t)(value >> 8);
  bytes[3] = (uint8_t)value;
  return bytes + 4;
}

/* Reads one message, with its length before it. Returns memory to free(), NULL at an end or an error. */
static uint8_t *read_message(int fd, size_t *size, int stop_fd, uint64_t deadline_ns) {
  uint8_t header[4];
  if (transfer(fd, header, sizeof(header), 1, stop_fd, deadline_ns)) {
    return NULL;
  }
  uint32_t length = read_u32(header);
  uint8_t *message = length > 0 && length <= AGENT_MESSAGE_MAX ? malloc(sizeof(header) + length) : NULL;
  if (!message) {
    return NULL;
  }
  memcpy(message, header, sizeof(header));
  if (transfer(fd, message + sizeof(header), length, 1, stop_fd, deadline_ns)) {
    free(message);
    return NULL;
  }
  *size = sizeof(header) + length;
  return message;
}

/* --- the keys of the real agent -------------------------------------------------------------------- */

static int connect_agent(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
    int code = errno;
    (void)close(fd);
    errno = code;
    return -1;
  }
  return fd;
}

/* Takes one length-prefixed string. Returns 0, or -1 past the end. */
static int take_string(const uint8_t **cursor, const uint8_t *end, const uint8_t **bytes, size_t *size) {
  if (end - *cursor < 4) {
    return -1;
  }
  uint32_t length = read_u32(*cursor);
  *cursor += 4;
  if ((size_t)(end - *cursor) < length) {
    return -1;
  }
  *bytes = *cursor;
  *size = length;
  *cursor += length;
  return 0;
}

static void copy_comment(key_agent_key *key, const uint8_t *bytes, size_t size) {
  size_t length = size < sizeof(key->comment) - 1 ? size : sizeof(key->comment) - 1;
  for (size_t i = 0; i < length; i++) {
    key->comment[i] = (char)(bytes[i] < ' ' || bytes[i] == 0x7F ? '?' : bytes[i]);
  }
  key->comment[length] = '\0';
  penstock_utf8_trim(key->comment, sizeof(key->comment));
}

static int parse_listing(key_agent *agent, size_t size) {
  const uint8_t *cursor = agent->listing + 4;
  const uint8_t *end = agent->listing + size;
  if (end - cursor < 5 || *cursor++ != AGENT_IDENTITIES_ANSWER) {
    return -1;
  }
  uint32_t count = read_u32(cursor);
  cursor += 4;
  count = count > AGENT_KEYS_MAX ? AGENT_KEYS_MAX : count;
  agent->keys = calloc(count + 1, sizeof(*agent->keys));
  if (!agent->keys) {
    return -1;
  }
  for (uint32_t i = 0; i < count; i++) {
    key_agent_key *key = &agent->keys[agent->count];
    const uint8_t *comment;
    size_t comment_size;
    if (take_string(&cursor, end, &key->blob, &key->blob_size) || take_string(&cursor, end, &comment, &comment_size)) {
      return -1;
    }
    copy_comment(key, comment, comment_size);
    if (known_hosts_blob_type(key->blob, key->blob_size, key->type, sizeof(key->type)) == 0) {
      agent->count++;
    }
  }
  return 0;
}

key_agent *key_agent_open(const char *path, uint64_t listing_ms, uint64_t deadline_ms, char *why, size_t why_size) {
  uint8_t request[5];
  size_t size = 0;
  key_agent *agent = calloc(1, sizeof(*agent));
  if (!agent) {
    (void)snprintf(why, why_size, "out of memory");
    return NULL;
  }
  if (pthread_mutex_init(&agent->lock, NULL) != 0) {
    (void)snprintf(why, why_size, "out of memory");
    free(agent);
    return NULL;
  }
  atomic_init(&agent->outcome, KEY_AGENT_UNASKED);
  agent->shown = SIZE_MAX;
  agent->server_fd = agent->stop_pipe[0] = agent->stop_pipe[1] = -1;
  agent->deadline_ns = clock_ns() + listing_ms * 1000000u;
  agent->fd = connect_agent(path);
  if (agent->fd < 0) {
    (void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
    goto fail;
  }
  *write_u32(request, 1) = AGENT_REQUEST_IDENTITIES;
  if (transfer(agent->fd, request, sizeof(request), 0, -1, agent->deadline_ns) == 0) {
    agent->listing = read_message(agent->fd, &size, -1, agent->deadline_ns);
  }
  if (!agent->listing || parse_listing(agent, size)) {
    (void)snprintf(
        why, why_size,
        clock_ns() >= agent->deadline_ns ? "%s: it does not answer" : "%s: it does not answer as an agent does", path);
    goto fail;
  }
  agent->deadline_ns = clock_ns() + deadline_ms * 1000000u;
  return agent;
fail:
  key_agent_close(agent);
  return NULL;
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

static int answer(key_agent *agent, uint8_t *message, size_t size) {
  return transfer(agent->server_fd, message, size, 0, agent->stop_pipe[0], agent->deadline_ns);
}

static int answer_identities(key_agent *agent) {
  pthread_mutex_lock(&agent->lock);
  const key_agent_key *key = key_agent_get(agent, agent->shown);
  size_t comment_size = key ? strlen(key->comment) : 0;
  size_t length = 1 + 4 + (key ? 4 + agent->shown_size + 4 + comment_size : 0);
  uint8_t *message = malloc(4 + length);
  if (message) {
    uint8_t *cursor = write_u32(message, length);
    *cursor++ = AGENT_IDENTITIES_ANSWER;
    cursor = write_u32(cursor, key != NULL);
    if (key) {
      cursor = write_u32(cursor, agent->shown_size);
      memcpy(cursor, agent->shown_blob, agent->shown_size);
      cursor = write_u32(cursor + agent->shown_size, comment_size);
      memcpy(cursor, key->comment, comment_size);
    }
  }
  pthread_mutex_unlock(&agent->lock);
  int result = message ? answer(agent, message, 4 + length) : -1;
  free(message);
  return result;
}

/*
 * The request that goes to the real agent: the same, but for the key's own blob where a certificate was shown. NULL if
 * it is not for the shown key, or there is no memory.
 */
static uint8_t *translate(key_agent *agent, const uint8_t *request, size_t size, size_t *translated_size) {
  const uint8_t *cursor = request + 5;
  const uint8_t *blob;
  size_t blob_size;
  uint8_t *translated = NULL;
  pthread_mutex_lock(&agent->lock);
  const key_agent_key *key = key_agent_get(agent, agent->shown);
  if (key && take_string(&cursor, request + size, &blob, &blob_size) == 0 && blob_size == agent->shown_size &&
      memcmp(blob, agent->shown_blob, blob_size) == 0) {
    size_t rest = (size_t)(request + size - cursor);
    *translated_size = 4 + 1 + 4 + key->blob_size + rest;
    translated = malloc(*translated_size);
    if (translated) {
      uint8_t *at = write_u32(translated, *translated_size - 4);
      *at++ = AGENT_SIGN_REQUEST;
      at = write_u32(at, key->blob_size);
      memcpy(at, key->blob, key->blob_size);
      memcpy(at + key->blob_size, cursor, rest);
    }
  }
  pthread_mutex_unlock(&agent->lock);
  return translated;
}

static int answer_failure(key_agent *agent) {
  uint8_t message[5];
  *write_u32(message, 1) = AGENT_FAILURE;
  return answer(agent, message, sizeof(message));
}

static int answer_signature(key_agent *agent, const uint8_t *request, size_t size) {
  size_t real_size = 0;
  size_t reply_size = 0;
  uint8_t *reply = NULL;
  uint8_t *real = translate(agent, request, size, &real_size);
  if (real && transfer(agent->fd, real, real_size, 0, agent->stop_pipe[0], agent->deadline_ns) == 0) {
    reply = read_message(agent->fd, &reply_size, agent->stop_pipe[0], agent->deadline_ns);
  }
  free(real);
  atomic_store(&agent->outcome, !reply                            ? KEY_AGENT_LOST
                                : reply[4] == AGENT_SIGN_RESPONSE ? KEY_AGENT_SIGNED
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
    uint8_t *request = read_message(agent->server_fd, &size, agent->stop_pipe[0], agent->deadline_ns);
    if (!request) {
      break;
    }
    if (request[4] == AGENT_REQUEST_IDENTITIES) {
      result = answer_identities(agent);
    } else if (request[4] == AGENT_SIGN_REQUEST) {
      result = answer_signature(agent, request, size);
    } else {
      result = answer_failure(agent);
    }
    free(request);
  }
  /* The other side waits without a limit of its own: the end of the stream is what tells it. */
  (void)shutdown(agent->server_fd, SHUT_RDWR);
  return NULL;
}

penstock_socket key_agent_stand_in(key_agent *agent) {
  int pair[2];
  if (agent->running || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return PENSTOCK_SOCKET_NONE;
  }
  agent->server_fd = pair[0];
  if (pipe2(agent->stop_pipe, O_CLOEXEC) != 0) { /* a copy in a program would keep the thread from its end */
    agent->stop_pipe[0] = agent->stop_pipe[1] = -1;
    (void)close(pair[1]);
    return PENSTOCK_SOCKET_NONE;
  }
  if (pthread_create(&agent->thread, NULL, stand_in, agent) != 0) {
    (void)close(pair[1]);
    return PENSTOCK_SOCKET_NONE;
  }
  agent->running = 1;
  return pair[1];
}

static void close_fd(int fd) {
  if (fd >= 0) {
    (void)close(fd);
  }
}

void key_agent_close(key_agent *agent) {
  if (!agent) {
    return;
  }
  if (agent->running) {
    close_fd(agent->stop_pipe[1]);
    agent->stop_pipe[1] = -1;
    (void)pthread_join(agent->thread, NULL);
  }
  close_fd(agent->stop_pipe[0]);
  close_fd(agent->stop_pipe[1]);
  close_fd(agent->server_fd);
  close_fd(agent->fd);
  free(agent->listing);
  free(agent->keys);
  (void)pthread_mutex_destroy(&agent->lock);
  free(agent);
}

/* SPDX-License-Identifier: MIT */
#include "control/client.h"

#include <stdlib.h>

#include "base/advice.h"
#include "control/place.h"
#include "log/json.h"
#include "log/log.h"
#include "net/net.h"

/* A gateway's line is an answer; the longest is that of all streams. */
#define LINE_MOST ((size_t)1024 * 1024)

static int failed(penstock_error *error, int code, const char *what) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "%s", what);
  penstock_next(error, "if it does not answer for long, look at its log, or %s", ps_advice_end_gateway);
  return code;
}

static int left_ms(uint64_t end_ns) {
  uint64_t now = uv_hrtime();
  return now < end_ns ? (int)((end_ns - now) / 1000000) + 1 : 0;
}

static uint64_t end_of(int timeout_ms) {
  return uv_hrtime() + (uint64_t)timeout_ms * 1000000u;
}

/* --- lines -------------------------------------------------------------------------------------- */

/* Takes a whole line out of what has come. NULL: there is none yet; *is_bad: it is no object. */
static json_t *take_line(ps_control_client *client, int *is_bad) {
  char *end = client->in.data ? memchr(client->in.data, '\n', client->in.size) : NULL;
  *is_bad = 0;
  if (!end) {
    return NULL;
  }
  json_t *line = json_loadb(client->in.data, (size_t)(end - client->in.data), 0, NULL);
  client->in.size -= (size_t)(end + 1 - client->in.data);
  memmove(client->in.data, end + 1, client->in.size);
  if (!json_is_object(line)) {
    json_decref(line);
    *is_bad = 1;
    return NULL;
  }
  return line;
}

static int read_line(ps_control_client *client, uint64_t end_ns, json_t **line, penstock_error *error) {
  char block[4096];
  int is_bad = 0;
  while ((*line = take_line(client, &is_bad)) == NULL) {
    if (is_bad || client->in.size > LINE_MOST || client->in.no_memory) {
      return failed(error, PENSTOCK_E_FAILED, "what answers on the control socket is no gateway");
    }
    long count = ps_control_read(client->socket, block, sizeof(block));
    if (count == 0 || count == PS_NET_BROKEN) {
      return failed(error, PENSTOCK_E_CANCELLED, "the gateway has closed the control connection");
    }
    if (count > 0) {
      ps_text_add(&client->in, block, (size_t)count);
    } else if (!ps_control_wait(client->socket, 0, left_ms(end_ns))) {
      return failed(error, PENSTOCK_E_TIMEOUT, "the gateway does not answer on its control socket");
    }
  }
  return PENSTOCK_OK;
}

static int write_line(const ps_control_client *client, json_t *object, uint64_t end_ns, penstock_error *error) {
  ps_text text = {0};
  char *line = ps_json_dump(object);
  if (!line) {
    return failed(error, PENSTOCK_E_NOMEM, "out of memory");
  }
  ps_text_addf(&text, "%s\n", line);
  free(line);
  size_t done = 0;
  int result = PENSTOCK_OK;
  while (result == PENSTOCK_OK && done < text.size) {
    long count = ps_control_write(client->socket, text.data + done, text.size - done);
    if (count > 0) {
      done += (size_t)count;
    } else if (count == PS_NET_BROKEN) {
      result = PENSTOCK_OK; /* why is what it has said last */
      break;
    } else if (!ps_control_wait(client->socket, 1, left_ms(end_ns))) {
      result = failed(error, PENSTOCK_E_TIMEOUT, "the gateway does not read from its control socket");
    }
  }
  free(text.data);
  return result;
}

/* A refusal that names no leg of the way, and what it amounts to: whether it may pass, and who has to mend it. */
typedef struct meaning {
  const char *code; /* as docs/CONTROL.md has them */
  uint32_t error_class;
  int result;
} meaning;

static const meaning *meaning_of(const char *code) {
  static const meaning known[] = {
      {"busy", PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED},
      {"too-slow", PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED},
      {"swapping", PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED},
      {"solver-busy", PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED},
      {"not-connected", PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED},
      {"not-served", PENSTOCK_CLASS_TRANSIENT, PENSTOCK_E_FAILED},
      {"stopping", PENSTOCK_CLASS_CANCELLED, PENSTOCK_E_FAILED},
      {"bad-profile", PENSTOCK_CLASS_CONFIG, PENSTOCK_E_FAILED},
      {"bad-value", PENSTOCK_CLASS_CONFIG, PENSTOCK_E_INVALID}, /* what the user has asked for cannot be */
  };
  static const meaning other = {"", PENSTOCK_CLASS_REFUSED, PENSTOCK_E_FAILED};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (code && strcmp(code, known[i].code) == 0) {
      return &known[i];
    }
  }
  return &other;
}

/* What the gateway refuses with, in its words. */
static int refused(const json_t *fault, penstock_error *error) {
  const char *what = json_string_value(json_object_get(fault, "what"));
  const char *next = json_string_value(json_object_get(fault, "next"));
  const char *detail = json_string_value(json_object_get(fault, "detail"));
  uint32_t leg = ps_leg_parse(json_string_value(json_object_get(fault, "leg")));
  uint32_t its_class = ps_class_parse(json_string_value(json_object_get(fault, "class")));
  const meaning *means = meaning_of(json_string_value(json_object_get(fault, "code")));
  (void)penstock_fail(error, leg, its_class == PENSTOCK_CLASS_NONE ? means->error_class : its_class, "%s",
                      what ? what : "the gateway refuses, and does not say why");
  penstock_next(error, "%s", next ? next : "");
  (void)snprintf(error->detail, sizeof(error->detail), "%s", detail ? detail : "");
  return means->result;
}

/* --- connecting --------------------------------------------------------------------------------- */

static int check_greeting(ps_control_client *client, penstock_error *error) {
  const json_t *protocol = json_object_get(client->greeting, "protocol");
  const json_t *fault = json_object_get(client->greeting, "error");
  if (fault) {
    return refused(fault, error);
  }
  if (!json_is_integer(protocol) || !json_is_object(json_object_get(client->greeting, "gateway"))) {
    return failed(error, PENSTOCK_E_FAILED, "what answers on the control socket is no gateway");
  }
  if (json_integer_value(protocol) != PS_CONTROL_PROTOCOL) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                        "the gateway speaks version %lld of the control protocol, this penstock version %d",
                        (long long)json_integer_value(protocol), PS_CONTROL_PROTOCOL);
    penstock_next(error, "ask it with the penstock that it runs (pid %lu)", (unsigned long)client->pid);
    return PENSTOCK_E_FAILED;
  }
  return PENSTOCK_OK;
}

int ps_control_client_open(ps_control_client *client, const char *path, int timeout_ms, penstock_error *error) {
  uint64_t end_ns = end_of(timeout_ms);
  uint32_t uid = 0;
  memset(client, 0, sizeof(*client));
  int result = ps_control_dial(path, timeout_ms, &client->socket, error);
  if (result != PENSTOCK_OK) {
    return result;
  }
  client->is_open = 1;
  (void)ps_control_peer(client->socket, &uid, &client->pid);
  result = read_line(client, end_ns, &client->greeting, error);
  return result == PENSTOCK_OK ? check_greeting(client, error) : result;
}

void ps_control_client_close(ps_control_client *client) {
  if (client->is_open) {
    ps_control_hang_up(client->socket);
  }
  json_decref(client->greeting);
  json_decref(client->events);
  free(client->in.data);
  memset(client, 0, sizeof(*client));
}

/* --- asking ------------------------------------------------------------------------------------- */

/* Lines come until one has our number, or none at all: that is a last word to us as a client. */
static int wait_for_answer(ps_control_client *client, uint64_t end_ns, json_t **result, penstock_error *error) {
  for (;;) {
    json_t *line = NULL;
    int code = read_line(client, end_ns, &line, error);
    if (code != PENSTOCK_OK) {
      return code;
    }
    const json_t *fault = json_object_get(line, "error");
    const json_t *id = json_object_get(line, "id");
    if (json_object_get(line, "event") && client->heard) {
      client->heard(client->context, line);
      json_decref(line);
      continue;
    }
    if (json_object_get(line, "event")) {
      client->events = client->events ? client->events : json_array();
      (void)json_array_append_new(client->events, line);
      continue;
    }
    int is_ours = json_is_null(id) || json_integer_value(id) == client->last_id;
    if (is_ours && fault) {
      client->is_refused = !json_is_null(id);
      code = refused(fault, error);
    } else if (is_ours) {
      *result = json_incref(json_object_get(line, "result"));
    }
    json_decref(line);
    if (is_ours) {
      return code;
    }
  }
}

int ps_control_client_say(ps_control_client *client, const char *request, json_t *fields, int timeout_ms,
                          penstock_error *error) {
  json_t *line = json_pack("{s:I, s:s}", "id", ++client->last_id, "request", request);
  (void)json_object_update(line, fields);
  json_decref(fields);
  return write_line(client, line, end_of(timeout_ms), error);
}

int ps_control_client_ask(ps_control_client *client, const char *request, json_t *fields, int timeout_ms,
                          json_t **result, penstock_error *error) {
  uint64_t end_ns = end_of(timeout_ms);
  *result = NULL;
  client->is_refused = 0;
  int code = ps_control_client_say(client, request, fields, timeout_ms, error);
  return code == PENSTOCK_OK ? wait_for_answer(client, end_ns, result, error) : code;
}

int ps_control_client_next(ps_control_client *client, int timeout_ms, json_t **event, penstock_error *error) {
  if (json_array_size(client->events) > 0) {
    *event = json_incref(json_array_get(client->events, 0));
    (void)json_array_remove(client->events, 0);
    return PENSTOCK_OK;
  }
  return read_line(client, end_of(timeout_ms), event, error);
}

int ps_control_client_wait(ps_control_client *client, int timeout_ms) {
  uint64_t end_ns = end_of(timeout_ms);
  penstock_error error;
  int code;
  do {
    json_t *line = NULL;
    code = read_line(client, end_ns, &line, &error);
    json_decref(line);
  } while (code == PENSTOCK_OK);
  return code == PENSTOCK_E_TIMEOUT ? code : PENSTOCK_OK;
}

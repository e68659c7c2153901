/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "projects.h"
#include "stats.h"
#include "wire.h"

int wire_tcmd_find(const char *text, const char *key, char *value, size_t size) {
  size_t length = strlen(key);
  for (const char *at = strstr(text, "--"); at; at = strstr(at + 2, "--")) {
    const char *after = at + 2 + length;
    if ((at != text && !isspace((unsigned char)at[-1])) || strncmp(at + 2, key, length) != 0 ||
        (*after && !isspace((unsigned char)*after))) {
      continue;
    }
    while (isspace((unsigned char)*after)) {
      after++;
    }
    const char *end = strncmp(after, "--", 2) == 0 ? after : strstr(after, " --");
    end = end ? end : after + strlen(after);
    while (end > after && isspace((unsigned char)end[-1])) {
      end--;
    }
    size_t count = (size_t)(end - after) < size ? (size_t)(end - after) : size - 1;
    memcpy(value, after, count);
    value[count] = '\0';
    return 1;
  }
  return 0;
}

/* The rest of a text without a length: up to the half-close. Returns its size, or -1. */
static long read_to_end(demo_conn *conn, char *text, size_t have) {
  for (;;) {
    size_t count = 0;
    const uint8_t *data = conn_take(conn, WIRE_MAX_TEXT + 1 - have, &count);
    if (!data) {
      return conn->end == CONN_OPEN ? (long)have : -1;
    }
    memcpy(text + have, data, count);
    have += count;
    if (have > WIRE_MAX_TEXT) {
      wire_error(conn, "command is too long");
      return -1;
    }
  }
}

/*
 * Reads the command in either form. Text begins with "--", which as a length would be far over the limit, so
 * four bytes tell the forms apart. Returns its size (text gets a NUL behind), or -1 when answered or broken.
 */
static long read_command(demo_conn *conn, char text[WIRE_MAX_TEXT + 2]) {
  long size = 0;
  unsigned char first[4];
  if (conn_read(conn, first, sizeof(first)) != 0) {
    return -1;
  }
  size_t length = (size_t)first[0] << 24 | (size_t)first[1] << 16 | (size_t)first[2] << 8 | first[3];
  if (length <= WIRE_MAX_TEXT) {
    size = conn_read(conn, text, length) == 0 ? (long)length : -1;
  } else if (memcmp(first, "--", 2) == 0) {
    memcpy(text, first, sizeof(first));
    size = read_to_end(conn, text, sizeof(first));
  } else {
    wire_error(conn, "command is too long");
    size = -1;
  }
  if (size >= 0) {
    text[size] = '\0';
  }
  return size;
}

static project_action action_of(const char *text) {
  static const struct {
    const char *key;
    project_action action;
  } actions[] = {
      {"build", PROJECT_BUILD},         {"start", PROJECT_START},   {"resume", PROJECT_RESUME},
      {"terminate", PROJECT_TERMINATE}, {"delete", PROJECT_DELETE}, {"save_and_quit", PROJECT_SAVE_AND_QUIT},
  };
  char value[8];
  for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
    if (wire_tcmd_find(text, actions[i].key, value, sizeof(value))) {
      return actions[i].action;
    }
  }
  return PROJECT_QUERY;
}

static json_t *answer_of(const project_view *view) {
  return json_pack("{ss ss ss ss si ss ss ss si sI sI}", "protocol_version", WIRE_PROTOCOL_VERSION, "status",
                   view->status, "root", view->root, "error", view->error, "frame", view->frame, "data_hash",
                   view->data_hash, "param_hash", view->param_hash, "upload_id", view->upload_id, "pid", (int)getpid(),
                   "uptime_ms", (json_int_t)stats_uptime_ms(), "requests", (json_int_t)stats_requests());
}

void wire_tcmd(demo_solver *solver, demo_conn *conn) {
  char name[256] = "";
  project_view view;
  char *text = malloc(WIRE_MAX_TEXT + 2);
  if (!text) {
    wire_error(conn, "out of memory");
    return;
  }
  if (read_command(conn, text) >= 0) {
    if (!wire_tcmd_find(text, "name", name, sizeof(name)) || !project_name_valid(name)) {
      wire_answer(conn, json_pack("{ss ss}", "protocol_version", WIRE_PROTOCOL_VERSION, "error",
                                  "the command has no --name that names a project"));
    } else {
      project_act(&solver->store, name, action_of(text), &view);
      wire_answer(conn, answer_of(&view));
    }
  }
  free(text);
}

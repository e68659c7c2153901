/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "projects.h"
#include "stats.h"
#include "wire.h"

/* The members of a request; unset texts are "", unset sizes 0. */
typedef struct request {
  json_t *json;
  const char *kind, *path, *name, *upload_id, *data_hash, *param_hash;
  uint64_t size, data_size, param_size;
} request;

static const char *text_of(const json_t *json, const char *key) {
  const char *text = json_string_value(json_object_get(json, key));
  return text ? text : "";
}

/* Returns 0, or -1 if the member is there and no size. */
static int size_of(const json_t *json, const char *key, uint64_t *size) {
  const json_t *member = json_object_get(json, key);
  json_int_t value = json_integer_value(member);
  *size = value > 0 ? (uint64_t)value : 0;
  return !member || (json_is_integer(member) && value >= 0) ? 0 : -1;
}

/* Reads the line. Returns 0, or -1 when it is answered or the connection is broken. */
static int read_request(demo_conn *conn, request *out) {
  json_error_t error;
  size_t length = 0;
  memset(out, 0, sizeof(*out));
  char *line = malloc(WIRE_MAX_TEXT);
  if (!line) {
    wire_error(conn, "out of memory");
    return -1;
  }
  do {
    if (length == WIRE_MAX_TEXT) {
      wire_error(conn, "the request line is too long");
      free(line);
      return -1;
    }
    if (conn_read(conn, line + length, 1) != 0) {
      free(line);
      return -1;
    }
  } while (line[length++] != '\n');
  out->json = json_loadb(line, length, 0, &error);
  free(line);
  if (!json_is_object(out->json)) {
    wire_error(conn, "the request is no JSON object");
    return -1;
  }
  out->kind = text_of(out->json, "request");
  out->path = text_of(out->json, "path");
  out->name = text_of(out->json, "name");
  out->upload_id = text_of(out->json, "upload_id");
  out->data_hash = text_of(out->json, "data_hash");
  out->param_hash = text_of(out->json, "param_hash");
  if (size_of(out->json, "size", &out->size) != 0 || size_of(out->json, "data_size", &out->data_size) != 0 ||
      size_of(out->json, "param_size", &out->param_size) != 0) {
    wire_error(conn, "a size is no whole number");
    return -1;
  }
  return 0;
}

/* A hash that we can check: SHA-256 in hexadecimal. Others are only kept for the answers. */
static int is_sha256(const char *text) {
  return strlen(text) == DIGEST_TEXT - 1 && strspn(text, "0123456789abcdefABCDEF") == DIGEST_TEXT - 1;
}

/* Takes `size` bytes into `file`. Returns 0, or -1 when it is answered or broken. */
static int take_payload(demo_conn *conn, store_file *file, uint64_t size, char hash[DIGEST_TEXT]) {
  demo_digest *digest = digest_create();
  int result = digest ? 0 : -1;
  if (!digest) {
    wire_error(conn, "out of memory");
  }
  while (result == 0 && size > 0) {
    size_t count = 0;
    const uint8_t *data = conn_take(conn, size < SIZE_MAX ? (size_t)size : SIZE_MAX, &count);
    if (!data) {
      conn->end = conn->end == CONN_OPEN ? CONN_SHORT : conn->end;
      result = -1;
    } else if (store_write(file, data, count) != 0) {
      wire_error(conn, strerror(errno));
      result = -1;
    } else {
      digest_add(digest, data, count);
      size -= count;
    }
  }
  if (result == 0) {
    digest_text(digest, hash);
  }
  digest_destroy(digest);
  return result;
}

/* Receives one file whole, checked against `expected` if that is a hash. Nothing is visible before the commit. */
static int receive_file(demo_solver *solver, demo_conn *conn, const char *path, const char *name, uint64_t size,
                        const char *expected, store_file *file) {
  char problem[PATH_MAX + 64];
  if (store_create(&solver->store, path, name, file, problem, sizeof(problem)) != 0) {
    wire_error(conn, problem);
    return -1;
  }
  if (take_payload(conn, file, size, conn->sha256) != 0) {
    store_discard(file);
    return -1;
  }
  if (is_sha256(expected) && strcasecmp(expected, conn->sha256) != 0) {
    wire_answer(conn,
                json_pack("{ss ss ss}", "error", "hash mismatch", "expected", expected, "received", conn->sha256));
    store_discard(file);
    return -1;
  }
  return 0;
}

static void commit_and_confirm(demo_conn *conn, store_file *files, size_t count) {
  int failed = 0;
  for (size_t i = 0; i < count; i++) {
    failed = store_commit(&files[i]) != 0 ? errno : failed;
  }
  if (failed) {
    wire_error(conn, strerror(failed));
  } else {
    (void)conn_write(conn, "OK\n", 3);
  }
}

static void data_send(demo_solver *solver, demo_conn *conn, const request *in) {
  store_file file;
  if (receive_file(solver, conn, in->path, NULL, in->size, text_of(in->json, "hash"), &file) == 0) {
    commit_and_confirm(conn, &file, 1);
  }
}

static void data_receive(demo_solver *solver, demo_conn *conn, const request *in) {
  char problem[PATH_MAX + 64];
  char buffer[65536];
  uint64_t size = 0;
  int fd = store_read(&solver->store, in->path, &size, problem, sizeof(problem));
  if (fd < 0) {
    wire_error(conn, problem);
    return;
  }
  wire_answer(conn, json_pack("{sI}", "size", (json_int_t)size));
  while (conn->end == CONN_OPEN && size > 0) {
    ssize_t count = read(fd, buffer, size < sizeof(buffer) ? (size_t)size : sizeof(buffer));
    if (count <= 0) { /* it shrank under us: the client must not take this for the whole */
      conn_reset(conn);
      break;
    }
    if (conn_write(conn, buffer, (size_t)count) != 0) {
      break;
    }
    size -= (uint64_t)count;
  }
  close(fd);
}

static void upload_atomic(demo_solver *solver, demo_conn *conn, const request *in) {
  static const char *const names[] = {"data.pickle", "param.pickle"};
  const uint64_t sizes[] = {in->data_size, in->param_size};
  const char *hashes[] = {in->data_hash, in->param_hash};
  store_file files[2];
  size_t count = 0;
  if (!project_name_valid(in->name) || in->data_size + in->param_size == 0) {
    wire_error(conn, "upload_atomic needs the name of a project, and data or parameters");
    return;
  }
  for (size_t i = 0; i < 2; i++) {
    if (sizes[i] > 0) {
      if (receive_file(solver, conn, in->path, names[i], sizes[i], hashes[i], &files[count]) != 0) {
        while (count > 0) {
          store_discard(&files[--count]);
        }
        return;
      }
      count++;
    }
  }
  commit_and_confirm(conn, files, count);
  project_uploaded(in->name, in->upload_id, in->data_size ? in->data_hash : NULL,
                   in->param_size ? in->param_hash : NULL);
}

static void upload_notify(demo_solver *solver, demo_conn *conn, const request *in) {
  int has_data = json_is_true(json_object_get(in->json, "has_data"));
  int has_param = json_is_true(json_object_get(in->json, "has_param"));
  if (!project_name_valid(in->name)) {
    wire_error(conn, "upload_notify needs the name of a project");
  } else if ((has_data && !store_has(&solver->store, in->name, "data.pickle")) ||
             (has_param && !store_has(&solver->store, in->name, "param.pickle"))) {
    wire_error(conn, "the announced files are not there");
  } else {
    project_uploaded(in->name, in->upload_id, has_data ? in->data_hash : NULL, has_param ? in->param_hash : NULL);
    (void)conn_write(conn, "OK\n", 3);
  }
}

void wire_json(demo_solver *solver, demo_conn *conn) {
  static const struct {
    const char *kind;
    void (*serve)(demo_solver *solver, struct demo_conn *conn, const request *in);
  } kinds[] = {{"data_send", data_send},
               {"data_receive", data_receive},
               {"upload_atomic", upload_atomic},
               {"upload_notify", upload_notify}};
  request in;
  if (read_request(conn, &in) == 0) {
    size_t i = 0;
    while (i < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[i].kind, in.kind) != 0) {
      i++;
    }
    if (i < sizeof(kinds) / sizeof(kinds[0])) {
      kinds[i].serve(solver, conn, &in);
    } else if (strcmp(in.kind, "demo_stats") == 0) {
      wire_answer(conn, stats_json());
    } else {
      wire_error(conn, "unknown request");
    }
  }
  json_decref(in.json);
}

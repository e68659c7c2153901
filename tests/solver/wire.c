/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include "stats.h"

void wire_answer(demo_conn *conn, json_t *object) {
  char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
  json_decref(object);
  if (!text || conn_write(conn, text, strlen(text)) != 0 || conn_write(conn, "\n", 1) != 0) {
    conn->end = conn->end == CONN_OPEN ? CONN_CUT : conn->end;
  }
  free(text);
}

void wire_error(demo_conn *conn, const char *text) {
  wire_answer(conn, json_pack("{ss}", "error", text));
}

void wire_serve(demo_solver *solver, demo_conn *conn) {
  const demo_faults *faults = &solver->options->faults;
  char header[5] = "";
  if (faults->close_early) {
    conn->end = CONN_CUT;
    return;
  }
  if (conn_read(conn, header, 4) != 0) {
    return;
  }
  for (size_t i = 0; i < 4; i++) {
    if (header[i] > ' ' && header[i] < 0x7f) {
      conn->kind[i] = header[i];
    } else {
      conn->kind[i] = '?';
    }
  }
  stats_serving(conn);
  if (faults->mute) {
    conn_hold(conn);
  } else if (faults->garbage) {
    (void)conn_write(conn, "\x15\x03\x01 what?\r\n", 11);
  } else if (strcmp(header, "TCMD") == 0) {
    wire_tcmd(solver, conn);
  } else if (strcmp(header, "JSON") == 0) {
    wire_json(solver, conn);
  } else if (wire_raw(conn, header) != 0) {
    wire_error(conn, "unknown header");
  }
}

/* SPDX-License-Identifier: MIT */
/**
 * @file container_looks.h
 * Looks at containers as sh/container_look.sh prints them, recorded with Docker 20.10 and Podman 4.3 (docker-29 and
 * docker-rootless: after Docker's documents), for the tests of what is made of them. The files are
 * fuzz_container_view's corpus, too. In all of them the solver's port is 9090.
 */
#ifndef CONTAINER_LOOKS_H
#define CONTAINER_LOOKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/container/container_view.h"

/* Reads the recording `name`, with `more` behind it. */
static inline void look_with(container_view *view, const char *name, const char *more) {
  static char output[65536];
  char path[512];
  penstock_error error = {.struct_size = sizeof(error)};
  (void)snprintf(path, sizeof(path), "%s/%s", CONTAINER_LOOKS, name);
  FILE *file = fopen(path, "rbe");
  assert_non_null(file);
  size_t size = fread(output, 1, sizeof(output), file);
  (void)fclose(file);
  assert_true(size + strlen(more) < sizeof(output));
  memcpy(output + size, more, strlen(more) + 1);
  if (container_view_read(view, output, size + strlen(more), 9090, &error)) {
    fail_msg("%s: %s", name, error.what);
  }
}

static inline void look(container_view *view, const char *name) {
  look_with(view, name, "");
}

#endif

/* SPDX-License-Identifier: MIT */
#include "host/captured.h"

#include <stdlib.h>

#include "host/prompt.h"

void ps_free_wiped(char *data, size_t size) {
  if (data) {
    ps_wipe(data, size);
    free(data);
  }
}

void ps_captured_keep(ps_captured *to, const char *data, size_t size, size_t limit) {
  if (size > limit - to->size) {
    size = limit - to->size;
  }
  if (to->size + size > to->room) {
    size_t room = to->room ? to->room * 2 : 4096;
    room = room < to->size + size ? to->size + size : room;
    char *grown = malloc(room + 1);
    if (!grown) {
      return;
    }
    if (to->data) {
      memcpy(grown, to->data, to->size);
    }
    ps_free_wiped(to->data, to->size);
    to->data = grown;
    to->room = room;
  }
  if (size > 0) {
    memcpy(to->data + to->size, data, size);
    to->size += size;
    to->data[to->size] = '\0';
  }
}

void ps_captured_tell(const ps_captured *output, const ps_captured *error_output, penstock_exit *result) {
  result->output = output->data ? output->data : "";
  result->output_size = output->size;
  result->error_output = error_output->data ? error_output->data : "";
  result->error_output_size = error_output->size;
}

void ps_captured_clear(ps_captured *captured) {
  ps_free_wiped(captured->data, captured->size);
  memset(captured, 0, sizeof(*captured));
}

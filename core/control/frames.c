/* SPDX-License-Identifier: MIT */
#include "control/frames.h"

void ps_frames_head(unsigned char head[PS_FRAME_HEAD], size_t size) {
  for (size_t i = 0; i < PS_FRAME_HEAD; i++) {
    head[i] = (unsigned char)(size >> (8 * (PS_FRAME_HEAD - 1 - i)));
  }
}

static void begin_frame(ps_frames *self) {
  size_t size = 0;
  for (size_t i = 0; i < PS_FRAME_HEAD; i++) {
    size = size << 8 | self->head[i];
  }
  self->head_size = 0;
  self->left = size;
  self->has_ended = size == 0;
  self->is_bad = size > PS_FRAME_MOST;
}

size_t ps_frames_take(ps_frames *self, const char *data, size_t size, const char **part, size_t *part_size) {
  size_t used = 0;
  *part = data;
  *part_size = 0;
  while (used < size && !self->is_bad && self->left == 0) {
    if (self->has_ended) {
      self->is_bad = 1;
      return used;
    }
    self->head[self->head_size++] = (unsigned char)data[used++];
    if (self->head_size == PS_FRAME_HEAD) {
      begin_frame(self);
    }
  }
  if (used < size && !self->is_bad) {
    *part = data + used;
    *part_size = size - used < self->left ? size - used : self->left;
    self->left -= *part_size;
    used += *part_size;
  }
  return used;
}

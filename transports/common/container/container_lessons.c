/* SPDX-License-Identifier: MIT */
#include "common/container/container_lessons.h"

static int is_of(const container_lessons *self, const container_view *view) {
  return strcmp(self->id, view->id) == 0 && strcmp(self->started_at, view->started_at) == 0;
}

static int is_same(const container_path *one, const container_path *other) {
  return one->way == other->way && one->port == other->port && strcmp(one->host, other->host) == 0;
}

void container_lessons_keep(container_lessons *self, const container_view *view, const container_path *path) {
  size_t at = 0;
  if (!is_of(self, view)) {
    (void)snprintf(self->id, sizeof(self->id), "%s", view->id);
    (void)snprintf(self->started_at, sizeof(self->started_at), "%s", view->started_at);
    self->count = 0;
  }
  while (at < self->count && !(is_same(&self->items[at], path) && self->items[at].is_doubted == path->is_doubted)) {
    at++;
  }
  if (at < sizeof(self->items) / sizeof(self->items[0])) {
    self->items[at] = *path;
    self->count = at == self->count ? at + 1 : self->count;
  }
}

void container_lessons_apply(const container_lessons *self, const container_view *view, container_paths *paths) {
  if (!is_of(self, view)) {
    return;
  }
  for (size_t i = 0; i < paths->count; i++) {
    container_path *path = &paths->items[i];
    int is_useless = path->why_not[0] != '\0';
    for (size_t n = 0; n < self->count; n++) {
      const container_path *lesson = &self->items[n];
      if (is_same(lesson, path) && lesson->is_doubted == !is_useless) {
        path->is_doubted = lesson->is_doubted;
        (void)snprintf(path->why_not, sizeof(path->why_not), "%s", lesson->why_not);
      }
    }
  }
}

size_t container_lessons_doubts(const container_lessons *self) {
  size_t count = 0;
  for (size_t i = 0; i < self->count; i++) {
    count += self->items[i].is_doubted ? 1 : 0;
  }
  return count;
}

void container_lessons_forget_doubts(container_lessons *self) {
  size_t kept = 0;
  for (size_t i = 0; i < self->count; i++) {
    if (!self->items[i].is_doubted) {
      self->items[kept++] = self->items[i];
    }
  }
  self->count = kept;
}

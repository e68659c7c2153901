/* SPDX-License-Identifier: MIT */
/* Questions to the engine, one at a time: whoever asks what is being asked already shares the answer. */
#include <stdlib.h>

#include "common/container/container_internal.h"

/* How long a view may be taken for how things are, by whoever asks right after. */
#define FRESH_NS (200ull * 1000000)

static void on_answer(void *context, const container_view *view, const penstock_error *error);

static void ask_next(container_carrier *self) {
  const container_question *question = self->questions;
  if (self->is_asking || !question) {
    return;
  }
  uint64_t left = container_left_ms(self, question->deadline_ns);
  self->is_asking = 1;
  self->is_asking_up = question->is_up;
  if (question->is_up) {
    container_ask_up(self->ask, question->op, left ? left : 1, on_answer, self);
  } else {
    container_ask_look(self->ask, left ? left : 1, on_answer, self);
  }
}

/* --- answers --------------------------------------------------------------------------------------- */

static void keep_view(container_carrier *self, const container_view *view, int is_whole) {
  if (!self->has_view || strcmp(self->view.id, view->id) != 0 || strcmp(self->view.started_at, view->started_at) != 0) {
    self->is_settled = 0; /* another start: ports and addresses may be somebody else's by now */
  }
  self->view = *view;
  self->has_view = 1;
  self->has_run |= view->state == CONTAINER_RUNNING;
  self->fresh_until_ns = is_whole ? container_now_ns(self) + FRESH_NS : 0;
  container_warn(self, &self->view);
}

/* An answer to "see to it that it runs" tells those who want to look as much, unless it is an error. */
static void mark_answered(container_carrier *self, const penstock_error *error) {
  for (container_question *each = self->questions; each; each = each->next) {
    each->is_answered |= each->is_up ? self->is_asking_up : !self->is_asking_up || !error;
  }
}

static container_question *take_answered(container_carrier *self) {
  container_question **at = &self->questions;
  while (*at && !(*at)->is_answered) {
    at = &(*at)->next;
  }
  container_question *found = *at;
  if (found) {
    *at = found->next;
  }
  return found;
}

static void on_answer(void *context, const container_view *view, const penstock_error *error) {
  container_carrier *self = context;
  penstock_error forbidden = {.struct_size = sizeof(forbidden)};
  if (view) {
    keep_view(self, view, !error);
  }
  self->is_asking = 0;
  if (self->is_cancelling) { /* nobody waited for this one any more */
    self->is_cancelling = 0;
    ask_next(self);
    return;
  }
  mark_answered(self, error);
  int is_refused = !error && container_refuse(self, &self->view, &forbidden) != 0;
  for (container_question *each = take_answered(self); each; each = take_answered(self)) {
    const penstock_error *told = error ? error : each->is_up && is_refused ? &forbidden : NULL;
    each->done(each->context, view ? &self->view : NULL, told); /* may ask again */
  }
  ask_next(self);
}

/* --- questions ------------------------------------------------------------------------------------- */

static void ask(carrier *carried, container_question *question, container_ask_done *done, void *context) {
  container_carrier *self = (container_carrier *)carried;
  container_question **at = &self->questions;
  question->done = done;
  question->context = context;
  question->next = NULL;
  question->is_answered = 0;
  while (*at) {
    at = &(*at)->next;
  }
  *at = question;
  ask_next(self);
}

void container_carrier_look(carrier *self, container_question *question, uint64_t timeout_ms, container_ask_done *done,
                            void *context) {
  question->is_up = 0;
  question->op = NULL;
  question->deadline_ns = container_now_ns((container_carrier *)self) + timeout_ms * 1000000;
  ask(self, question, done, context);
}

void container_carrier_up(carrier *self, container_question *question, penstock_op *op, uint64_t timeout_ms,
                          container_ask_done *done, void *context) {
  question->is_up = 1;
  question->op = op;
  question->deadline_ns = container_now_ns((container_carrier *)self) + timeout_ms * 1000000;
  ask(self, question, done, context);
}

void container_carrier_forget(carrier *carried, container_question *question) {
  container_carrier *self = (container_carrier *)carried;
  container_question **at = &self->questions;
  while (*at && *at != question) {
    at = &(*at)->next;
  }
  if (!*at) {
    return;
  }
  *at = question->next;
  int is_wanted = 0;
  for (const container_question *each = self->questions; each; each = each->next) {
    is_wanted |= each->is_up == self->is_asking_up;
  }
  if (self->is_asking && !self->is_cancelling && question->is_up == self->is_asking_up && !is_wanted) {
    self->is_cancelling = 1;
    container_ask_cancel(self->ask);
  }
}

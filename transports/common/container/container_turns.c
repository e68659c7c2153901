/* SPDX-License-Identifier: MIT */
/* Questions to the engine, one at a time: whoever asks what is being asked already shares the answer. */
#include <stdlib.h>

#include "common/container/container_internal.h"

/* How long a view may be taken for how things are, by whoever asks right after. */
#define FRESH_NS (200ull * 1000000)
/* From one look at a settled way to the next, while streams take it. */
#define CHECK_EVERY_NS (5000ull * 1000000)
enum { CHECK_MS = 10000 };

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

static int are_same(const container_addresses *one, const container_addresses *other) {
  int is_same = one->count == other->count;
  for (size_t i = 0; is_same && i < one->count; i++) {
    is_same = one->items[i].port == other->items[i].port && strcmp(one->items[i].host, other->items[i].host) == 0;
  }
  return is_same;
}

/* Ports and addresses that were the container's may be somebody else's by now. */
static int has_moved(const container_view *was, const container_view *is) {
  return strcmp(was->id, is->id) != 0 || strcmp(was->started_at, is->started_at) != 0 ||
         is->state != CONTAINER_RUNNING || !are_same(&was->published, &is->published) || !are_same(&was->own, &is->own);
}

/* Whoever was reached by the settled way since is perhaps not in the container. */
static void leave_settled(container_carrier *self, const container_view *view) {
  penstock_error error = {.struct_size = sizeof(error)};
  char title[300];
  self->is_settled = 0;
  if (self->settled.way == CONTAINER_WAY_EXEC) { /* leads into the container, or nowhere */
    return;
  }
  container_title(self, title, sizeof(title));
  if (view->state == CONTAINER_PAUSED && strcmp(self->view.id, view->id) == 0) { /* and keeps its addresses */
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "%s is paused", title);
  } else {
    (void)penstock_fail(&error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                        "%s %s: if something still answers at %s:%u, it may be another container", title,
                        view->state == CONTAINER_RUNNING  ? "was started anew, or is in another network by now"
                        : view->state == CONTAINER_ABSENT ? "does not exist any more"
                                                          : "does not run any more",
                        self->settled.host, (unsigned)self->settled.port);
  }
  penstock_next(&error, "it is looked for, and started again where that is allowed");
  self->base.host->solver_exited(self->base.host, &error);
}

static void keep_view(container_carrier *self, const container_view *view, int is_whole) {
  if (self->is_settled && has_moved(&self->view, view)) {
    leave_settled(self, view);
  }
  self->checked_ns = container_now_ns(self);
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

/* --- is it still that container? ------------------------------------------------------------------- */

/* What there was to see is kept already; an engine that does not answer says nothing of the container. */
static void on_checked(void *context, const container_view *view, const penstock_error *error) {
  container_carrier *self = context;
  (void)view;
  (void)error;
  self->is_checking = 0;
}

void container_check_settled(container_carrier *self) {
  uint64_t now = container_now_ns(self);
  if (self->settled.way == CONTAINER_WAY_EXEC || self->is_checking || now < self->checked_ns + CHECK_EVERY_NS) {
    return;
  }
  self->is_checking = 1;
  self->checked_ns = now;
  container_carrier_look(&self->base, &self->check, CHECK_MS, on_checked, self);
}

/* SPDX-License-Identifier: MIT */
/* Sees to it that the container runs: look, do what the state asks for, look again. */
#include <stdlib.h>

#include "common/container/container_ask_internal.h"
#include "common/container/container_scripts.h"

enum {
  NAP_MS = 250,       /* between looks */
  LAST_MS = 500,      /* with less time left there is no other look */
  STAYS_MS = 250,     /* one that was started is looked at again after this time: many end at once */
  STEADY_MS = 400,    /* the same for one that the engine has started again before */
  PASSES_MS = 3000,   /* so long may a state last that passes by itself: restarting, being removed */
  RESTARTS_MS = 1500, /* `docker restart` by somebody shows a stopped container for a moment */
};

static uint64_t since_ms(const container_ask *self, uint64_t then_ns) {
  return (self->host->now_ns(self->host) - then_ns) / 1000000;
}

/* --- progress ------------------------------------------------------------------------------------------ */

static void tell_progress(container_ask *self, const char *doing, const char *what, uint64_t since_ns) {
  char text[512];
  char time[32] = "";
  unsigned seconds = (unsigned)(since_ms(self, since_ns) / 1000);
  if (seconds > 0) {
    (void)snprintf(time, sizeof(time), ", %u s", seconds);
  }
  (void)snprintf(text, sizeof(text), "%s %.400s%s", doing, what, time);
  self->host->op_progress(self->host, self->op, text);
}

static void tell_acting(container_ask *self) {
  tell_progress(self, self->view.state == CONTAINER_PAUSED ? "unpausing" : "starting", self->name, self->step_ns);
}

static void tell_composing(container_ask *self) {
  tell_progress(self, "compose brings up", self->name, self->step_ns);
}

void ask_up_tick(void *context) {
  container_ask *self = context;
  container_report_context report = ask_report_context(self);
  switch (self->step) {
  case ASK_LOOK:
  case ASK_LIST:
  case ASK_LOG:
  case ASK_NAP:
    tell_progress(self, "waiting for", self->up.waits_since_ns ? self->name : report.engine, self->started_ns);
    break;
  case ASK_ACT:
    tell_acting(self);
    break;
  case ASK_COMPOSE:
    tell_composing(self);
    break;
  default:
    break;
  }
}

/* --- what is done ------------------------------------------------------------------------------------- */

static void nap_over(void *context) {
  container_ask *self = context;
  self->timer = NULL;
  ask_look(self);
}

/* Looks again after a while. */
static void nap(container_ask *self) {
  self->step = ASK_NAP;
  self->step_ns = self->host->now_ns(self->host);
  self->timer = self->host->timer_start(self->host, NAP_MS, 0, nap_over, self);
  if (!self->timer) {
    (void)penstock_fail(&self->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "Out of memory");
    ask_finish(self, &self->error);
  }
}

/* Waits for a state to pass by itself. 0 if it has lasted too long. */
static int waits(container_ask *self, uint64_t limit_ms) {
  uint64_t now_ns = self->host->now_ns(self->host);
  ask_up *up = &self->up;
  up->waits_since_ns = up->waits_since_ns ? up->waits_since_ns : now_ns;
  if ((now_ns - up->waits_since_ns) / 1000000 >= limit_ms || ask_remaining_ms(self) <= LAST_MS) {
    return 0;
  }
  nap(self);
  return 1;
}

static void acted(void *context, const carrier_result *result) {
  container_ask *self = context;
  penstock_error error = {.struct_size = sizeof(error)};
  self->run = NULL;
  int failed = ask_judge(self, result, &error);
  if (failed && (self->cancelled || result->error)) {
    ask_finish(self, &error);
    return;
  }
  /* Somebody else may have been faster. So its failure only counts if the container does not run then. */
  self->up.act_failed = failed;
  self->up.act_error = error;
  ask_look(self);
}

static void act(container_ask *self, const char *what) {
  script *s = ask_script(self);
  script_set(s, "ps_act", what);
  script_set(s, "ps_id", self->view.id);
  script_add(s, script_container_act);
  self->up.acted = 1;
  self->step_ns = self->host->now_ns(self->host);
  tell_acting(self);
  penstock_logf(self->host, PENSTOCK_LOG_INFO, "%s %s %s: asking the engine to %s it", self->name,
                self->view.state == CONTAINER_EXITED ? "has" : "is", self->view.status, what);
  ask_run(self, ASK_ACT, s, acted);
}

static void composed(void *context, const carrier_result *result) {
  container_ask *self = context;
  if (!ask_has_failed(self, result)) {
    ask_look(self);
  }
}

/* The program of its own that compose may be: "sudo -n docker" has "sudo -n docker-compose" beside it. */
static void set_compose_tool(const container_ask *self, script *s) {
  const char *items[CONTAINER_ENGINE_WORDS_MAX];
  char tool[512] = "";
  size_t count = 0;
  while (self->settings->words[count]) {
    items[count] = self->settings->words[count];
    count++;
  }
  if (count > 0) {
    (void)snprintf(tool, sizeof(tool), "%.500s-compose", items[count - 1]);
    items[count - 1] = tool;
  }
  script_list(s, "ps_tool", items, count);
}

static void compose(container_ask *self) {
  script *s = ask_script(self);
  set_compose_tool(self, s);
  script_set(s, "ps_service", self->settings->service);
  script_set(s, "ps_project", self->settings->project);
  const char *file = self->settings->compose_file;
  char *there = file && self->below->ops->path ? self->below->ops->path(self->below, file) : NULL;
  script_set(s, "ps_file", there ? there : file);
  free(there);
  script_add(s, script_container_compose);
  self->up.composed = self->up.acted = 1;
  self->step_ns = self->host->now_ns(self->host);
  tell_composing(self);
  ask_run(self, ASK_COMPOSE, s, composed);
}

/* --- why it cannot be done ------------------------------------------------------------------------------ */

static void listed(void *context, const carrier_result *result) {
  container_ask *self = context;
  container_report_context report = ask_report_context(self);
  char *there = NULL;
  char *images = NULL;
  self->run = NULL;
  if (!result->error) {
    char *outcome = script_value(result->output, result->output_size, "outcome");
    there = script_value(result->output, result->output_size, "there");
    images = script_value(result->output, result->output_size, "image");
    if (!there && outcome && strcmp(outcome, "ok") == 0) {
      there = calloc(1, 1); /* there is none */
    }
    free(outcome);
  }
  container_report_absent(&report, there, images, &self->error);
  free(there);
  free(images);
  ask_finish(self, &self->error);
}

static void fail_absent(container_ask *self) {
  script *s = ask_script(self);
  script_add(s, script_container_list);
  ask_run(self, ASK_LIST, s, listed);
}

static void logged(void *context, const carrier_result *result) {
  container_ask *self = context;
  container_report_context report = ask_report_context(self);
  penstock_error error = {.struct_size = sizeof(error)};
  self->run = NULL;
  container_report_ended(&report, &self->view, &error);
  ask_log_take(result, &error);
  ask_finish(self, &error);
}

static void fail_ended(container_ask *self) {
  ask_run(self, ASK_LOG, ask_log_script(self, &self->view), logged);
}

/* --- which of them -------------------------------------------------------------------------------------- */

static void seen_running(container_ask *self) {
  ask_up *up = &self->up;
  const container_view *view = &self->view;
  int restarts = up->has_restarted || view->restart_count > 0;
  if (!restarts && !up->acted) {
    ask_finish(self, NULL);
    return;
  }
  if (!up->runs_since_ns || strcmp(up->started_at, view->started_at) != 0) {
    up->runs_since_ns = self->host->now_ns(self->host); /* not when that look began: it may have been slow */
    memcpy(up->started_at, view->started_at, sizeof(up->started_at));
  }
  if (since_ms(self, up->runs_since_ns) >= (uint64_t)(restarts ? STEADY_MS : STAYS_MS) ||
      ask_remaining_ms(self) <= LAST_MS) {
    ask_finish(self, NULL);
  } else if (restarts && !waits(self, PASSES_MS)) {
    fail_ended(self);
  } else if (!restarts) {
    nap(self);
  }
}

static void seen_stopped(container_ask *self) {
  ask_up *up = &self->up;
  container_report_context report = ask_report_context(self);
  if (up->act_failed) {
    ask_finish(self, &up->act_error);
  } else if (up->acted) {
    fail_ended(self);
  } else if (self->settings->start_container) {
    act(self, "start");
  } else if (!waits(self, RESTARTS_MS)) {
    container_report_held(&report, &self->view, &self->error);
    ask_finish(self, &self->error);
  }
}

static void seen_paused(container_ask *self) {
  container_report_context report = ask_report_context(self);
  if (self->up.act_failed) {
    ask_finish(self, &self->up.act_error);
  } else if (self->settings->start_container && !self->up.acted) {
    act(self, "unpause");
  } else {
    container_report_held(&report, &self->view, &self->error);
    ask_finish(self, &self->error);
  }
}

static void seen_absent(container_ask *self) {
  const container_settings *settings = self->settings;
  if (!settings->container && settings->start_compose && !self->up.composed) {
    compose(self);
  } else {
    fail_absent(self);
  }
}

void ask_up_seen(container_ask *self) {
  container_report_context report = ask_report_context(self);
  switch (self->view.state) {
  case CONTAINER_RUNNING:
    seen_running(self);
    break;
  case CONTAINER_CREATED:
  case CONTAINER_EXITED:
    seen_stopped(self);
    break;
  case CONTAINER_PAUSED:
    seen_paused(self);
    break;
  case CONTAINER_ABSENT:
    seen_absent(self);
    break;
  case CONTAINER_RESTARTING:
    self->up.has_restarted = 1;
    self->up.runs_since_ns = 0;
    if (!waits(self, PASSES_MS)) {
      fail_ended(self);
    }
    break;
  default:
    if (self->view.state == CONTAINER_DEAD || !waits(self, PASSES_MS)) {
      container_report_stuck(&report, &self->view, &self->error);
      ask_finish(self, &self->error);
    }
  }
}

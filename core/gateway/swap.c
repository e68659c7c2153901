/* SPDX-License-Identifier: MIT */
#include "gateway/swap.h"

#include <stdlib.h>
#include <string.h>

#include "log/json.h"
#include "log/log.h"

/* A crew that is on its way out. */
typedef struct leaver {
  ps_list node;
  ps_crew *crew;
  int was_used; /* else it has failed before it was */
  uint64_t end_ns;
} leaver;

static const char *name_of(const ps_crew *crew) {
  return ps_crew_options_of(crew)->profile;
}

/* An event that is about a crew; the rest of it is the caller's. */
static ps_swap_event about(const ps_swap *self, const ps_crew *crew, ps_swap_step step) {
  const ps_crew_options *options = ps_crew_options_of(crew);
  return (ps_swap_event){.step = step,
                         .profile = options->profile,
                         .transport = options->transport,
                         .settings = options->settings,
                         .other = self->other,
                         .state = ps_crew_state(crew)};
}

void ps_swap_init(ps_swap *self, void (*tell)(void *context, const ps_swap_event *event), void *context) {
  memset(self, 0, sizeof(*self));
  ps_list_init(&self->leaving);
  self->tell = tell;
  self->context = context;
}

/* --- leaving ------------------------------------------------------------------------------------ */

/* Streams may go on for `drain_ms`. A solver that was served goes on: the profile was left, the gateway does not end.
 */
static void leave(ps_swap *self, ps_crew *crew, int was_used, uint64_t drain_ms, int stop_solver) {
  leaver *one = calloc(1, sizeof(*one));
  if (one) { /* else it ends just the same, unseen */
    one->crew = crew;
    one->was_used = was_used;
    one->end_ns = uv_hrtime() + drain_ms * 1000000;
    ps_list_append(&self->leaving, &one->node);
    self->leaving_count++;
    self->draining_count += was_used ? 1 : 0;
  }
  ps_crew_stop(crew, drain_ms, stop_solver, 0);
}

static leaver *find(const ps_swap *self, const ps_crew *crew) {
  for (ps_list *node = self->leaving.next; node != &self->leaving; node = node->next) {
    leaver *one = PS_CONTAINER(node, leaver, node);
    if (one->crew == crew) {
      return one;
    }
  }
  return NULL;
}

void ps_swap_ended(ps_swap *self, ps_crew *crew) {
  leaver *one = find(self, crew);
  if (one) {
    ps_list_remove(&one->node);
    self->leaving_count--;
    self->draining_count -= one->was_used ? 1 : 0;
  }
  if (crew == self->coming) {
    self->coming = NULL;
  }
  if (one && one->was_used) {
    ps_log(PENSTOCK_LOG_INFO, name_of(crew), "left: it has no streams any more");
    ps_swap_event event = about(self, crew, PS_SWAP_DRAINED);
    event.other = NULL;
    self->tell(self->context, &event);
  }
  free(one);
  ps_crew_close(crew);
}

/* --- coming ------------------------------------------------------------------------------------- */

int ps_swap_begin(ps_swap *self, ps_crew *crew, const ps_crew *used, penstock_socket listening, int64_t drain_ms,
                  penstock_error *error) {
  int result = ps_crew_start(crew, listening, error);
  if (result != PENSTOCK_OK && ps_crew_lanes(crew) == 0) {
    ps_crew_close(crew);
    return result;
  }
  if (result != PENSTOCK_OK) { /* some lanes run, and have to end first */
    leave(self, crew, 0, 0, 0);
    return result;
  }
  self->coming = crew;
  self->drain_ms = drain_ms;
  self->other = name_of(used);
  return PENSTOCK_OK;
}

void ps_swap_tell_begun(const ps_swap *self) {
  ps_log(PENSTOCK_LOG_INFO, name_of(self->coming), "connects beside '%s', to be used instead", self->other);
  ps_swap_event event = about(self, self->coming, PS_SWAP_BEGUN);
  self->tell(self->context, &event);
}

ps_crew *ps_swap_take(ps_swap *self, ps_crew *used) {
  ps_crew *taken = self->coming;
  int64_t usual = ps_settings_int(ps_crew_options_of(used)->settings, "drain", 30000);
  uint64_t drain_ms = (uint64_t)(self->drain_ms < 0 ? usual : self->drain_ms);
  size_t streams = ps_crew_load(used);
  self->coming = NULL;
  ps_log(PENSTOCK_LOG_INFO, name_of(taken), "used from now on; %zu stream%s of '%s' may go on for %llu ms", streams,
         streams == 1 ? "" : "s", self->other, (unsigned long long)drain_ms);
  ps_swap_event event = about(self, taken, PS_SWAP_TAKEN);
  event.streams = streams;
  event.drain_ms = drain_ms;
  self->tell(self->context, &event);
  leave(self, used, 1, drain_ms, 0);
  return taken;
}

static int stops_solver(const ps_crew *crew) {
  const char *on_exit = ps_settings_string(ps_crew_options_of(crew)->settings, "on_exit");
  return on_exit && strcmp(on_exit, "stop") == 0;
}

static void fail(ps_swap *self, const penstock_error *error, int is_ending) {
  ps_crew *crew = self->coming;
  if (!crew) {
    return;
  }
  ps_swap_event event = about(self, crew, PS_SWAP_FAILED);
  event.error = error;
  event.is_ending = is_ending;
  self->coming = NULL;
  ps_log_error(ps_crew_options_of(crew)->told ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_WARN, name_of(crew), error);
  ps_log(PENSTOCK_LOG_INFO, name_of(crew), "not used: '%s' goes on", self->other);
  self->tell(self->context, &event);
  leave(self, crew, 0, 0, stops_solver(crew)); /* what it may have launched, and nobody uses */
}

void ps_swap_fail(ps_swap *self, const penstock_error *error) {
  fail(self, error, 0);
}

/* --- what they say ------------------------------------------------------------------------------ */

/* The first failure is the last: there is another one that serves, or tries again by itself. */
void ps_swap_state(ps_swap *self, ps_crew *crew, int is_news, const penstock_error *error) {
  if (crew != self->coming) {
    return;
  }
  if (is_news) {
    ps_swap_event event = about(self, crew, PS_SWAP_STATE);
    event.error = error;
    self->tell(self->context, &event);
  }
  if (ps_crew_state(crew) == PS_STATE_DOWN && error) {
    ps_swap_fail(self, error);
  }
}

void ps_swap_leg(const ps_swap *self, const ps_crew *crew, uint32_t leg, uint64_t elapsed_ns, const char *text,
                 const penstock_error *error) {
  if (crew == self->coming) {
    ps_swap_event event = about(self, crew, PS_SWAP_LEG);
    event.leg = leg;
    event.elapsed_ns = elapsed_ns;
    event.text = text;
    event.error = error;
    self->tell(self->context, &event);
  }
}

void ps_swap_progress(const ps_swap *self, const ps_crew *crew, const char *text) {
  if (crew == self->coming) {
    ps_swap_event event = about(self, crew, PS_SWAP_PROGRESS);
    event.text = text;
    self->tell(self->context, &event);
  }
}

/* --- all of them -------------------------------------------------------------------------------- */

/* Adds up a figure of each. */
static size_t sum(const ps_swap *self, size_t (*figure)(const ps_crew *crew)) {
  size_t total = self->coming ? figure(self->coming) : 0;
  for (const ps_list *node = self->leaving.next; node != &self->leaving; node = node->next) {
    total += figure(PS_CONTAINER(node, leaver, node)->crew);
  }
  return total;
}

static size_t lanes_of(const ps_crew *crew) {
  return ps_crew_lanes(crew);
}

static size_t blocked_of(const ps_crew *crew) {
  return ps_crew_blocked(crew);
}

size_t ps_swap_load(const ps_swap *self) {
  return sum(self, ps_crew_load);
}

uint32_t ps_swap_lanes(const ps_swap *self) {
  return (uint32_t)sum(self, lanes_of);
}

uint32_t ps_swap_blocked(const ps_swap *self) {
  return (uint32_t)sum(self, blocked_of);
}

size_t ps_swap_ask_reports(const ps_swap *self, uint64_t ticket) {
  size_t asked = 0; /* the one that comes has carried nothing, and may be inside a login for minutes */
  for (const ps_list *node = self->leaving.next; node != &self->leaving; node = node->next) {
    asked += ps_crew_ask_reports(PS_CONTAINER(node, leaver, node)->crew, ticket);
  }
  return asked;
}

void ps_swap_network_changed(const ps_swap *self) {
  /* One that still connects would give up a connect that hangs, and that would be its end. */
  if (self->coming && ps_crew_state(self->coming) != PS_STATE_CONNECTING) {
    ps_crew_network_changed(self->coming);
  }
  for (const ps_list *node = self->leaving.next; node != &self->leaving; node = node->next) {
    ps_crew_network_changed(PS_CONTAINER(node, leaver, node)->crew);
  }
}

void ps_swap_stop(ps_swap *self, uint64_t drain_ms) {
  uint64_t now_ns = uv_hrtime();
  if (self->coming) {
    penstock_error error;
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED, "the gateway ends");
    penstock_next(&error, "start it with the profile that you want: penstock up %s", name_of(self->coming));
    fail(self, &error, 1);
  }
  for (const ps_list *node = self->leaving.next; node != &self->leaving; node = node->next) {
    const leaver *one = PS_CONTAINER(node, leaver, node);
    uint64_t left_ms = one->end_ns > now_ns ? (one->end_ns - now_ns) / 1000000 : 0;
    ps_crew_stop(one->crew, drain_ms < left_ms ? drain_ms : left_ms, !one->was_used && stops_solver(one->crew), 0);
  }
}

json_t *ps_swap_leaving_json(const ps_swap *self) {
  uint64_t now_ns = uv_hrtime();
  json_t *list = json_array();
  for (const ps_list *node = self->leaving.next; node != &self->leaving; node = node->next) {
    const leaver *one = PS_CONTAINER(node, leaver, node);
    const ps_crew_options *options = ps_crew_options_of(one->crew);
    uint64_t left_ms = one->end_ns > now_ns ? (one->end_ns - now_ns) / 1000000 : 0;
    if (!one->was_used) {
      continue; /* it has failed, and has nothing to finish */
    }
    (void)json_array_append_new(list, json_pack("{s:o, s:s, s:I, s:I}", "profile", ps_json_text(options->profile),
                                                "transport", options->transport->name, "streams",
                                                (json_int_t)ps_crew_load(one->crew), "left_ms", (json_int_t)left_ms));
  }
  return list;
}

json_t *ps_swap_event_json(const ps_swap_event *event) {
  static const char *const steps[] = {
      [PS_SWAP_BEGUN] = "begun",       [PS_SWAP_STATE] = "state", [PS_SWAP_LEG] = "leg",
      [PS_SWAP_PROGRESS] = "progress", [PS_SWAP_TAKEN] = "taken", [PS_SWAP_FAILED] = "failed",
      [PS_SWAP_DRAINED] = "drained"};
  json_t *object = json_pack("{s:s, s:o, s:s, s:o, s:o}", "step", steps[event->step], "profile",
                             ps_json_text(event->profile), "transport", event->transport->name, "other",
                             ps_json_text(event->other), "error", ps_json_error(event->error));
  if (event->step == PS_SWAP_STATE) {
    (void)json_object_set_new(object, "state", json_string(ps_state_name(event->state)));
  } else if (event->step == PS_SWAP_LEG) {
    (void)json_object_set_new(object, "leg", json_string(ps_leg_name(event->leg)));
    (void)json_object_set_new(object, "ms", ps_json_ms(event->elapsed_ns));
  } else if (event->step == PS_SWAP_TAKEN) {
    (void)json_object_set_new(object, "streams", json_integer((json_int_t)event->streams));
    (void)json_object_set_new(object, "drain_ms", json_integer((json_int_t)event->drain_ms));
  }
  if (event->text) {
    (void)json_object_set_new(object, "text", ps_json_text(event->text));
  }
  return object;
}

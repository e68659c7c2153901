/* SPDX-License-Identifier: MIT */
#include "gateway/told.h"

#include <string.h>

#include <uv.h>

#include "log/json.h"
#include "log/log.h"

static ps_told_moment now(void) {
  ps_told_moment moment = {.ns = uv_hrtime()};
  (void)timespec_get(&moment.when, TIME_UTC);
  return moment;
}

void ps_told_begin(ps_told *told) {
  memset(told, 0, sizeof(*told));
  told->began = now();
  told->since = told->began;
  told->state = PS_STATE_CONNECTING;
}

void ps_told_listening(ps_told *told, const char *address) {
  (void)snprintf(told->listen, sizeof(told->listen), "%s", address);
}

void ps_told_wanted(ps_told *told, int is_wanted) {
  told->is_wanted = is_wanted;
}

/* Whoever was down, or served, and connects now tries again; unless it is because the user wants it. */
static void count_tries(ps_told *told, ps_state state) {
  int was_over = told->state == PS_STATE_DOWN || ps_state_serves(told->state);
  if (state == PS_STATE_CONNECTING && was_over) {
    told->retries += !told->is_wanted;
    told->retries_all += !told->is_wanted;
    told->is_wanted = 0;
  } else if (state == PS_STATE_UP) {
    told->retries = 0;
  }
}

void ps_told_state(ps_told *told, ps_state state, const penstock_error *error, uint64_t next_try_ms) {
  count_tries(told, state);
  if (state != told->state) {
    told->since = now();
    told->progress[0] = '\0';
  }
  told->state = state;
  if (error) {
    told->reason = *error;
    told->last = *error;
    told->last_at = now();
  } else if (state == PS_STATE_UP || state == PS_STATE_STOPPED || state == PS_STATE_STOPPING) {
    told->reason.what[0] = '\0'; /* while it tries again, why it has to is still why it is not up */
  }
  told->next_try_ns = next_try_ms > 0 ? uv_hrtime() + next_try_ms * 1000000 : 0;
  told->connects |= state == PS_STATE_CONNECTING;
}

/* What a new try passes anew, and all beyond it, is of the old way. */
static void forget_from(ps_told *told, uint32_t leg) {
  size_t kept = 0;
  while (kept < told->leg_count && told->legs[kept].leg < leg) {
    kept++;
  }
  told->leg_count = kept;
}

void ps_told_leg_is(ps_told *told, uint32_t leg, uint64_t elapsed_ns, const char *text, const penstock_error *error) {
  if (told->connects) {
    told->connects = 0;
    forget_from(told, leg);
  }
  if (told->leg_count == PS_TOLD_LEGS) {
    told->leg_count--;
    memmove(told->legs, told->legs + 1, told->leg_count * sizeof(told->legs[0]));
  }
  ps_told_leg *row = &told->legs[told->leg_count++];
  row->leg = leg;
  row->elapsed_ns = elapsed_ns;
  row->failed = error != NULL;
  (void)snprintf(row->text, sizeof(row->text), "%s", text ? text : "");
  penstock_utf8_trim(row->text, sizeof(row->text));
  if (error) {
    told->last = *error;
    told->last_at = now();
  }
}

void ps_told_progress(ps_told *told, const char *text) {
  (void)snprintf(told->progress, sizeof(told->progress), "%s", text);
  penstock_utf8_trim(told->progress, sizeof(told->progress));
}

void ps_told_serving(ps_told *told, int adopted, const char *protocol_version) {
  told->adopted = adopted;
  (void)snprintf(told->protocol_version, sizeof(told->protocol_version), "%s",
                 protocol_version ? protocol_version : "");
  told->served = now();
  told->times_served++;
}

void ps_told_take(ps_told *told, const ps_told *next) {
  ps_told before = *told;
  *told = *next;
  told->began = before.began;
  memcpy(told->listen, before.listen, sizeof(told->listen));
  told->times_served = before.times_served;
  told->retries_all += before.retries_all;
  if (!told->last.what[0]) {
    told->last = before.last;
    told->last_at = before.last_at;
  }
}

/* --- as JSON ------------------------------------------------------------------------------------ */

static json_t *age(const ps_told_moment *moment) {
  return ps_json_ms(uv_hrtime() - moment->ns);
}

static json_t *legs_json(const ps_told *told) {
  json_t *list = json_array();
  for (size_t i = 0; i < told->leg_count; i++) {
    const ps_told_leg *row = &told->legs[i];
    (void)json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:o}", "leg", ps_leg_name(row->leg), "ms",
                                                ps_json_ms(row->elapsed_ns), "ok", !row->failed, "text",
                                                ps_json_text(row->text[0] ? row->text : NULL)));
  }
  return list;
}

static json_t *solver_json(const ps_told *told) {
  if (!ps_state_serves(told->state) || told->times_served == 0) {
    return json_null();
  }
  return json_pack("{s:b, s:o, s:o, s:o}", "adopted", told->adopted, "protocol_version",
                   ps_json_text(told->protocol_version[0] ? told->protocol_version : NULL), "since",
                   ps_json_time(&told->served.when), "since_ms", age(&told->served));
}

static json_t *next_try_json(const ps_told *told) {
  uint64_t ns = uv_hrtime();
  if (told->next_try_ns == 0) {
    return json_null();
  }
  return json_integer(told->next_try_ns > ns ? (json_int_t)((told->next_try_ns - ns) / 1000000) : 0);
}

static json_t *last_json(const ps_told *told) {
  json_t *last = ps_json_error(told->last.what[0] ? &told->last : NULL);
  if (told->last.what[0]) {
    (void)json_object_set_new(last, "time", ps_json_time(&told->last_at.when));
    (void)json_object_set_new(last, "since_ms", age(&told->last_at));
  }
  return last;
}

json_t *ps_told_swap_json(const ps_told *next) {
  return json_pack("{s:s, s:o, s:o, s:o}",                                              /**/
                   "state", ps_state_name(next->state),                                 /**/
                   "since_ms", age(&next->began),                                       /**/
                   "progress", ps_json_text(next->progress[0] ? next->progress : NULL), /**/
                   "legs", legs_json(next));
}

json_t *ps_told_json(const ps_told *told) {
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", /**/
                   "listen", told->listen,                                                        /**/
                   "started", ps_json_time(&told->began.when),                                    /**/
                   "uptime_ms", age(&told->began),                                                /**/
                   "since", ps_json_time(&told->since.when),                                      /**/
                   "since_ms", age(&told->since),                                                 /**/
                   "state", ps_state_name(told->state),                                           /**/
                   "reason", ps_json_error(told->reason.what[0] ? &told->reason : NULL),          /**/
                   "next_try_ms", next_try_json(told),                                            /**/
                   "progress", ps_json_text(told->progress[0] ? told->progress : NULL),           /**/
                   "legs", legs_json(told),                                                       /**/
                   "solver", solver_json(told),                                                   /**/
                   "times_served", (json_int_t)told->times_served,                                /**/
                   "retries", (json_int_t)told->retries,                                          /**/
                   "retries_total", (json_int_t)told->retries_all,                                /**/
                   "last_error", last_json(told));
}

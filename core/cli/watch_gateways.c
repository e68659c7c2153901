/* SPDX-License-Identifier: MIT */
#include "cli/watch_gateways.h"

#include <stdlib.h>

#include "base/advice.h"

/* How long a new one may take to greet; nothing else goes on meanwhile. */
#define GREET_MS 500
/* One that has not answered for so long is said to be silent. */
#define SILENT_NS 3000000000u
/* What happens within so long is one question. */
#define SOON_MS 150
/* When one without a connection is tried again: that is silent, or is none of ours (it may use another profile now). */
#define SILENT_RETRY_NS 5000000000u
#define OTHER_RETRY_NS  10000000000u
/* How long one is shown that has ended. */
#define ENDED_NS 10000000000u
/* A line to a gateway goes into its socket at once. */
#define SAY_MS 100

static const char *const kinds[] = {"state", "leg", "progress", "serving", "swap"};

/* --- its connection ----------------------------------------------------------------------------- */

static void disconnect(ps_watched *one) {
  if (one->watch) {
    ps_control_watch_close(one->watch);
    one->watch = NULL;
  }
  ps_control_client_close(&one->found.client);
  one->asked_ns = 0;
  one->asks_again = 0;
}

static void on_soon(uv_timer_t *timer);

static void look_soon(ps_watch_gateways *all) {
  if (!uv_is_active((uv_handle_t *)&all->soon)) {
    (void)uv_timer_start(&all->soon, on_soon, SOON_MS, 0);
  }
}

static void fell_silent(ps_watched *one, uint64_t now_ns) {
  one->is_silent = 1;
  one->retry_ns = now_ns + SILENT_RETRY_NS;
  one->all->changed(one->all->context, one, 0);
}

/* The connection is closed: it may have been crowded out, which the next look shows. */
static void lost(ps_watched *one) {
  disconnect(one);
  one->retry_ns = 0;
  one->sample_ns = 0;
  look_soon(one->all);
}

static void ask(ps_watched *one) {
  penstock_error error;
  if (!one->watch || one->asked_ns) {
    one->asks_again = one->watch != NULL;
    return;
  }
  one->asks_again = 0;
  one->asked_ns = uv_hrtime();
  if (ps_control_client_say(&one->found.client, "status", NULL, SAY_MS, &error) != PENSTOCK_OK) {
    lost(one);
  }
}

/* --- what it says ------------------------------------------------------------------------------- */

static double rate(json_int_t now, json_int_t before, uint64_t ns) {
  return now < before || ns == 0 ? -1 : (double)(now - before) * 1e9 / (double)ns;
}

/* How fast it was since the last sample. */
static void add_sample(ps_watched *one, const json_t *status, uint64_t now_ns) {
  const json_t *up = json_object_get(status, "up_bytes");
  const json_t *down = json_object_get(status, "down_bytes");
  int is_known = json_is_integer(up) && json_is_integer(down);
  if (is_known && one->sample_ns) {
    ps_spark_add(&one->up, rate(json_integer_value(up), one->sample_up, now_ns - one->sample_ns));
    ps_spark_add(&one->down, rate(json_integer_value(down), one->sample_down, now_ns - one->sample_ns));
  } else if (!is_known) {
    ps_spark_add(&one->up, -1);
    ps_spark_add(&one->down, -1);
  }
  if (is_known) {
    one->sample_ns = now_ns;
    one->sample_up = json_integer_value(up);
    one->sample_down = json_integer_value(down);
  }
}

static void answered(ps_watched *one, json_t *status) {
  uint64_t now_ns = uv_hrtime();
  one->asked_ns = 0;
  one->is_silent = 0;
  if (one->is_sample) {
    one->is_sample = 0;
    add_sample(one, status, now_ns);
  }
  json_decref(one->status);
  one->status = json_incref(status);
  ps_gateway_relabel(&one->found, status);
  one->all->changed(one->all->context, one, 1);
}

static void ask_soon(ps_watched *one) {
  one->asks_again = 1;
  look_soon(one->all);
}

static void hear(ps_watched *one, const json_t *line) {
  json_t *result = json_object_get(line, "result");
  if (json_object_get(line, "event")) {
    ask_soon(one);
  } else if (json_object_get(result, "state")) { /* else it is the answer to our subscription */
    answered(one, result);
    if (one->asks_again) {
      look_soon(one->all);
    }
  } else if (json_is_object(json_object_get(line, "error"))) {
    one->asked_ns = 0; /* too many listen already: it is asked all the same */
  }
}

static void on_ready(void *context, int status) {
  ps_watched *one = context;
  const ps_control_watch *watch = one->watch;
  penstock_error error;
  json_t *line = NULL;
  int code = PENSTOCK_OK;
  while (status == 0 && code == PENSTOCK_OK && one->watch == watch) {
    code = ps_control_client_next(&one->found.client, 0, &line, &error);
    if (code == PENSTOCK_OK) {
      hear(one, line);
    }
    json_decref(line);
    line = NULL;
  }
  if (one->watch == watch && (status < 0 || (code != PENSTOCK_OK && code != PENSTOCK_E_TIMEOUT))) {
    lost(one);
  }
}

/* --- finding them ------------------------------------------------------------------------------- */

static int begin(ps_watched *one) {
  penstock_error error;
  json_t *list = json_array();
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    (void)json_array_append_new(list, json_string(kinds[i]));
  }
  one->watch = ps_control_watch_open(one->all->loop, one->found.client.socket, on_ready, one);
  if (!one->watch) {
    json_decref(list);
    return PENSTOCK_E_FAILED;
  }
  return ps_control_client_say(&one->found.client, "subscribe", json_pack("{s:o}", "events", list), SAY_MS, &error);
}

static void connect_to(ps_watched *one, uint64_t now_ns) {
  char path[PS_CONTROL_PATH_SIZE];
  memcpy(path, one->found.path, sizeof(path));
  int code = ps_gateway_open(&one->found, path, GREET_MS);
  one->is_other = code == PENSTOCK_OK && one->all->wanted && !ps_gateway_is_called(&one->found, one->all->wanted);
  if (code == PENSTOCK_E_NOT_FOUND) {
    disconnect(one);
    one->ended_ns = one->ended_ns ? one->ended_ns : now_ns;
    one->retry_ns = 0;
    one->all->changed(one->all->context, one, 0);
  } else if (code != PENSTOCK_OK) {
    disconnect(one);
    fell_silent(one, now_ns);
  } else if (one->is_other || begin(one) != PENSTOCK_OK) {
    disconnect(one);
    one->retry_ns = now_ns + OTHER_RETRY_NS;
  } else {
    one->ended_ns = 0;
    one->is_silent = 0;
  }
}

static void look_at(void *context, const char *path) {
  ps_watch_gateways *all = context;
  for (ps_list *node = all->list.next; node != &all->list; node = node->next) {
    if (strcmp(PS_CONTAINER(node, ps_watched, node)->found.path, path) == 0) {
      return;
    }
  }
  ps_watched *one = calloc(1, sizeof(*one));
  if (one) {
    one->all = all;
    (void)snprintf(one->found.path, sizeof(one->found.path), "%s", path);
    ps_list_append(&all->list, &one->node);
  }
}

static void forget(ps_watched *one) {
  disconnect(one);
  json_decref(one->status);
  ps_list_remove(&one->node);
  free(one->shown);
  free(one);
}

/* One that never said anything, a file that a gateway left behind, is not worth a word. */
static int is_over(const ps_watched *one, uint64_t now_ns) {
  return one->ended_ns && (!one->status || now_ns - one->ended_ns > ENDED_NS);
}

static void look_after(ps_watched *one, uint64_t now_ns) {
  if (!one->watch && now_ns >= one->retry_ns) {
    connect_to(one, now_ns);
  } else if (one->watch && one->asked_ns && now_ns - one->asked_ns > SILENT_NS && !one->is_silent) {
    (void)penstock_fail(&one->found.error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT,
                        "the gateway does not answer on its control socket");
    penstock_next(&one->found.error, "if it does not for long, look at its log, or %s", ps_advice_end_gateway);
    fell_silent(one, now_ns);
  }
}

/* For those that something has happened to. */
static void on_soon(uv_timer_t *timer) {
  const ps_watch_gateways *all = timer->data;
  uint64_t now_ns = uv_hrtime();
  for (ps_list *node = all->list.next; node != &all->list; node = node->next) {
    ps_watched *one = PS_CONTAINER(node, ps_watched, node);
    if (!one->watch && one->retry_ns == 0 && !one->ended_ns) {
      connect_to(one, now_ns);
      ask(one);
    } else if (one->asks_again) {
      ask(one);
    }
  }
}

void ps_watch_ask(ps_watch_gateways *all) {
  uint64_t now_ns = uv_hrtime();
  ps_control_each(look_at, all, NULL);
  ps_list *node = all->list.next;
  while (node != &all->list) {
    ps_watched *one = PS_CONTAINER(node, ps_watched, node);
    node = node->next;
    look_after(one, now_ns);
    one->is_sample = 1;
    ask(one);
    if (is_over(one, now_ns)) {
      forget(one);
    }
  }
}

int ps_watched_is_shown(const ps_watched *one) {
  return !one->is_other && (one->watch || one->status || one->is_silent);
}

void ps_watch_open(ps_watch_gateways *all, uv_loop_t *loop, const char *wanted,
                   void (*changed)(void *context, ps_watched *one, int is_answer), void *context) {
  memset(all, 0, sizeof(*all));
  ps_list_init(&all->list);
  all->loop = loop;
  all->wanted = wanted;
  all->changed = changed;
  all->context = context;
  (void)uv_timer_init(loop, &all->soon);
  all->soon.data = all;
}

void ps_watch_close(ps_watch_gateways *all) {
  ps_list *node = all->list.next;
  while (node != &all->list) {
    ps_watched *one = PS_CONTAINER(node, ps_watched, node);
    node = node->next;
    forget(one);
  }
  uv_close((uv_handle_t *)&all->soon, NULL);
}

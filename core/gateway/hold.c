/* SPDX-License-Identifier: MIT */
#include "gateway/hold.h"

static void on_tick(uv_timer_t *timer) {
  ps_hold *hold = timer->data;
  hold->waiting(hold->context);
}

void ps_hold_open(ps_hold *hold, uv_loop_t *loop, void (*waiting)(void *context), void *context) {
  ps_list_init(&hold->clients);
  atomic_init(&hold->count, 0);
  hold->waiting = waiting;
  hold->context = context;
  (void)uv_timer_init(loop, &hold->tick);
  hold->tick.data = hold;
}

void ps_hold_add(ps_hold *hold, ps_client *client) {
  ps_list_append(&hold->clients, &client->node);
  if (hold->count++ == 0) {
    (void)uv_timer_start(&hold->tick, on_tick, PS_HOLD_TICK_MS, PS_HOLD_TICK_MS);
  }
}

static void removed(ps_hold *hold) {
  if (--hold->count == 0) {
    (void)uv_timer_stop(&hold->tick);
  }
}

ps_client *ps_hold_take(ps_hold *hold) {
  ps_list *node = ps_list_take(&hold->clients);
  if (!node) {
    return NULL;
  }
  removed(hold);
  return PS_CONTAINER(node, ps_client, node);
}

uint64_t ps_hold_first_ns(const ps_hold *hold) {
  uint64_t first = 0;
  for (ps_list *node = hold->clients.next; node != &hold->clients; node = node->next) {
    const ps_client *client = PS_CONTAINER(node, ps_client, node);
    first = first == 0 || client->deadline_ns < first ? client->deadline_ns : first;
  }
  return first;
}

size_t ps_hold_expire(ps_hold *hold, uint64_t now_ns) {
  size_t expired = 0;
  ps_list *node = hold->clients.next;
  while (node != &hold->clients) {
    ps_client *client = PS_CONTAINER(node, ps_client, node);
    node = node->next;
    if (now_ns >= client->deadline_ns) {
      ps_list_remove(&client->node);
      removed(hold);
      ps_client_refuse(client);
      expired++;
    }
  }
  hold->refused += expired;
  return expired;
}

size_t ps_hold_refuse_all(ps_hold *hold) {
  size_t refused = 0;
  for (ps_client *client = ps_hold_take(hold); client; client = ps_hold_take(hold)) {
    ps_client_refuse(client);
    refused++;
  }
  hold->refused += refused;
  return refused;
}

void ps_hold_close(ps_hold *hold) {
  (void)ps_hold_refuse_all(hold);
  uv_close((uv_handle_t *)&hold->tick, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * A download that is fast costs less in large turns. What a turn costs beside its bytes (being woken, an answer to the
 * sender, waking the receiver) it costs for 32 KiB as for 256; and the faster turns are, the less each one finds. So
 * while one stream alone receives much from a host that is near, the system is asked to wake us for no less than LEAST
 * bytes (SO_RCVLOWAT). It does for an end or an error in any case; a timer looks for what stays below that, and the
 * first milliseconds in which less comes end all this.
 */
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_internal.h"

enum {
  LEAST = 128 << 10, /* and what comes in a millisecond of a fast download: it is held up by no more than that */
  TICK_MS = 1,
  TICK_NS = 1000000 * TICK_MS,
  RUN_UP = 8 /* fast milliseconds, one after the other: the last bytes of an answer are not held up for nothing */
};

static void on_tick(void *context) {
  ssh_link *link = context;
  if (!link->pace.has_turned) {
    ssh_link_kick(link);
  }
  link->pace.has_turned = 0;
}

void ssh_batch_end(ssh_link *link) {
  link->pace.run = 0;
  if (link->pace.tick) {
    link->host->timer_stop(link->host, link->pace.tick);
    link->pace.tick = NULL;
    (void)dial_set_least(link->socket, 1);
    ssh_link_kick(link); /* for what has come meanwhile, in case the system does not tell of it now */
  }
}

static void begin(ssh_link *link) {
  if (dial_set_least(link->socket, LEAST)) {
    link->pace.tick = link->host->timer_start(link->host, TICK_MS, TICK_MS, on_tick, link);
    if (!link->pace.tick) {
      (void)dial_set_least(link->socket, 1);
    }
  }
}

void ssh_batch_note(ssh_link *link, size_t count) {
  const penstock_host *host = link->host;
  ssh_pace *pace = &link->pace;
  uint64_t now_ns = host->now_ns(host);
  uint64_t time_ns = now_ns - pace->since_ns;
  pace->has_turned = 1;
  pace->bytes += count;
  if (time_ns < TICK_NS) {
    return;
  }
  int is_fast = pace->bytes >= time_ns / TICK_NS * LEAST;
  pace->since_ns = now_ns;
  pace->bytes = 0;
  if (!is_fast || !ssh_link_is_near(link) || ssh_link_is_shared(link)) {
    ssh_batch_end(link);
  } else if (++pace->run >= RUN_UP && !pace->tick) {
    begin(link);
  }
}

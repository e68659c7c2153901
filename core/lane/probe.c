/* SPDX-License-Identifier: MIT */
/* Does a solver answer at the endpoint? Asked through the transport, the way a client would be served. */
#include <stdlib.h>

#include "lane/internal.h"
#include "net/net.h"

static void on_socket(uv_poll_t *poll, int status, int events);

static void on_poll_closed(uv_handle_t *handle) {
  free(handle);
}

static void release(ps_probe *probe) {
  if (probe->poll) {
    uv_close((uv_handle_t *)probe->poll, on_poll_closed);
    probe->poll = NULL;
  }
  if (probe->socket != PENSTOCK_SOCKET_NONE) {
    ps_net_close(probe->socket);
    probe->socket = PENSTOCK_SOCKET_NONE;
  }
}

void ps_probe_trust_way(ps_probe *probe) {
  if (probe->opened_ns && probe->opened_ns - probe->asked_ns < PS_PROBE_OPEN_MS * 1000000ull / 2) {
    probe->misses = 0;
  }
}

static void finish(ps_lane *lane, ps_probe_result result) {
  ps_probe *probe = &lane->probe;
  release(probe);
  if (result == PS_PROBE_SOLVER || lane->phase == PS_PHASE_SERVE) {
    ps_probe_trust_way(probe);
  }
  (void)uv_timer_stop(&probe->timer);
  probe->running = 0;
  probe->finished = 1;
  probe->result = result;
  ps_lane_later(lane);
}

static void on_timeout(uv_timer_t *timer);

uint64_t ps_probe_patience(uint64_t first_ms, unsigned misses, uint64_t left_ms) {
  uint64_t longer = first_ms << (misses < 16 ? misses : 16);
  return longer <= left_ms ? longer : left_ms > first_ms ? left_ms : first_ms;
}

/* Of the time that the solver has to get ready; to one that runs already, as much is given. */
static uint64_t left_ms(const ps_lane *lane) {
  uint64_t now = uv_hrtime();
  uint64_t ready_ns = (uint64_t)ps_settings_int(lane->settings, "ready_timeout", 16000) * 1000000;
  uint64_t end = lane->phase == PS_PHASE_CONFIRM ? lane->ready_end_ns
                 : lane->phase == PS_PHASE_FIND  ? lane->phase_ns + ready_ns
                                                 : now + ready_ns;
  return end > now ? (end - now) / 1000000 : 0;
}

static void ask(ps_lane *lane, int legacy) {
  ps_probe *probe = &lane->probe;
  probe->legacy = legacy;
  probe->asked_ns = uv_hrtime();
  probe->limit_ms = probe->wait_ms ? probe->wait_ms : ps_probe_patience(PS_PROBE_OPEN_MS, probe->misses, left_ms(lane));
  probe->is_late = 0;
  probe->opened_ns = 0;
  probe->sent = 0;
  probe->size = 0;
  (void)uv_timer_start(&probe->timer, on_timeout, probe->limit_ms, 0);
  ps_open_probe(lane->link);
}

static void start(ps_lane *lane, uint64_t wait_ms) {
  ps_probe *probe = &lane->probe;
  probe->wait_ms = wait_ms;
  probe->running = 1;
  probe->finished = 0;
  probe->version[0] = '\0';
  probe->started_ns = uv_hrtime();
  memset(&probe->error, 0, sizeof(probe->error));
  if (lane->probe_mode == PS_PROBE_NONE) {
    finish(lane, PS_PROBE_SOLVER);
    return;
  }
  ask(lane, 0);
}

void ps_probe_start(ps_lane *lane) {
  start(lane, 0);
}

void ps_probe_wait(ps_lane *lane, uint64_t wait_ms) {
  start(lane, wait_ms > 0 ? wait_ms : 1);
}

void ps_probe_cancel(ps_lane *lane) {
  lane->probe.finished = 0;
  if (!lane->probe.running) {
    return;
  }
  lane->probe.running = 0;
  release(&lane->probe);
  (void)uv_timer_stop(&lane->probe.timer);
  if (lane->link) {
    ps_open_forget_probe(lane->link);
  }
}

static void was_late(ps_probe *probe) {
  probe->is_late = 1;
  probe->misses++;
}

static void on_timeout(uv_timer_t *timer) {
  ps_lane *lane = timer->data;
  if (lane->probe.wait_ms) {
    ps_hang_overdue(lane);
    return;
  }
  int is_opened = lane->probe.opened_ns != 0;
  ps_probe_cancel(lane);
  if (!is_opened) {
    was_late(&lane->probe);
  }
  penstock_fail(&lane->probe.error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "no %s within %llu ms",
                is_opened ? "answer" : "stream to it",
                is_opened ? PS_TCMD_TIMEOUT_MS : (unsigned long long)lane->probe.limit_ms);
  finish(lane, PS_PROBE_SILENT);
}

/* The whole answer is there. */
static void judge(ps_lane *lane) {
  ps_probe *probe = &lane->probe;
  if (ps_tcmd_judge(probe->answer, probe->size, probe->version, sizeof(probe->version)) == PS_TCMD_SOLVER) {
    probe->said_ns = uv_hrtime();
    ps_tcmd_said(probe->answer, probe->size, probe->said, sizeof(probe->said));
    finish(lane, PS_PROBE_SOLVER);
  } else if (!probe->legacy) {
    release(probe);
    ask(lane, 1);
  } else {
    finish(lane, PS_PROBE_FOREIGN);
  }
}

/* A published container port with nobody behind it accepts and then resets: that is nobody, not a stranger. */
static void broken(ps_lane *lane) {
  finish(lane, lane->probe.size == 0 ? PS_PROBE_ABSENT : PS_PROBE_FOREIGN);
}

static void cannot_watch(ps_lane *lane) {
  penstock_fail(&lane->probe.error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "out of memory or descriptors");
  finish(lane, PS_PROBE_FAILED);
}

static void watch(ps_lane *lane, int events) {
  if (uv_poll_start(lane->probe.poll, events, on_socket) != 0) {
    cannot_watch(lane);
  }
}

static void send_question(ps_lane *lane) {
  ps_probe *probe = &lane->probe;
  size_t size;
  const char *question = ps_tcmd_request(probe->legacy, &size);
  long count = ps_net_write(probe->socket, question + probe->sent, size - probe->sent);
  if (count == PS_NET_BROKEN) {
    broken(lane);
    return;
  }
  probe->sent += count > 0 ? (size_t)count : 0;
  if (probe->sent == size) {
    ps_net_shutdown_write(probe->socket);
    watch(lane, UV_READABLE);
  }
}

static void read_answer(ps_lane *lane) {
  ps_probe *probe = &lane->probe;
  for (;;) {
    if (probe->size == sizeof(probe->answer)) {
      finish(lane, PS_PROBE_FOREIGN);
      return;
    }
    long count = ps_net_read(probe->socket, probe->answer + probe->size, sizeof(probe->answer) - probe->size);
    if (count == PS_NET_AGAIN) {
      return;
    }
    if (count == PS_NET_BROKEN) {
      broken(lane);
      return;
    }
    if (count == 0) {
      judge(lane);
      return;
    }
    probe->size += (size_t)count;
  }
}

static void on_socket(uv_poll_t *poll, int status, int events) {
  ps_lane *lane = poll->data;
  if (status < 0) {
    /* libuv stops polling on an error of the socket; what the peer still sent before it can be read. */
    read_answer(lane);
    if (lane->probe.running && lane->probe.poll == poll) {
      broken(lane);
    }
    return;
  }
  if (events & UV_WRITABLE) {
    send_question(lane);
  } else if (events & UV_READABLE) {
    read_answer(lane);
  }
}

void ps_probe_opened(ps_lane *lane, penstock_socket socket) {
  ps_probe *probe = &lane->probe;
  if (!probe->running) {
    ps_net_close(socket);
    return;
  }
  probe->opened_ns = uv_hrtime();
  if (!probe->wait_ms) {
    (void)uv_timer_start(&probe->timer, on_timeout, PS_TCMD_TIMEOUT_MS, 0); /* for the answer */
  }
  if (lane->probe_mode == PS_PROBE_TCP) {
    ps_net_close(socket);
    finish(lane, PS_PROBE_SOLVER);
    return;
  }
  probe->socket = socket;
  uv_poll_t *poll = malloc(sizeof(*poll));
  if (!poll || uv_poll_init_socket(&lane->loop, poll, (uv_os_sock_t)socket) != 0) {
    free(poll);
    cannot_watch(lane);
    return;
  }
  poll->data = lane;
  probe->poll = poll;
  watch(lane, UV_WRITABLE);
}

void ps_probe_open_failed(ps_lane *lane, const penstock_error *error) {
  ps_probe *probe = &lane->probe;
  if (!probe->running) {
    return;
  }
  probe->error = *error;
  /* A transport that knows the limit tells in time what it has tried. */
  int is_passing = error->error_class == PENSTOCK_CLASS_TRANSIENT || error->error_class == PENSTOCK_CLASS_CANCELLED;
  if (is_passing && uv_hrtime() - probe->asked_ns >= probe->limit_ms * 1000000 / 2) {
    was_late(probe);
  }
  int absent = error->leg == PENSTOCK_LEG_ENDPOINT && error->error_class == PENSTOCK_CLASS_REFUSED;
  finish(lane, absent ? PS_PROBE_ABSENT : PS_PROBE_FAILED);
}

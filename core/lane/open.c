/* SPDX-License-Identifier: MIT */
/* Streams that are being opened: for a client, ahead of one, or for the lane's own probe. */
#include <stdlib.h>

#include "base/error.h"
#include "lane/internal.h"
#include "net/net.h"

/* A connect to the endpoint that takes longer has no use for a client that gives up after 30 s. */
#define OPEN_DEADLINE_MS 15000
/* Before a client whose open failed for a passing reason is tried again. */
#define AGAIN_AFTER_NS 200000000

struct penstock_open {
  ps_list node;
  ps_link *link;
  ps_client *client; /**< NULL: it is the probe's, or nobody wants it any more */
  int for_probe;
  int is_ahead;
  int was_ahead; /**< it was begun before its client came */
  int cancelled;
  uint64_t started_ns;
  uint64_t deadline_ns;
};

typedef enum purpose { FOR_CLIENT, FOR_PROBE, AHEAD } purpose;

static penstock_open *start(ps_link *link, ps_client *client, purpose what_for, uint64_t deadline_ms) {
  penstock_open *open = calloc(1, sizeof(*open));
  if (!open) {
    return NULL;
  }
  open->link = link;
  open->client = client;
  open->for_probe = what_for == FOR_PROBE;
  open->is_ahead = what_for == AHEAD;
  link->lane->prewarm.opening += what_for == AHEAD;
  open->started_ns = uv_hrtime();
  open->deadline_ns = open->started_ns + deadline_ms * 1000000;
  ps_list_append(&link->opens, &open->node);
  link->open_count++;
  ps_lane_count(link->lane);
  if (client && client->command) {
    ps_command_begin(link, open, client->command, deadline_ms);
  } else {
    link->transport->open_stream(link->instance, open, deadline_ms);
  }
  return open;
}

/* It is not ahead of need any more: a client has it, or nobody wants it. */
static void take_from_ahead(penstock_open *open) {
  if (open->is_ahead) {
    open->is_ahead = 0;
    open->link->lane->prewarm.opening--;
  }
}

/* One that is being opened ahead will be there sooner than another. */
static int take_over(ps_link *link, ps_client *client) {
  for (ps_list *node = link->opens.next; node != &link->opens; node = node->next) {
    penstock_open *open = PS_CONTAINER(node, penstock_open, node);
    if (open->is_ahead && !open->cancelled) {
      take_from_ahead(open);
      open->was_ahead = 1;
      open->client = client;
      open->deadline_ns = uv_hrtime() + OPEN_DEADLINE_MS * 1000000ull;
      ps_lane_count(link->lane);
      return 1;
    }
  }
  return 0;
}

void ps_open_client(ps_link *link, ps_client *client) {
  if (!take_over(link, client) && !start(link, client, FOR_CLIENT, OPEN_DEADLINE_MS)) {
    ps_client_refuse(client);
  }
}

void ps_open_command(ps_link *link, ps_client *client) {
  if (!start(link, client, FOR_CLIENT, OPEN_DEADLINE_MS)) {
    penstock_error error;
    penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    ps_command_failed(link->lane, client, &error);
  }
}

void ps_open_ahead(ps_link *link) {
  (void)start(link, NULL, AHEAD, OPEN_DEADLINE_MS);
}

void ps_open_probe(ps_link *link) {
  if (!start(link, NULL, FOR_PROBE, link->lane->probe.limit_ms)) {
    penstock_error error;
    penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    ps_probe_open_failed(link->lane, &error);
  }
}

size_t ps_open_waiting(const ps_link *link) {
  size_t count = 0;
  for (const ps_list *node = link->opens.next; node != &link->opens; node = node->next) {
    count += PS_CONTAINER(node, penstock_open, node)->client != NULL;
  }
  return count;
}

static void cancel(penstock_open *open) {
  if (!open->cancelled) {
    open->cancelled = 1;
    open->link->transport->cancel_open(open->link->instance, open);
  }
}

void ps_open_forget_probe(ps_link *link) {
  for (ps_list *node = link->opens.next; node != &link->opens; node = node->next) {
    penstock_open *open = PS_CONTAINER(node, penstock_open, node);
    if (open->for_probe) {
      open->for_probe = 0;
      cancel(open); /* may complete, and free, `open` at once */
      return;
    }
  }
}

void ps_open_forget_ahead(ps_link *link) {
  ps_list *next;
  for (ps_list *node = link->opens.next; node != &link->opens; node = next) {
    penstock_open *open = PS_CONTAINER(node, penstock_open, node);
    next = node->next; /* a cancelled open may be completed, and freed, at once */
    if (open->is_ahead) {
      take_from_ahead(open);
      cancel(open);
    }
  }
}

void ps_open_sweep(ps_lane *lane) {
  if (!lane->link) {
    return;
  }
  uint64_t now = uv_hrtime();
  ps_list *node = lane->link->opens.next;
  while (node != &lane->link->opens) {
    penstock_open *open = PS_CONTAINER(node, penstock_open, node);
    node = node->next; /* a cancelled open may be completed, and freed, at once */
    if (now >= open->deadline_ns) {
      cancel(open);
    }
  }
}

void ps_open_drop_all(ps_link *link) {
  ps_list *next;
  for (ps_list *node = link->opens.next; node != &link->opens; node = next) {
    penstock_open *open = PS_CONTAINER(node, penstock_open, node);
    next = node->next;
    if (open->client) {
      ps_lane_return(link->lane, open->client);
    }
    take_from_ahead(open);
    free(open);
  }
  ps_list_init(&link->opens);
  link->open_count = 0;
}

/* The open is over: out of the list, so that a second completion is seen to be one. */
static penstock_open *finish(const penstock_host *host, penstock_open *open) {
  ps_link *link = ((ps_host *)host->impl)->owner;
  for (ps_list *node = link->opens.next; node != &link->opens; node = node->next) {
    if (node == &open->node) {
      ps_list_remove(node);
      link->open_count--;
      return open;
    }
  }
  ps_log(PENSTOCK_LOG_WARN, link->lane->profile, "defect in the transport: an open was completed twice");
  return NULL;
}

/* What it was for has been done. Others may have waited for it. */
static void end(penstock_open *open) {
  ps_lane *lane = open->link->lane;
  if (open->client || open->for_probe) {
    ps_prewarm_later(lane);
  }
  free(open);
  ps_lane_count(lane);
  if (lane->stopping || lane->halt.is_on) {
    ps_lane_later(lane); /* which may have waited for just this one */
  }
}

/* A client is about to be joined with its stream. Returns whether it is a command's. */
static int joins(ps_lane *lane, const penstock_open *open) {
  int is_command = open->client->command != NULL;
  if (is_command) {
    ps_command_joins(lane, open->client);
  } else {
    ps_histogram_add(&lane->opens, uv_hrtime() - open->started_ns);
  }
  return is_command;
}

/* … or, as there was no memory, has not been. */
static void joined(ps_lane *lane, const penstock_open *open, int is_command, int has_failed) {
  if (is_command && has_failed) {
    (void)ps_command_ended(lane, open->client->id, 1);
  }
  free(open->client);
}

/* The client came while it was being opened. What it leads to may have gone before, as with one that has waited: so it
 * is given as such a one, and an end without an answer is no answer. */
static void give(ps_lane *lane, const penstock_open *open, ps_spare *spare) {
  const ps_client *client = open->client;
  const ps_spare_client who = {.id = client->id, .socket = client->socket, .deadline_ns = client->deadline_ns};
  ps_histogram_add(&lane->opens, uv_hrtime() - open->started_ns);
  if (spare) {
    ps_spare_give(spare, &who, UINT64_MAX); /* nobody has waited yet */
  } else {
    ps_net_reset(client->socket);
  }
  free(open->client);
}

static void slot_open_done_socket(const penstock_host *host, penstock_open *open, penstock_socket socket) {
  if (!finish(host, open)) {
    ps_net_close(socket);
    return;
  }
  ps_lane *lane = open->link->lane;
  if (open->client && open->was_ahead) {
    give(lane, open, ps_spare_of_socket(lane->relay, socket));
  } else if (open->client) {
    int is_command = joins(lane, open);
    int code = ps_relay_join_socket(lane->relay, open->client->id, open->client->socket, socket);
    joined(lane, open, is_command, code != PENSTOCK_OK);
  } else if (open->for_probe) {
    ps_probe_opened(lane, socket);
  } else if (open->is_ahead) {
    take_from_ahead(open);
    ps_prewarm_opened(lane, ps_spare_of_socket(lane->relay, socket), open->started_ns);
  } else {
    ps_net_close(socket);
  }
  end(open);
}

/* The probe reads a socket: the relay joins the other end of a pair with the stream. When the probe has gone, its end
 * closes at once, and the relay gives the stream back in the one way there is. */
static penstock_sink *join_probe(ps_lane *lane, int wanted, const penstock_credit_stream *stream) {
  penstock_socket pair[2];
  penstock_error error;
  if (ps_net_pair(pair) == PENSTOCK_OK) {
    penstock_sink *sink = ps_relay_join_credit(lane->relay, 0, pair[1], stream);
    if (sink && wanted) {
      ps_probe_opened(lane, pair[0]);
      return sink;
    }
    ps_net_close(pair[0]);
    if (sink) {
      return sink;
    }
  }
  if (wanted) {
    penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "out of memory or descriptors");
    ps_probe_open_failed(lane, &error);
  }
  return NULL;
}

static penstock_sink *slot_open_done_credit(const penstock_host *host, penstock_open *open,
                                            const penstock_credit_stream *stream) {
  penstock_sink *sink = NULL;
  if (!finish(host, open)) {
    return NULL;
  }
  ps_lane *lane = open->link->lane;
  if (open->client && open->was_ahead) {
    give(lane, open, ps_spare_of_credit(lane->relay, stream, &sink));
  } else if (open->client) {
    int is_command = joins(lane, open);
    sink = ps_relay_join_credit(lane->relay, open->client->id, open->client->socket, stream);
    joined(lane, open, is_command, sink == NULL);
  } else if (open->is_ahead) {
    take_from_ahead(open);
    ps_prewarm_opened(lane, ps_spare_of_credit(lane->relay, stream, &sink), open->started_ns);
  } else {
    sink = join_probe(lane, open->for_probe, stream);
  }
  end(open);
  return sink;
}

/* A command that was given up here, as it took too long, did not end by itself. */
static void command_failed(penstock_open *open, penstock_error *error) {
  penstock_error late;
  if (error->leg == PENSTOCK_LEG_ENDPOINT) { /* in the words of a stream, which was not to lead there */
    error->leg = PENSTOCK_LEG_EXEC;
  }
  penstock_fail(&late, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "the command did not begin within %d s",
                OPEN_DEADLINE_MS / 1000);
  penstock_next(&late, "the solver's machine may be overloaded, or its login shell slow");
  ps_command_failed(open->link->lane, open->client, open->cancelled ? &late : error);
}

/* A client whose stream could not be opened: nobody listens there, or it may pass, or it will not. */
static void client_failed(penstock_open *open, const penstock_error *error) {
  ps_link *link = open->link;
  ps_client *client = open->client;
  uint64_t now = uv_hrtime();
  int absent = error->leg == PENSTOCK_LEG_ENDPOINT && error->error_class == PENSTOCK_CLASS_REFUSED;
  /* An engine that does not answer cannot serve the next one either: "up" would be a lie. */
  int lost = absent || error->leg == PENSTOCK_LEG_CONTAINER;
  if (lost && !link->solver_gone) {
    link->solver_gone = 1;
    link->gone_error = *error;
    ps_lane_later(link->lane);
  }
  int may_pass = absent || link->lost || error->error_class == PENSTOCK_CLASS_TRANSIENT;
  /* Of a lane that is asked to end, the client goes to whichever serves now, however little time it has left. */
  if (may_pass && (link->lane->stopping || now + AGAIN_AFTER_NS < client->deadline_ns)) {
    ps_lane_return(link->lane, client);
    return;
  }
  ps_log(PENSTOCK_LOG_WARN, link->lane->profile, "connection %llu refused: %s%s%s", (unsigned long long)client->id,
         error->what, error->next[0] ? "; " : "", error->next);
  ps_client_refuse(client);
}

static void slot_open_failed(const penstock_host *host, penstock_open *open, const penstock_error *error) {
  if (!finish(host, open)) {
    return;
  }
  ps_lane *lane = open->link->lane;
  penstock_error copy;
  ps_error_import(&copy, error);
  if (open->client && open->client->command) {
    command_failed(open, &copy);
  } else if (open->client) {
    client_failed(open, &copy);
  } else if (open->for_probe) {
    ps_probe_open_failed(lane, &copy);
  } else if (open->is_ahead) {
    take_from_ahead(open);
    ps_prewarm_failed(lane, &copy);
  }
  end(open);
}

static uint64_t slot_stream_data(const penstock_host *host, penstock_sink *sink, const void *data, size_t size) {
  (void)host;
  return ps_relay_stream_data(sink, data, size);
}

static void slot_stream_eof(const penstock_host *host, penstock_sink *sink) {
  (void)host;
  ps_relay_stream_eof(sink);
}

static void slot_stream_writable(const penstock_host *host, penstock_sink *sink) {
  (void)host;
  ps_relay_stream_writable(sink);
}

static void slot_stream_reset(const penstock_host *host, penstock_sink *sink, const penstock_error *error) {
  (void)host;
  if (error) {
    penstock_error copy;
    ps_error_import(&copy, error);
    ps_relay_stream_reset(sink, &copy);
  } else {
    ps_relay_stream_reset(sink, NULL);
  }
}

void ps_open_fill_host(penstock_host *table) {
  table->open_done_socket = slot_open_done_socket;
  table->open_done_credit = slot_open_done_credit;
  table->open_failed = slot_open_failed;
  table->stream_data = slot_stream_data;
  table->stream_eof = slot_stream_eof;
  table->stream_writable = slot_stream_writable;
  table->stream_reset = slot_stream_reset;
}

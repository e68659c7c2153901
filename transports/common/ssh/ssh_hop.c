/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_hop.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_jump.h"
#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_loop.h"
#include "common/ssh/ssh_pump.h"

enum { ROUTE_SIZE = 400 };

struct ssh_hop {
  ssh_table table; /* first: how the link to the hop knows us */
  ssh_link *upper; /* that rests on it */
  ssh_link *link;
  const penstock_host *root; /* the instance's own host */
  penstock_op *op;           /* of the instance, for legs; NULL = none */
  ssh_hop_done done;         /* NULL once it has come */
  void *context;
  uint64_t deadline_ns;
  uint64_t asked_ns;
  penstock_timer *limit; /* of the connection to the next host */
  penstock_timer *next;  /* what follows from a completion comes on a turn of its own */
  int is_cut;            /* the connection through it has ended */
  int has_failed;
  penstock_error error;
  penstock_credit_stream stream; /* as it was opened; the pump's from then on */
  int is_open;
  ssh_pump *pump;
};

static ssh_hop *hop_of(const penstock_host *host) {
  return (ssh_hop *)(uintptr_t)host;
}

ssh_link *ssh_hop_link(const ssh_hop *hop) {
  return hop->link;
}

uint64_t ssh_hop_asked_ns(const ssh_hop *hop) {
  return hop->asked_ns;
}

const penstock_error *ssh_hop_error(const ssh_hop *hop) {
  return hop->has_failed ? &hop->error : NULL;
}

/* --- the route ------------------------------------------------------------------------------------- */

/* The hop that a link is; NULL if it is the last host. */
static ssh_hop *hop_of_link(const ssh_link *link) {
  return link->is_hop ? hop_of(link->host) : NULL;
}

/* The link's place on the way, 1 = the first host. */
static unsigned place_of(const ssh_link *link) {
  unsigned place = 1;
  for (; link->below; link = link->below->link) {
    place++;
  }
  return place;
}

static unsigned hops_above(const ssh_link *link) {
  unsigned count = 0;
  const ssh_hop *hop = hop_of_link(link);
  for (; hop && hop->upper->is_hop; hop = hop_of_link(hop->upper)) {
    count++;
  }
  return count;
}

/* "a -> b -> gpu01" */
static void show_route(const ssh_link *const *way, size_t count, char route[ROUTE_SIZE]) {
  size_t used = 0;
  route[0] = '\0';
  for (size_t i = 0; i < count && used < ROUTE_SIZE; i++) {
    used += (size_t)snprintf(route + used, ROUTE_SIZE - used, "%s%s", used ? " -> " : "", way[i]->request.host);
  }
}

static int is_same_login(const ssh_settings *one, const ssh_settings *other) {
  return strcmp(one->host, other->host) == 0 && one->port == other->port && strcmp(one->user, other->user) == 0;
}

int ssh_hop_check_way(const ssh_link *const *way, size_t count, penstock_error *error) {
  char route[ROUTE_SIZE];
  show_route(way, count, route);
  for (size_t i = 1; i < count; i++) {
    if (is_same_login(&way[0]->settings, &way[i]->settings)) {
      const char *host = way[0]->request.host;
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "ProxyJump goes in a circle: %s", route);
      penstock_next(error,
                    "Take %s out of what its own ProxyJump holds for: `Host * !%s` instead of `Host *` in ssh_config, "
                    "say, or `ProxyJump none` for it",
                    host, host);
      return PENSTOCK_E_FAILED;
    }
  }
  if (count > SSH_HOPS_MAX + 1) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "more than %d hosts on the way: %s",
                        (int)SSH_HOPS_MAX, route);
    penstock_next(error, "Look at the ProxyJump of each in ssh_config: `ssh -G HOST` shows it");
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

int ssh_hop_check_route(const ssh_link *link, penstock_error *error) {
  const ssh_link *way[SSH_HOPS_MAX + 2] = {link};
  size_t count = 1;
  for (const ssh_hop *hop = hop_of_link(link); hop && count < SSH_HOPS_MAX + 2; hop = hop_of_link(hop->upper)) {
    way[count++] = hop->upper;
  }
  return ssh_hop_check_way(way, count, error);
}

/* --- what happens to it ---------------------------------------------------------------------------- */

/* The hop's name in front of what went wrong, once: an error from further below has it. */
static void keep_error(ssh_hop *hop, const penstock_error *error) {
  if (hop->has_failed) {
    return;
  }
  hop->has_failed = 1;
  hop->error = *error;
  if (!hop->link || !hop->link->below || !ssh_hop_error(hop->link->below)) {
    unsigned place = hop->link ? place_of(hop->link) : 1;
    unsigned count = place + (hop->link ? hops_above(hop->link) : 0);
    int length = snprintf(hop->error.what, sizeof(hop->error.what), "%.200s (hop %u of %u): %s",
                          hop->link ? hop->link->request.host : "", place, count, error->what);
    if (length >= (int)sizeof(hop->error.what)) {
      penstock_utf8_trim(hop->error.what, sizeof(hop->error.what));
    }
  }
}

static void complete(ssh_hop *hop, penstock_socket socket) {
  ssh_hop_done done = hop->done;
  hop->done = NULL;
  if (done) {
    done(hop->context, socket, ssh_hop_error(hop)); /* the last thing: it may destroy the hop */
  }
}

/* The connection to the next host is there: joins it to a socket. */
static void join(ssh_hop *hop) {
  penstock_socket pair[2] = {PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE};
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  char reason[160];
  int code = dial_pair(pair);
  hop->pump = code ? NULL : ssh_pump_create(&hop->table.host, &hop->stream, pair[0]);
  if (!hop->pump || ssh_pump_start(hop->pump)) {
    if (!hop->pump) {
      dial_close(pair[0]);
    }
    dial_close(pair[1]);
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "no descriptor or memory for a way on: %s",
                        dial_reason(code, reason, sizeof(reason)));
    keep_error(hop, &error);
    complete(hop, PENSTOCK_SOCKET_NONE);
    return;
  }
  if (hop->is_cut) {
    ssh_pump_eof(hop->pump);
  }
  complete(hop, pair[1]);
}

static void stop_timer(const ssh_hop *hop, penstock_timer **timer) {
  if (*timer) {
    hop->table.host.timer_stop(&hop->table.host, *timer);
    *timer = NULL;
  }
}

static void on_limit(void *context) {
  ssh_hop *hop = context;
  const ssh_settings *target = &hop->upper->settings;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  hop->limit = NULL;
  (void)penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                      "it has not got a connection to %s:%u in time", target->host, (unsigned)target->port);
  penstock_next(&error, "Check that %s is on, and that %s may reach it: a firewall that drops packets looks like this",
                target->host, hop->link->request.host);
  keep_error(hop, &error);
  complete(hop, PENSTOCK_SOCKET_NONE);
}

/* A name or an address, as it is: what it stands for is for the hop to find out. */
static void open_way(ssh_hop *hop) {
  carrier *link = ssh_link_carrier(hop->link);
  const ssh_settings *target = &hop->upper->settings;
  uint64_t left = ssh_time_left(hop->link, hop->deadline_ns);
  if (target->connect_timeout_ms && target->connect_timeout_ms < left) {
    left = target->connect_timeout_ms;
  }
  hop->asked_ns = hop->root->now_ns(hop->root);
  hop->limit = hop->table.host.timer_start(&hop->table.host, left, 0, on_limit, hop);
  link->ops->open(link, (penstock_open *)(void *)hop, target->host, target->port, left);
}

static void on_next(void *context) {
  ssh_hop *hop = context;
  hop->next = NULL;
  stop_timer(hop, &hop->limit);
  if (hop->has_failed) {
    complete(hop, PENSTOCK_SOCKET_NONE);
  } else if (hop->is_open) {
    join(hop);
  } else {
    open_way(hop);
  }
}

static void go_on(ssh_hop *hop) {
  if (!hop->next && hop->done) {
    hop->next = hop->table.host.timer_start(&hop->table.host, 0, 0, on_next, hop);
  }
}

static void on_connected(void *context, const penstock_error *error) {
  ssh_hop *hop = context;
  if (error) {
    keep_error(hop, error);
  }
  go_on(hop);
}

/* --- the table that the link to the hop calls ------------------------------------------------------ */

static void op_progress(const penstock_host *host, penstock_op *op, const char *text) {
  ssh_hop *hop = hop_of(host);
  char line[600];
  (void)op;
  if (hop->op) {
    (void)snprintf(line, sizeof(line), "%.200s: %s", hop->link->request.host, text);
    penstock_utf8_trim(line, sizeof(line));
    hop->root->op_progress(hop->root, hop->op, line);
  }
}

static void op_leg(const penstock_host *host, penstock_op *op, uint32_t leg, uint64_t elapsed_ns, const char *text) {
  ssh_hop *hop = hop_of(host);
  char line[600];
  (void)op;
  if (hop->op) {
    (void)snprintf(line, sizeof(line), "%.200s: %s", hop->link->request.host, text ? text : "");
    penstock_utf8_trim(line, sizeof(line));
    hop->root->op_leg(hop->root, hop->op, leg, elapsed_ns, line);
  }
}

/* What rests on the hop has its reason from it. */
static void cut(ssh_hop *hop, const penstock_error *error) {
  keep_error(hop, error);
  hop->is_cut = 1;
  if (hop->pump) {
    ssh_pump_reset(hop->pump);
  }
  ssh_link_fail(hop->upper, &hop->error);
}

static void link_lost(const penstock_host *host, const penstock_error *error) {
  cut(hop_of(host), error);
}

/* The link above is as silent as this one, and says so itself. */
static void link_degraded(const penstock_host *host, const penstock_error *error) {
  ssh_hop *hop = hop_of(host);
  penstock_logf(hop->root, PENSTOCK_LOG_INFO, "%s, on the way: %s", hop->link->request.host,
                error ? error->what : "well again");
}

static penstock_sink *open_done_credit(const penstock_host *host, penstock_open *open,
                                       const penstock_credit_stream *stream) {
  ssh_hop *hop = hop_of(host);
  (void)open;
  hop->stream = *stream;
  hop->is_open = 1;
  go_on(hop);
  return (penstock_sink *)(void *)hop;
}

static void open_failed(const penstock_host *host, penstock_open *open, const penstock_error *error) {
  ssh_hop *hop = hop_of(host);
  penstock_error words = *error;
  const ssh_settings *target = &hop->upper->settings;
  (void)open;
  if (error->leg == PENSTOCK_LEG_ENDPOINT && error->error_class == PENSTOCK_CLASS_REFUSED) {
    (void)penstock_fail(&words, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT,
                        "it cannot connect to %s:%u: connection refused", target->host, (unsigned)target->port);
    penstock_next(&words, "Check the port of %s, and that sshd runs there", target->host);
  } else if (error->leg == PENSTOCK_LEG_ENDPOINT) {
    words.leg = PENSTOCK_LEG_TCP;
    if (error->error_class == PENSTOCK_CLASS_CONFIG && !strstr(error->next, "AllowTcpForwarding")) {
      penstock_next(&words, "The name is looked up on %s: HostName in ssh_config is what it gets to see",
                    hop->link->settings.host);
    } else if (error->error_class == PENSTOCK_CLASS_TRANSIENT) {
      penstock_next(&words, "Check that %s is on, and that %s may reach it", target->host, hop->link->settings.host);
    }
  }
  keep_error(hop, &words);
  go_on(hop);
}

static uint64_t stream_data(const penstock_host *host, penstock_sink *sink, const void *data, size_t size) {
  (void)host;
  ssh_hop *hop = (ssh_hop *)(void *)sink;
  return ssh_pump_data(hop->pump, data, size); /* there is one: without it there is no credit */
}

static void stream_eof(const penstock_host *host, penstock_sink *sink) {
  ssh_hop *hop = (ssh_hop *)(void *)sink;
  (void)host;
  hop->is_cut = 1;
  if (hop->pump) {
    ssh_pump_eof(hop->pump);
  }
}

static void stream_writable(const penstock_host *host, penstock_sink *sink) {
  ssh_hop *hop = (ssh_hop *)(void *)sink;
  (void)host;
  if (hop->pump) {
    ssh_pump_writable(hop->pump);
  }
}

static void stream_reset(const penstock_host *host, penstock_sink *sink, const penstock_error *error) {
  ssh_hop *hop = hop_of(host);
  (void)sink;
  if (hop->link->is_dead) {
    cut(hop, error);
    return;
  }
  hop->is_cut = 1; /* the hop is well: it is the host behind it that has gone, as that one's session finds out */
  if (hop->pump) {
    ssh_pump_reset(hop->pump);
  }
}

static void fill_table(ssh_hop *hop) {
  penstock_host *table = &hop->table.host;
  table->op_progress = op_progress;
  table->op_leg = op_leg;
  table->link_lost = link_lost;
  table->link_degraded = link_degraded;
  table->open_done_credit = open_done_credit;
  table->open_failed = open_failed;
  table->stream_data = stream_data;
  table->stream_eof = stream_eof;
  table->stream_writable = stream_writable;
  table->stream_reset = stream_reset;
}

/* --- life ------------------------------------------------------------------------------------------ */

int ssh_hop_request(const ssh_link *upper, ssh_request *request, penstock_error *error) {
  ssh_jump jump = {.port = 0};
  char port[16];
  char *rest = malloc(strlen(upper->settings.jump) + 1);
  if (!rest) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  int result = ssh_jump_last(upper->settings.jump, &jump, rest, error);
  if (!result) {
    result = ssh_profile_hop_request(request, upper->config, error);
  }
  if (!result) {
    result = ssh_request_set_host(request, jump.host, error);
  }
  if (!result && upper->request.config_file) {
    free(request->config_file);
    request->config_file = strdup(upper->request.config_file);
  }
  if (!result) {
    (void)snprintf(port, sizeof(port), "%u", (unsigned)jump.port);
    if ((jump.port && ssh_request_add(request, "Port", port)) ||
        (jump.user[0] && ssh_request_add(request, "User", jump.user)) ||
        (rest[0] && ssh_request_add_written(request, "ProxyJump", rest)) ||
        (upper->request.config_file && !request->config_file)) {
      result = penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    }
  }
  free(rest);
  return result;
}

ssh_hop *ssh_hop_start(ssh_link *upper, penstock_op *op, uint64_t deadline_ms, ssh_hop_done done, void *context,
                       penstock_error *error) {
  ssh_request request = {0};
  ssh_hop *hop = calloc(1, sizeof(*hop));
  if (!hop) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
  }
  ssh_loop_lend(upper->loop, &hop->table);
  fill_table(hop);
  hop->upper = upper;
  hop->root = ssh_loop_host(upper->loop);
  hop->op = op;
  hop->deadline_ns = upper->host->now_ns(upper->host) + deadline_ms * 1000000u;
  hop->done = done;
  hop->context = context;
  if (ssh_hop_request(upper, &request, error) == 0) {
    hop->link = ssh_link_create(&hop->table.host, upper->config, &request, 1, error);
  }
  ssh_request_clear(&request);
  if (!hop->link) {
    free(hop);
    return NULL;
  }
  upper->below = hop; /* before the connect: its errors tell of the whole route */
  ssh_connect_start(ssh_link_carrier(hop->link), op, deadline_ms, on_connected, hop);
  return hop;
}

void ssh_hop_stop(ssh_hop *hop) {
  stop_timer(hop, &hop->next);
  stop_timer(hop, &hop->limit);
  hop->done = NULL;
  if (hop->pump) {
    ssh_pump_destroy(hop->pump);
    hop->pump = NULL;
  } else if (hop->is_open) {
    hop->stream.close(hop->stream.stream, PENSTOCK_CLOSE_ABORT);
  }
  hop->is_open = 0;
  ssh_link_close(hop->link);
}

void ssh_hop_destroy(ssh_hop *hop) {
  if (hop) {
    ssh_hop_stop(hop);
    ssh_link_destroy(hop->link);
    free(hop);
  }
}

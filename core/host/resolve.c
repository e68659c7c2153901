/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "host/services.h"
#include "net/net.h"

/* A name in DNS is shorter; libuv refuses more. */
#define NAME_MAX_BYTES 255

typedef struct resolve {
  ps_list node;
  ps_host *host; /* NULL once the host has let go of it */
  uv_getaddrinfo_t lookup;
  uv_idle_t later; /* brings an answer that is there at once to a later turn */
  struct addrinfo *found;
  int status;
  uint32_t family;
  void (*done)(void *context, const penstock_address *addresses, uint32_t count, const penstock_error *error);
  void *context;
  char name[NAME_MAX_BYTES + 1];
} resolve;

void ps_resolve_error(int code, const char *name, uint32_t family, penstock_error *error) {
  switch (code) {
  case UV_EAI_NONAME:
  case UV_EAI_NODATA:
  case UV_EAI_ADDRFAMILY:
  case UV_ENOENT: /* some resolvers' word for "no such host" */
    if (family != 0) {
      penstock_fail(error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_CONFIG, "there is no IPv%u address for '%s'",
                    (unsigned)family, name);
      penstock_next(error, "check the name, or allow the other address family");
    } else {
      penstock_fail(error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_CONFIG, "there is no host named '%s'", name);
      penstock_next(error, "check the name");
    }
    return;
  case UV_EINVAL: /* libuv could not turn it into a name for DNS */
  case UV_ENAMETOOLONG:
    penstock_fail(error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_CONFIG, "'%s' is not the name of a host", name);
    penstock_next(error, "check the name");
    return;
  case UV_EAI_MEMORY:
  case UV_ENOMEM:
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "out of memory while resolving '%s'", name);
    return;
  default:
    /* EAI_AGAIN, EAI_FAIL and errors of the system: the resolver's trouble, not the profile's. */
    penstock_fail(error, PENSTOCK_LEG_DNS, PENSTOCK_CLASS_TRANSIENT, "cannot resolve '%s': %s", name,
                  uv_strerror(code));
    penstock_next(error, "check that this machine has a network and reaches its name server");
    return;
  }
}

static int to_address(const struct sockaddr *from, penstock_address *to) {
  memset(to, 0, sizeof(*to));
  to->struct_size = (uint32_t)sizeof(*to);
  if (from->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
    to->family = 4;
    to->port = ntohs(v4->sin_port);
    memcpy(to->bytes, &v4->sin_addr, 4);
    return 0;
  }
  if (from->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
    to->family = 6;
    to->port = ntohs(v6->sin6_port);
    to->scope = v6->sin6_scope_id;
    memcpy(to->bytes, &v6->sin6_addr, 16);
    return 0;
  }
  return -1;
}

static uint32_t to_addresses(const struct addrinfo *list, penstock_address **addresses) {
  size_t count = 0;
  for (const struct addrinfo *info = list; info; info = info->ai_next) {
    count++;
  }
  *addresses = count > 0 ? calloc(count, sizeof(**addresses)) : NULL;
  uint32_t used = 0;
  for (const struct addrinfo *info = list; info && *addresses; info = info->ai_next) {
    if (to_address(info->ai_addr, *addresses + used) == 0) {
      used++;
    }
  }
  return used;
}

static void deliver(resolve *self) {
  penstock_address *addresses = NULL;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  uint32_t count = self->status == 0 ? to_addresses(self->found, &addresses) : 0;
  uv_freeaddrinfo(self->found);
  self->found = NULL;
  ps_list_remove(&self->node);
  if (count == 0) {
    ps_resolve_error(self->status != 0   ? self->status
                     : addresses == NULL ? (int)UV_ENOMEM
                                         : (int)UV_EAI_NODATA,
                     self->name, self->family, &error);
  }
  self->done(self->context, addresses, count, count == 0 ? &error : NULL);
  free(addresses);
}

static void destroy(resolve *self) {
  ps_host *host = self->host;
  uv_freeaddrinfo(self->found);
  free(self);
  if (host) {
    ps_host_release(host);
  }
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
  resolve *self = request->data;
  self->status = status;
  self->found = found;
  if (self->host) {
    deliver(self);
  }
  destroy(self);
}

static void on_closed(uv_handle_t *handle) {
  destroy(handle->data);
}

static void on_later(uv_idle_t *later) {
  uv_close((uv_handle_t *)later, on_closed);
  deliver(later->data);
}

/* A number or localhost needs no name server, so it must not queue behind names that wait for one. */
static int is_known(resolve *self, const char *port, const struct addrinfo *hints) {
  struct addrinfo numeric = *hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  return getaddrinfo(ps_net_is_localhost(self->name) ? NULL : self->name, port, &numeric, &self->found) == 0;
}

static void start(resolve *self, uint16_t port) {
  char service[8];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_NUMERICSERV,
                           .ai_family = self->family == 4   ? AF_INET
                                        : self->family == 6 ? AF_INET6
                                                            : AF_UNSPEC};
  (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
  self->lookup.data = self;
  self->later.data = self;
  self->later.type = UV_UNKNOWN_HANDLE;
  if (!is_known(self, service, &hints)) {
    self->found = NULL;
    self->status = uv_getaddrinfo(self->host->loop, &self->lookup, on_looked_up, self->name, service, &hints);
    if (self->status == 0) {
      return;
    }
  }
  (void)uv_idle_init(self->host->loop, &self->later);
  (void)uv_idle_start(&self->later, on_later);
}

int32_t ps_resolve(const penstock_host *table, const char *name, uint16_t port, uint32_t family,
                   void (*done)(void *context, const penstock_address *addresses, uint32_t count,
                                const penstock_error *error),
                   void *context) {
  ps_host *host = ps_host_of(table);
  if (host->closing) {
    return PENSTOCK_E_CANCELLED;
  }
  if (!name || !name[0] || strlen(name) > NAME_MAX_BYTES || !done || (family != 0 && family != 4 && family != 6)) {
    return PENSTOCK_E_INVALID;
  }
  resolve *self = calloc(1, sizeof(*self));
  if (!self) {
    return PENSTOCK_E_NOMEM;
  }
  self->host = host;
  self->family = family;
  self->done = done;
  self->context = context;
  memcpy(self->name, name, strlen(name) + 1);
  ps_list_append(&host->requests, &self->node);
  ps_host_retain(host);
  start(self, port);
  return PENSTOCK_OK;
}

void ps_resolves_close(ps_host *host) {
  ps_list *node = NULL;
  while ((node = ps_list_take(&host->requests)) != NULL) {
    resolve *self = PS_CONTAINER(node, resolve, node);
    if (self->later.type == UV_IDLE) {
      uv_close((uv_handle_t *)&self->later, on_closed);
      continue;
    }
    /* One that waits for a name server cannot be called off: it lives on without us. */
    self->host = NULL;
    (void)uv_cancel((uv_req_t *)&self->lookup);
    ps_host_release(host);
  }
}

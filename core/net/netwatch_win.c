/* SPDX-License-Identifier: MIT */
/*
 * Windows calls back, on threads of its own, for every change of addresses, routes and interfaces, and for much that is
 * none: a lease that is renewed, a metric that follows the Wi-Fi's speed. So news only cause a look at what addresses
 * and routes are now. Waking up counts always: who knows what the way to elsewhere has forgotten meanwhile.
 */
#include "net/netwatch.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <iphlpapi.h>
#include <netioapi.h>

#include "log/log.h"

/* Of powrprof.dll, Windows 8: mingw-w64 10 does not know it yet. The page on PowerRegisterSuspendResumeNotification. */
typedef struct wake_request {
  ULONG(CALLBACK *callback)(void *context, ULONG type, void *setting);
  void *context;
} wake_request;
typedef DWORD(WINAPI *register_function)(DWORD flags, HANDLE recipient, void **registered);
typedef DWORD(WINAPI *unregister_function)(void *registered);
#define BY_CALLBACK 2 /* DEVICE_NOTIFY_CALLBACK */

/* Whom a waking is told to. Microsoft does not say that a call under way is waited for when it is called off, so this
 * is never freed: such a call finds here that there is nobody any more. */
typedef struct waker {
  SRWLOCK lock;
  ps_netwatch *watch;   /* NULL: it has gone */
  wake_request request; /* Windows keeps its address */
} waker;

struct ps_netwatch {
  uv_async_t news;
  uv_timer_t settle;
  int open_handles;
  atomic_int has_woken; /* from sleep */
  uint64_t snapshot;
  HANDLE addresses;
  HANDLE routes;
  HANDLE interfaces;
  void *power;
  waker *waker;
  void (*changed)(void *context);
  void *context;
};

/* --- what is there now ---------------------------------------------------------------------------- */

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t value, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++) {
    value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
  }
  return value;
}

static uint64_t hash_address(uint64_t value, const SOCKADDR_INET *address) {
  if (address->si_family == AF_INET) {
    return hash(value, &address->Ipv4.sin_addr, sizeof(address->Ipv4.sin_addr));
  }
  return hash(value, &address->Ipv6.sin6_addr, sizeof(address->Ipv6.sin6_addr));
}

/* Those that can be used: one that is still looked for twice (DAD) cannot. The sum is the same in whatever order. */
static uint64_t sum_addresses(void) {
  MIB_UNICASTIPADDRESS_TABLE *table = NULL;
  uint64_t sum = 0;
  if (GetUnicastIpAddressTable(AF_UNSPEC, &table) != NO_ERROR) {
    return 0;
  }
  for (ULONG i = 0; i < table->NumEntries; i++) {
    const MIB_UNICASTIPADDRESS_ROW *row = &table->Table[i];
    if (row->DadState == IpDadStatePreferred || row->DadState == IpDadStateDeprecated) {
      uint64_t value = hash(UINT64_C(0xcbf29ce484222325), &row->InterfaceLuid, sizeof(row->InterfaceLuid));
      sum += hash_address(value, &row->Address);
    }
  }
  FreeMibTable(table);
  return sum;
}

static int is_multicast(const SOCKADDR_INET *address) {
  return address->si_family == AF_INET ? (ntohl(address->Ipv4.sin_addr.s_addr) >> 28) >= 14
                                       : address->Ipv6.sin6_addr.s6_addr[0] == 0xff;
}

/* Ways to other machines, without what they cost. */
static uint64_t sum_routes(void) {
  MIB_IPFORWARD_TABLE2 *table = NULL;
  uint64_t sum = 0;
  if (GetIpForwardTable2(AF_UNSPEC, &table) != NO_ERROR) {
    return 0;
  }
  for (ULONG i = 0; i < table->NumEntries; i++) {
    const MIB_IPFORWARD_ROW2 *row = &table->Table[i];
    if (!row->Loopback && !is_multicast(&row->DestinationPrefix.Prefix)) {
      uint64_t value = hash(UINT64_C(0xcbf29ce484222325), &row->InterfaceLuid, sizeof(row->InterfaceLuid));
      value = hash(value, &row->DestinationPrefix.PrefixLength, sizeof(row->DestinationPrefix.PrefixLength));
      value = hash_address(value, &row->DestinationPrefix.Prefix);
      sum += hash_address(value, &row->NextHop);
    }
  }
  FreeMibTable(table);
  return sum;
}

/* --- news ----------------------------------------------------------------------------------------- */

static void on_settled(uv_timer_t *timer) {
  ps_netwatch *watch = timer->data;
  uint64_t now = sum_addresses() + sum_routes();
  int has_changed = now != watch->snapshot || atomic_exchange(&watch->has_woken, 0);
  watch->snapshot = now;
  if (has_changed) {
    watch->changed(watch->context);
  }
}

static void on_news(uv_async_t *async) {
  ps_netwatch *watch = async->data;
  if (!uv_is_active((uv_handle_t *)&watch->settle)) {
    (void)uv_timer_start(&watch->settle, on_settled, PS_NETWATCH_SETTLE_MS, 0);
  }
}

/* Of the system's threads; of these, none runs any more once its notification was called off. */
static void CALLBACK on_address(void *context, MIB_UNICASTIPADDRESS_ROW *row, MIB_NOTIFICATION_TYPE type) {
  ps_netwatch *watch = context;
  (void)row;
  (void)type;
  (void)uv_async_send(&watch->news);
}

static void CALLBACK on_route(void *context, MIB_IPFORWARD_ROW2 *row, MIB_NOTIFICATION_TYPE type) {
  ps_netwatch *watch = context;
  (void)row;
  (void)type;
  (void)uv_async_send(&watch->news);
}

static void CALLBACK on_interface(void *context, MIB_IPINTERFACE_ROW *row, MIB_NOTIFICATION_TYPE type) {
  ps_netwatch *watch = context;
  (void)row;
  (void)type;
  (void)uv_async_send(&watch->news);
}

static ULONG CALLBACK on_power(void *context, ULONG type, void *setting) {
  waker *self = context;
  (void)setting;
  if (type == PBT_APMRESUMEAUTOMATIC) { /* each waking begins with it, whoever has caused it */
    AcquireSRWLockShared(&self->lock);
    if (self->watch) {
      atomic_store(&self->watch->has_woken, 1);
      (void)uv_async_send(&self->watch->news);
    }
    ReleaseSRWLockShared(&self->lock);
  }
  return 0;
}

/* --- from begin to end ---------------------------------------------------------------------------- */

/* The library is never let go of: somebody may be inside of it. NULL if it has no such function. */
static FARPROC find_power(const char *name) {
  HMODULE library = LoadLibraryExW(L"powrprof.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
  return library ? GetProcAddress(library, name) : NULL;
}

static DWORD watch_waking(ps_netwatch *watch) {
  register_function ask = (register_function)(void *)find_power("PowerRegisterSuspendResumeNotification");
  waker *self = ask ? calloc(1, sizeof(*self)) : NULL;
  if (!self) {
    return ERROR_CALL_NOT_IMPLEMENTED;
  }
  *self = (waker){.lock = SRWLOCK_INIT, .watch = watch, .request = {.callback = on_power, .context = self}};
  DWORD reason = ask(BY_CALLBACK, &self->request, &watch->power);
  if (reason != ERROR_SUCCESS) {
    free(self);
    return reason;
  }
  watch->waker = self;
  return ERROR_SUCCESS;
}

/* Not all of them may be there. Returns how many are. */
static int subscribe(ps_netwatch *watch) {
  int missing = 0;
  missing += NotifyUnicastIpAddressChange(AF_UNSPEC, on_address, watch, FALSE, &watch->addresses) != NO_ERROR;
  missing += NotifyRouteChange2(AF_UNSPEC, on_route, watch, FALSE, &watch->routes) != NO_ERROR;
  missing += NotifyIpInterfaceChange(AF_UNSPEC, on_interface, watch, FALSE, &watch->interfaces) != NO_ERROR;
  missing += watch_waking(watch) != ERROR_SUCCESS;
  return 4 - missing;
}

static void unsubscribe(const ps_netwatch *watch) {
  const HANDLE each[] = {watch->addresses, watch->routes, watch->interfaces};
  for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
    if (each[i]) {
      (void)CancelMibChangeNotify2(each[i]); /* waits for a call that is under way */
    }
  }
  unregister_function end = (unregister_function)(void *)find_power("PowerUnregisterSuspendResumeNotification");
  if (watch->waker) {
    AcquireSRWLockExclusive(&watch->waker->lock);
    watch->waker->watch = NULL;
    ReleaseSRWLockExclusive(&watch->waker->lock);
  }
  if (watch->waker && end) {
    (void)end(watch->power);
  }
}

static void on_closed(uv_handle_t *handle) {
  ps_netwatch *watch = handle->data;
  if (--watch->open_handles == 0) {
    free(watch);
  }
}

ps_netwatch *ps_netwatch_start(uv_loop_t *loop, void (*changed)(void *context), void *context) {
  ps_netwatch *watch = calloc(1, sizeof(*watch));
  if (!watch || uv_async_init(loop, &watch->news, on_news) != 0) {
    free(watch);
    return NULL;
  }
  (void)uv_timer_init(loop, &watch->settle);
  watch->open_handles = 2;
  watch->news.data = watch;
  watch->settle.data = watch;
  watch->changed = changed;
  watch->context = context;
  watch->snapshot = sum_addresses() + sum_routes();
  int count = subscribe(watch);
  if (count < 4) {
    ps_log(
        PENSTOCK_LOG_INFO, "gateway",
        "Windows tells of %d of 4 kinds of changes (addresses, routes, interfaces, waking up): a change of the network "
        "may be noticed later",
        count);
  }
  return watch;
}

void ps_netwatch_stop(ps_netwatch *watch) {
  if (watch) {
    unsubscribe(watch);
    uv_close((uv_handle_t *)&watch->news, on_closed);
    uv_close((uv_handle_t *)&watch->settle, on_closed);
  }
}

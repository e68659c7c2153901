/* SPDX-License-Identifier: MIT */
#include <winsock2.h>

#include "common/native/native_exec_win.h"

#include "common/native/exec_win.h"

struct native_exec {
  native_exec **list; /* NULL: its instance has gone */
  native_exec *next;
  const penstock_host *host;
  shared *shared;
  penstock_open *open;
  exec_wanted *wanted;
  int is_cancelled;
  int result;
  penstock_socket stream;
  penstock_error error;
};

static void work(void *context) {
  native_exec *self = context;
  self->result = self->wanted->argv ? exec_begin(self->shared->settings, self->wanted, &self->stream, &self->error)
                                    : exec_log_begin(self->shared->settings, self->wanted, &self->stream, &self->error);
}

static void leave_list(const native_exec *self) {
  for (native_exec **at = self->list; at && *at; at = &(*at)->next) {
    if (*at == self) {
      *at = self->next;
      return;
    }
  }
}

static void destroy(native_exec *self) {
  shared_let_go(self->shared);
  exec_wanted_free(self->wanted);
  free(self);
}

/* A stream that nobody wants any more is reset, upon which its command ends. */
static void drop(penstock_socket stream) {
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  (void)setsockopt((SOCKET)stream, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof(now));
  (void)closesocket((SOCKET)stream);
}

static void on_done(void *context) {
  native_exec *self = context;
  leave_list(self);
  if (self->result == PENSTOCK_OK && (self->is_cancelled || !self->list)) {
    drop(self->stream);
    (void)penstock_fail(&self->error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CANCELLED, "Cancelled");
    self->result = PENSTOCK_E_CANCELLED;
  }
  if (!self->list) {
    destroy(self);
    return;
  }
  if (self->result == PENSTOCK_OK) {
    self->host->open_done_socket(self->host, self->open, self->stream);
  } else {
    self->host->open_failed(self->host, self->open, &self->error);
  }
  destroy(self);
}

static void refuse(const penstock_host *host, penstock_open *open, uint32_t error_class, const char *what,
                   const char *next) {
  penstock_error error = {.struct_size = sizeof(error)};
  (void)penstock_fail(&error, PENSTOCK_LEG_EXEC, error_class, "%s", what);
  penstock_next(&error, "%s", next);
  host->open_failed(host, open, &error);
}

void native_exec_begin(native_exec **list, const penstock_host *host, shared *settings, penstock_open *open,
                       const penstock_command *command) {
  if (command->argv && (!command->argv[0] || !command->argv[0][0])) {
    refuse(host, open, PENSTOCK_CLASS_CONFIG, "There is no name of a program",
           "Name the program first, then its arguments");
    return;
  }
  native_exec *self = calloc(1, sizeof(*self));
  exec_wanted *wanted = self ? exec_wanted_copy(command) : NULL;
  if (!wanted) {
    free(self);
    refuse(host, open, PENSTOCK_CLASS_TRANSIENT, "Out of memory", "");
    return;
  }
  self->list = list;
  self->host = host;
  self->shared = shared_take(settings);
  self->open = open;
  self->wanted = wanted;
  self->error.struct_size = sizeof(self->error);
  self->stream = PENSTOCK_SOCKET_NONE;
  if (host->run_job(host, work, on_done, self) != PENSTOCK_OK) {
    destroy(self);
    refuse(host, open, PENSTOCK_CLASS_TRANSIENT, "Out of memory", "");
    return;
  }
  self->next = *list;
  *list = self;
}

void native_exec_end(native_exec **list, penstock_open *open) {
  for (native_exec *at = *list; at; at = at->next) {
    if (at->open == open) {
      at->is_cancelled = 1;
    }
  }
}

void native_exec_clear(native_exec **list) {
  for (native_exec *at = *list; at; at = at->next) {
    at->list = NULL;
  }
  *list = NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * ssh.exe cannot lend its session (it has no ControlMaster), and a forwarded port on this machine would be anybody's
 * who is logged in here. So each channel is an ssh.exe of its own (mux_win.h), with a login each. One more, which runs
 * nothing (-N), is there from the start: it goes through the legs of the connect, and its end, by the server's or by
 * missing signs of life, is the link's.
 */
#include <stdlib.h>

#include "common/openssh/mux_win.h"
#include "common/openssh/openssh_asker_win.h"
#include "common/openssh/openssh_internal.h"
#include "common/ssh/config/ssh_program.h"
#include "common/win/socket_child_win.h"
#include "win/reason.h"
#include "win/wide.h"

enum { END_TICK_MS = 10, END_TICKS = 200 };

typedef struct openssh_program {
  openssh_command base; /* the command, without whom to log in to */
  char askpass[1200];
  char pipe[120];
  const char *env[5];
  int version;
  socket_child *child;
  penstock_socket data;
  penstock_socket messages;
  penstock_watch *data_watch;
  penstock_watch *messages_watch;
  penstock_timer *end_timer; /* its output has ended */
  unsigned end_ticks;
} openssh_program;

const char openssh_program_ways[] = "each connection is an ssh.exe of its own, with a login of its own: ssh.exe cannot "
                                    "share one (`transport = ssh` can)";

int openssh_program_streams_cost(const carrier *self) {
  (void)self;
  return 1;
}

/* ssh.exe itself sends what they say. */
int openssh_program_take_environment(openssh_link *link, const ssh_config *lines, penstock_error *error) {
  (void)link;
  (void)lines;
  (void)error;
  return 0;
}

/* --- what it says ----------------------------------------------------------------------------------- */

static void stop_watch(const openssh_link *link, penstock_watch **watch) {
  if (*watch) {
    link->host->watch_stop(link->host, *watch);
    *watch = NULL;
  }
}

void openssh_program_read(openssh_link *link) {
  openssh_program *self = link->program;
  char text[4096];
  while (self && self->messages != PENSTOCK_SOCKET_NONE) {
    int count = recv((SOCKET)self->messages, text, sizeof(text), 0);
    if (count > 0) {
      openssh_connect_hear(link, text, (size_t)count);
      continue;
    }
    if (count == 0 || WSAGetLastError() != WSAEWOULDBLOCK) {
      stop_watch(link, &self->messages_watch); /* it has said all */
    }
    return;
  }
}

static void on_messages(void *context, uint32_t events) {
  openssh_link *link = context;
  (void)events;
  openssh_program_read(link);
  openssh_connect_try_to_join(link);
}

/* --- its end ---------------------------------------------------------------------------------------- */

static void on_end_tick(void *context) {
  openssh_link *link = context;
  openssh_program *self = link->program;
  int code = 255;
  int has_ended = child_has_ended(socket_child_process(self->child), &code);
  self->end_ticks++;
  if (self->end_ticks < END_TICKS && (!has_ended || self->messages_watch)) {
    return;
  }
  link->host->timer_stop(link->host, self->end_timer);
  self->end_timer = NULL;
  openssh_connect_ended(link, has_ended ? code : 255, "");
}

/* Nothing comes by it, but its end. */
static void on_data(void *context, uint32_t events) {
  openssh_link *link = context;
  openssh_program *self = link->program;
  char text[256];
  int count = recv((SOCKET)self->data, text, sizeof(text), 0);
  (void)events;
  if (count > 0 || (count < 0 && WSAGetLastError() == WSAEWOULDBLOCK)) {
    return;
  }
  stop_watch(link, &self->data_watch);
  self->end_timer = link->host->timer_start(link->host, END_TICK_MS, END_TICK_MS, on_end_tick, link);
}

static void close_socket(penstock_socket *socket) {
  if (*socket != PENSTOCK_SOCKET_NONE) {
    (void)closesocket((SOCKET)*socket);
    *socket = PENSTOCK_SOCKET_NONE;
  }
}

void openssh_program_end(openssh_link *link) {
  openssh_program *self = link->program;
  link->program = NULL;
  if (self) {
    stop_watch(link, &self->data_watch);
    stop_watch(link, &self->messages_watch);
    if (self->end_timer) {
      link->host->timer_stop(link->host, self->end_timer);
    }
    if (self->child) {
      child_kill(socket_child_process(self->child));
    }
    close_socket(&self->data);
    close_socket(&self->messages);
    socket_child_free(self->child);
    openssh_command_clear(&self->base);
    free(self);
  }
  openssh_folder_close(&link->folder);
}

/* --- its start -------------------------------------------------------------------------------------- */

/* Questions are asked by this very program, which knows by its environment what it is started for (core/cli/askpass.h).
 */
static int set_environment(openssh_program *self, const openssh_link *link) {
  wchar_t wide[1024];
  DWORD length = GetModuleFileNameW(NULL, wide, sizeof(wide) / sizeof(wide[0]));
  char *path = length > 0 && length < sizeof(wide) / sizeof(wide[0]) ? ps_narrow(wide) : NULL;
  if (!path) {
    return -1;
  }
  (void)snprintf(self->askpass, sizeof(self->askpass), "SSH_ASKPASS=%s", path);
  (void)snprintf(self->pipe, sizeof(self->pipe), "PENSTOCK_ASKPASS=%s", openssh_asker_pipe(link->folder.asker));
  free(path);
  self->env[0] = self->askpass;
  self->env[1] = self->pipe;
  self->env[2] = "SSH_ASKPASS_REQUIRE=force";
  self->env[3] = "DISPLAY=:0"; /* versions before 8.4 ask for it */
  return 0;
}

/* All but the last two words, "--" and the host. */
static int copy_base(openssh_program *self, const openssh_command *command) {
  for (size_t i = 0; i + 2 < command->count; i++) {
    openssh_command_add(&self->base, command->argv[i]);
  }
  return self->base.failed ? -1 : 0;
}

static int launch(openssh_link *link, openssh_program *self, DWORD *reason) {
  const char **argv = calloc(self->base.count + 4, sizeof(*argv));
  if (!argv) {
    *reason = ERROR_NOT_ENOUGH_MEMORY;
    return -1;
  }
  memcpy(argv, self->base.argv, self->base.count * sizeof(*argv));
  argv[self->base.count] = "-N";
  argv[self->base.count + 1] = "--";
  argv[self->base.count + 2] = link->request.host;
  const child_command command = {.program = ssh_program(), .argv = argv, .env = self->env};
  self->child = socket_child_start(&command, &self->data, &self->messages, reason);
  free(argv);
  return self->child ? 0 : -1;
}

int openssh_program_start(openssh_link *link, const openssh_command *command, penstock_error *error) {
  const penstock_host *host = link->host;
  openssh_program *self = calloc(1, sizeof(*self));
  char text[160];
  DWORD reason = ERROR_NOT_ENOUGH_MEMORY;
  link->program = self;
  if (self) {
    self->data = self->messages = PENSTOCK_SOCKET_NONE;
  }
  if (!self || copy_base(self, command) || set_environment(self, link) || launch(link, self, &reason)) {
    ps_reason(reason, text, sizeof(text));
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "cannot start ssh.exe: %s", text);
  }
  self->version = link->version;
  self->data_watch = host->watch_start(host, self->data, PENSTOCK_EVENT_READ, on_data, link);
  self->messages_watch = host->watch_start(host, self->messages, PENSTOCK_EVENT_READ, on_messages, link);
  return self->data_watch && self->messages_watch
             ? 0
             : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

int openssh_program_join(openssh_link *link) {
  openssh_program *self = link->program;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const mux_owner owner = openssh_link_owner(link);
  const mux_programs how = {.program = ssh_program(),
                            .argv = (const char *const *)self->base.argv,
                            .host = link->request.host,
                            .env = self->env,
                            .version = self->version};
  link->mux = mux_create_programs(link->host, &how, &owner);
  if (!link->mux) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    openssh_connect_complete(link, &error);
  }
  return 1;
}

/* SPDX-License-Identifier: MIT */
/* ssh as a master: what it says is read from a FIFO, and its session is lent by its control socket. */
#include <stdlib.h>

#include "common/openssh/mux_socket.h"
#include "common/openssh/openssh_internal.h"
#include "common/ssh/config/ssh_apply.h"

enum { SPEECH_MAX = 64 << 10 /* bytes of what ssh's children say */ };

/* SetEnv and SendEnv are about sessions, which are ours. */
int openssh_program_take_environment(openssh_link *link, const ssh_config *lines, penstock_error *error) {
  for (size_t i = 0; i < lines->count; i++) {
    const ssh_config_line *line = &lines->lines[i];
    int is_set = strcmp(line->keyword, "setenv") == 0;
    if ((is_set && ssh_apply_set_env(&link->extra, line, error)) ||
        (!is_set && strcmp(line->keyword, "sendenv") == 0 && ssh_apply_send_env(&link->extra, line, error))) {
      return PENSTOCK_E_FAILED;
    }
  }
  link->shells.environment = link->extra.environment.items;
  link->shells.environment_count = link->extra.environment.count;
  return 0;
}

void openssh_program_read(openssh_link *link) {
  char text[4096];
  size_t count;
  while (link->folder.path[0] && (count = openssh_folder_read(link->folder.log, text, sizeof(text))) > 0) {
    openssh_connect_hear(link, text, count);
  }
}

static void on_log(void *context, uint32_t events) {
  openssh_link *link = context;
  (void)events;
  openssh_program_read(link);
  openssh_connect_try_to_join(link);
}

static void on_exit_of_ssh(void *context, const penstock_exit *end) {
  openssh_link *link = context;
  link->process = NULL;
  openssh_connect_ended(link, end->code, end->error_output);
}

int openssh_program_start(openssh_link *link, const openssh_command *command, penstock_error *error) {
  char askpass[OPENSSH_PATH_SIZE + 16] = "SSH_ASKPASS=";
  const char *display = getenv("DISPLAY");
  /* Before OpenSSH 8.4 the helper is only used with a display. */
  const char *const env[] = {askpass, "SSH_ASKPASS_REQUIRE=force", display && display[0] ? NULL : "DISPLAY=:0", NULL};
  openssh_folder_path(&link->folder, "helper", askpass + strlen(askpass));
  const penstock_spawn spawn = {
      .struct_size = (uint32_t)sizeof(spawn),
      .argv = (const char *const *)command->argv,
      .env = env,
      .capture_limit = SPEECH_MAX,
      .done = on_exit_of_ssh,
      .context = link,
  };
  link->log_watch = link->host->watch_start(link->host, link->folder.log, PENSTOCK_EVENT_READ, on_log, link);
  return link->log_watch ? link->host->spawn(link->host, &spawn, &link->process, error)
                         : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

void openssh_program_end(openssh_link *link) {
  const penstock_host *host = link->host;
  if (link->log_watch) {
    host->watch_stop(host, link->log_watch);
    link->log_watch = NULL;
  }
  openssh_folder_close(&link->folder);
  if (link->process) {
    host->process_kill(host, link->process, 1);
  }
}

int openssh_program_join(openssh_link *link) {
  char path[OPENSSH_PATH_SIZE];
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  openssh_folder_path(&link->folder, "control", path);
  const mux_owner owner = openssh_link_owner(link);
  penstock_socket socket = mux_socket_connect(path);
  if (socket == PENSTOCK_SOCKET_NONE) {
    return 0;
  }
  link->mux = mux_create(link->host, socket, &owner);
  if (!link->mux) {
    (void)penstock_fail(&error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    openssh_connect_complete(link, &error);
  }
  return 1;
}

int openssh_program_streams_cost(const carrier *self) {
  (void)self;
  return 0; /* each is a channel of the one session */
}

const char openssh_program_ways[] = "";

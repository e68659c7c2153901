/* SPDX-License-Identifier: MIT */
/*
 * connect: the settings are asked for, ssh is started, and what it says is followed until its control socket can be
 * used. Names, connection, host key and login are its business; the user is asked by us on its behalf
 * (openssh_ask.c), so that answers are kept for a reconnect.
 */
#include <stdlib.h>

#include "common/openssh/openssh_command.h"
#include "common/openssh/openssh_internal.h"
#include "common/ssh/config/ssh_apply.h"
#include "common/ssh/config/ssh_child.h"
#include "common/ssh/config/ssh_program.h"

enum {
  RETRY_MS = 20,
  VERSION_MS = 5000,
  VERSION_NAMES_ASKER = 805 /* a server's questions begin with "(user@host) " */
};

void openssh_connect_abandon(openssh_link *link) {
  openssh_connecting *connecting = &link->connecting;
  if (connecting->limit) {
    link->host->timer_stop(link->host, connecting->limit);
    connecting->limit = NULL;
  }
  if (connecting->retry) {
    link->host->timer_stop(link->host, connecting->retry);
    connecting->retry = NULL;
  }
  connecting->op = NULL;
}

void openssh_connect_complete(openssh_link *link, const penstock_error *error) {
  penstock_op *op = link->connecting.op;
  openssh_connect_abandon(link);
  if (op) {
    link->connecting.done(link->connecting.context, error);
  }
}

/* --- what ssh says --------------------------------------------------------------------------------- */

static void leg_done(openssh_link *link, uint32_t leg, const char *text) {
  uint64_t now = link->host->now_ns(link->host);
  link->host->op_leg(link->host, link->connecting.op, leg, now - link->connecting.leg_ns, text);
  link->connecting.leg_ns = now;
}

static void on_stage(openssh_link *link, const char *note) {
  switch (link->story.stage) {
  case OPENSSH_CALLING:
    if (link->story.is_name) {
      leg_done(link, PENSTOCK_LEG_DNS, note);
    }
    break;
  case OPENSSH_CONNECTED:
    leg_done(link, PENSTOCK_LEG_TCP, note);
    break;
  case OPENSSH_VERIFIED:
    leg_done(link, PENSTOCK_LEG_HOST_KEY, note);
    break;
  case OPENSSH_LOGGED_IN:
    leg_done(link, PENSTOCK_LEG_AUTH, note);
    break;
  default:
    break;
  }
}

static void log_line(const openssh_link *link, const char *line) {
  int is_debug = strncmp(line, "debug", 5) == 0;
  int is_warning = strncmp(line, "Warning: Permanently added", 26) == 0;
  penstock_logf(link->host,
                is_debug     ? PENSTOCK_LOG_TRACE
                : is_warning ? PENSTOCK_LOG_WARN
                             : PENSTOCK_LOG_DEBUG,
                "ssh: %s", line);
}

static void on_line(openssh_link *link) {
  char note[512];
  link->log[link->log_size] = '\0';
  link->log_size = 0;
  log_line(link, link->log);
  int is_stage = openssh_story_add(&link->story, link->log, note, sizeof(note));
  if (!link->connecting.op) {
    return;
  }
  if (is_stage) {
    on_stage(link, note);
  } else if (note[0]) {
    link->host->op_progress(link->host, link->connecting.op, note);
  }
}

void openssh_connect_hear(openssh_link *link, const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (text[i] == '\n') {
      on_line(link);
    } else if (text[i] != '\r' && link->log_size < sizeof(link->log) - 1) {
      link->log[link->log_size++] = text[i]; /* the rest of a line that is longer is dropped */
    }
  }
}

void openssh_connect_try_to_join(openssh_link *link) {
  if (link->connecting.op && !link->mux && link->story.stage >= OPENSSH_LOGGED_IN) {
    (void)openssh_program_join(link);
  }
}

static void on_ask(void *context, uint32_t events) {
  (void)events;
  openssh_ask_read(context);
}

static void on_retry(void *context) {
  openssh_connect_try_to_join(context);
}

/* --- its end --------------------------------------------------------------------------------------- */

void openssh_connect_ended(openssh_link *link, int code, const char *others) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  link->exit_code = code;
  link->others = strdup(others);
  openssh_program_read(link);
  if (link->is_up) {
    openssh_link_die(link, NULL);
  } else if (link->connecting.op) {
    openssh_link_error(link, &error);
    openssh_connect_complete(link, &error);
  }
}

static void on_limit(void *context) {
  openssh_link *link = context;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  const char *host = link->request.host;
  link->connecting.limit = NULL;
  openssh_program_read(link);
  if (link->story.stage < OPENSSH_CONNECTED) {
    (void)penstock_fail(&error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "ssh has not reached %s in time", host);
    penstock_next(&error, "Check that the machine is on, that a VPN it needs is up, and that no firewall is between");
  } else if (link->story.stage < OPENSSH_VERIFIED) {
    (void)penstock_fail(&error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_TRANSIENT,
                        "%s took the connection, but does not answer as an SSH server does", host);
    penstock_next(&error, "Check that `port` is the SSH server's, and that the machine is not overloaded");
  } else {
    (void)penstock_fail(&error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_TRANSIENT, "the login to %s was not finished in time",
                        host);
    penstock_next(&error, "If a security key waits for a touch, or an agent for a yes: give it, or raise "
                          "`connect_timeout`");
  }
  openssh_connect_complete(link, &error);
  openssh_link_hang_up(link);
}

void openssh_connect_cancel(carrier *self, penstock_op *op) {
  openssh_link *link = (openssh_link *)self;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  if (link->connecting.op == op) {
    (void)penstock_fail(&error, PENSTOCK_LEG_NONE, PENSTOCK_CLASS_CANCELLED, "cancelled");
    openssh_connect_complete(link, &error);
    openssh_link_hang_up(link);
  }
}

/* --- the start ------------------------------------------------------------------------------------- */

/* Returns the version, or a negative code with `error`. */
static int ask_version(penstock_error *error) {
  const char *program = ssh_program();
  const char *const argv[] = {program ? program : "ssh", "-V", NULL};
  ssh_child_result result = {.is_missing = 1};
  int code = program ? ssh_child_run(argv, VERSION_MS, &result, error) : 0;
  if (code) {
    return code;
  }
  if (result.is_missing) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "there is no %s on this machine",
                        ssh_program_name);
    penstock_next(error, "%s, or use `transport = ssh`, which needs none", ssh_program_source);
    return PENSTOCK_E_FAILED;
  }
  int version = openssh_version(result.error_output);
  if (version < OPENSSH_OLDEST) {
    size_t length = strcspn(result.error_output, "\r\n");
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "this machine's ssh is not OpenSSH 7.6 or later: %.*s", (int)(length < 200 ? length : 200),
                        result.error_output);
    penstock_next(error, "Install a newer OpenSSH client, or use `transport = ssh`, which needs none");
    version = PENSTOCK_E_FAILED;
  }
  ssh_child_clear(&result);
  return version;
}

int openssh_connect_plan(openssh_link *link, openssh_command *command, ssh_config *lines, uint64_t deadline_ms,
                         penstock_error *error) {
  int version = ask_version(error);
  link->version = version;
  if (version < 0 || ssh_config_load(lines, &link->request, SSH_CONFIG_SYSTEM, deadline_ms, error)) {
    return PENSTOCK_E_FAILED;
  }
  const openssh_plan plan = {
      .host = link->host,
      .config = link->config,
      .request = &link->request,
      .extra = &link->extra,
      .lines = lines,
      .folder = &link->folder,
      .version = version,
      .deadline_ms = deadline_ms,
  };
  link->is_server_heard = version < VERSION_NAMES_ASKER && openssh_may_ask(&link->extra);
  int result = openssh_command_make(command, &plan, error);
  if (result) {
    ssh_config_unload(lines);
  }
  return result;
}

static int make_command(openssh_link *link, openssh_command *command, uint64_t deadline_ms, penstock_error *error) {
  ssh_config lines;
  if (openssh_connect_plan(link, command, &lines, deadline_ms, error)) {
    return PENSTOCK_E_FAILED;
  }
  link->by_jump = openssh_has_jump(&lines);
  int result = openssh_program_take_environment(link, &lines, error);
  ssh_config_unload(&lines);
  if (result) {
    openssh_command_clear(command);
  }
  return result;
}

static int start(openssh_link *link, uint64_t deadline_ms, penstock_error *error) {
  const penstock_host *host = link->host;
  openssh_command command = {0};
  if (openssh_folder_open(&link->folder, error) || make_command(link, &command, deadline_ms, error)) {
    return PENSTOCK_E_FAILED;
  }
  link->ask_watch = host->watch_start(host, link->folder.ask, PENSTOCK_EVENT_READ, on_ask, link);
  link->connecting.limit = host->timer_start(host, deadline_ms, 0, on_limit, link);
  link->connecting.retry = host->timer_start(host, RETRY_MS, RETRY_MS, on_retry, link);
  int result = link->ask_watch && link->connecting.limit && link->connecting.retry
                   ? 0
                   : penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  if (result == 0) {
    link->connecting.leg_ns = host->now_ns(host);
    result = openssh_program_start(link, &command, error);
  }
  openssh_command_clear(&command);
  return result;
}

void openssh_connect_start(carrier *self, penstock_op *op, uint64_t deadline_ms, carrier_done *done, void *context) {
  openssh_link *link = (openssh_link *)self;
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  link->connecting.op = op;
  link->connecting.done = done;
  link->connecting.context = context;
  if (start(link, deadline_ms, &error)) {
    openssh_connect_complete(link, &error);
    openssh_link_hang_up(link);
  }
}

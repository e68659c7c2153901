/* SPDX-License-Identifier: MIT */
#include "lane/command.h"

#include <stdlib.h>

#include "lane/internal.h"
#include "net/net.h"

/* --- what is wanted ----------------------------------------------------------------------------- */

static int draw(char *text, size_t digits) {
  unsigned char bytes[(PS_COMMAND_TOKEN_SIZE - 1) / 2];
  if (uv_random(NULL, NULL, bytes, sizeof(bytes), 0, NULL) != 0) {
    return PENSTOCK_E_FAILED;
  }
  for (size_t i = 0; i < sizeof(bytes) && 2 * i < digits; i++) {
    (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  }
  return PENSTOCK_OK;
}

static ps_command *create(size_t count) {
  ps_command *command = calloc(1, sizeof(*command) + (count + 1) * sizeof(command->argv[0]));
  if (!command) {
    return NULL;
  }
  size_t used = (size_t)snprintf(command->mark, sizeof(command->mark), "penstock-end-");
  if (draw(command->token, PS_COMMAND_TOKEN_SIZE - 1) != 0 ||
      draw(command->mark + used, PS_COMMAND_TOKEN_SIZE - 1) != 0) {
    free(command);
    return NULL;
  }
  return command;
}

ps_command *ps_command_create(const char *const *argv, size_t count) {
  ps_command *command = create(count);
  for (size_t i = 0; command && i < count; i++) {
    size_t size = strlen(argv[i]) + 1;
    command->argv[i] = malloc(size);
    if (!command->argv[i]) {
      ps_command_free(command);
      return NULL;
    }
    memcpy(command->argv[i], argv[i], size);
    command->count++;
  }
  return command;
}

ps_command *ps_command_create_log(uint32_t lines) {
  ps_command *command = create(0);
  if (command) {
    command->is_log = 1;
    command->lines = lines;
  }
  return command;
}

void ps_command_free(ps_command *command) {
  if (!command) {
    return;
  }
  for (size_t i = 0; i < command->count; i++) {
    free(command->argv[i]);
  }
  free(command->answer);
  free(command);
}

/* --- its stream --------------------------------------------------------------------------------- */

static const penstock_exec_ext *extension(const ps_link *link) {
  return link->transport->get_extension ? link->transport->get_extension(link->instance, PENSTOCK_EXT_EXEC) : NULL;
}

/* May commands go over the link that the lane has? Whether there is a solver does not matter. */
static int is_linked(const ps_lane *lane) {
  return lane->link && lane->link->connected && !lane->link->lost;
}

void ps_command_failed(ps_lane *lane, ps_client *client, const penstock_error *error) {
  penstock_error gone;
  penstock_fail(&gone, PENSTOCK_LEG_NONE, PENSTOCK_CLASS_TRANSIENT,
                lane->stopping ? "the gateway is ending" : "there is no connection to the solver's machine now");
  penstock_next(&gone, "`penstock status` shows how it is, and why");
  ps_lane_tell_command(lane, client->command->call, error ? error : &gone);
  ps_net_close(client->socket); /* another descriptor for it is the gateway's */
  ps_client_free(client);
}

static int lacks(const penstock_exec_ext *ext, const ps_command *command) {
  int has_log = ext && PENSTOCK_HAS(ext, penstock_exec_ext, open_log) && ext->open_log;
  int has_command = ext && PENSTOCK_HAS(ext, penstock_exec_ext, open_command) && ext->open_command;
  return command->is_log ? !has_log : !has_command;
}

void ps_command_open(ps_lane *lane, ps_client *client) {
  penstock_error error;
  if (lane->stopping || !is_linked(lane)) {
    ps_command_failed(lane, client, NULL);
  } else if (lacks(extension(lane->link), client->command)) {
    penstock_fail(&error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "the transport '%s' %s", lane->transport->name,
                  client->command->is_log ? "does not know where the solver's log is" : "cannot run commands");
    penstock_next(&error, "%s",
                  client->command->is_log ? "look at it on the solver's machine"
                                          : "log in to the solver's machine by hand");
    ps_command_failed(lane, client, &error);
  } else {
    ps_open_command(lane->link, client);
  }
}

void ps_command_begin(const ps_link *link, penstock_open *open, const ps_command *command, uint64_t deadline_ms) {
  const penstock_exec_ext *ext = extension(link);
  const penstock_command wanted = {.struct_size = (uint32_t)sizeof(wanted),
                                   .flags = command->flags,
                                   .argv = command->is_log ? NULL : (const char *const *)command->argv,
                                   .lines = command->lines,
                                   .mark = command->mark,
                                   .token = command->token};
  if (command->is_log) {
    ext->open_log(link->instance, open, &wanted, deadline_ms);
  } else {
    ext->open_command(link->instance, open, &wanted, deadline_ms);
  }
}

/* The client's socket is new, and nothing was sent that it has not read: there is room. If not, it does not read. */
void ps_command_joins(ps_lane *lane, ps_client *client) {
  ps_command *command = client->command;
  size_t size = strlen(command->answer);
  client->command = NULL;
  command->id = client->id;
  ps_list_append(&lane->commands, &command->node);
  ps_lane_tell_command(lane, command->call, NULL);
  if (ps_net_write(client->socket, command->answer, size) != (long)size) {
    ps_net_shutdown(client->socket);
  }
}

/* --- its end ------------------------------------------------------------------------------------ */

static void end_there(const ps_link *link, const char *token) {
  const penstock_exec_ext *ext = extension(link);
  if (ext && PENSTOCK_HAS(ext, penstock_exec_ext, end_command) && ext->end_command) {
    ext->end_command(link->instance, token);
  }
}

static void remember(ps_lane *lane, const char *token) {
  if (lane->orphan_count == PS_ORPHANS_MAX) { /* the oldest is the likeliest to have ended */
    lane->orphan_count--;
    memmove(lane->orphans[0], lane->orphans[1], lane->orphan_count * sizeof(lane->orphans[0]));
  }
  memcpy(lane->orphans[lane->orphan_count++], token, PS_COMMAND_TOKEN_SIZE);
}

static ps_command *find(const ps_lane *lane, uint64_t id) {
  for (ps_list *node = lane->commands.next; node != &lane->commands; node = node->next) {
    ps_command *command = PS_CONTAINER(node, ps_command, node);
    if (command->id == id) {
      return command;
    }
  }
  return NULL;
}

int ps_command_has(const ps_lane *lane, uint64_t id) {
  return find(lane, id) != NULL;
}

int ps_command_ended(ps_lane *lane, uint64_t id, int aborted) {
  ps_command *command = find(lane, id);
  if (!command) {
    return 0;
  }
  ps_list_remove(&command->node);
  if (aborted && is_linked(lane)) {
    end_there(lane->link, command->token);
  } else if (aborted) {
    remember(lane, command->token);
  }
  ps_command_free(command);
  return 1;
}

int ps_command_end_all(const ps_lane *lane) {
  if (ps_list_empty(&lane->commands) || !is_linked(lane)) {
    return 0;
  }
  for (ps_list *node = lane->commands.next; node != &lane->commands; node = node->next) {
    end_there(lane->link, PS_CONTAINER(node, ps_command, node)->token);
  }
  return 1;
}

void ps_command_linked(ps_lane *lane) {
  atomic_store(&lane->linked, 1);
  for (size_t i = 0; i < lane->orphan_count; i++) {
    end_there(lane->link, lane->orphans[i]);
  }
  lane->orphan_count = 0;
}

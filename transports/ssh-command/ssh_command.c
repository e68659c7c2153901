/* SPDX-License-Identifier: MIT */
/* The transport `ssh-command`: as `ssh`, for the host and the settings of a pasted `ssh …` line. */
#include <stdatomic.h>
#include <stdlib.h>

#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/line/ssh_line_explain.h"
#include "common/ssh/ssh_transport.h"

/* What an instance keeps: the line, and the profile as the line changes it. */
typedef struct pasted {
  ssh_line line;
  penstock_config config; /* `impl` is this struct */
  const penstock_config *given;
} pasted;

static const penstock_option options[] = {
    SSH_OPTION(STRING, PENSTOCK_OPTION_REQUIRED, "command", NULL,
               "The whole line: ssh [OPTION]... [USER@]HOST; `penstock ssh-command explain` shows what it means", 0, 0,
               NULL),
    SSH_OPTIONS,
    PROCESS_RUNTIME_OPTIONS,
};

/* --- the profile: where it does not set `endpoint`, -L does --------------------------------------------- */

static const char *get_string(const penstock_config *config, const char *key) {
  const pasted *self = config->impl;
  if (self->line.endpoint && strcmp(key, "endpoint") == 0 && !self->given->get_origin(self->given, key)) {
    return self->line.endpoint;
  }
  return self->given->get_string(self->given, key);
}

static int64_t get_int(const penstock_config *config, const char *key, int64_t otherwise) {
  const penstock_config *given = ((const pasted *)config->impl)->given;
  return given->get_int(given, key, otherwise);
}

static const char *get_item(const penstock_config *config, const char *key, uint32_t index) {
  const penstock_config *given = ((const pasted *)config->impl)->given;
  return given->get_item(given, key, index);
}

static const char *get_origin(const penstock_config *config, const char *key) {
  const penstock_config *given = ((const pasted *)config->impl)->given;
  return given->get_origin(given, key);
}

static void free_pasted(void *own) {
  pasted *self = own;
  ssh_line_clear(&self->line);
  free(self);
}

/* --- what has no effect --------------------------------------------------------------------------------- */

/* FNV-1a of a text and its end, onto `hash`. */
static uint64_t hash_text(uint64_t hash, const char *text) {
  for (const char *c = text; *c; c++) {
    hash = (hash ^ (unsigned char)*c) * 1099511628211U;
  }
  return hash * 1099511628211U;
}

/*
 * Is this the first instance in this process with these words? Each reconnect and each lane makes one, and the user is
 * to be told once. When the table is full, more often.
 */
static int is_news(const char *profile, const char *command) {
  static _Atomic uint64_t seen[64];
  uint64_t hash = hash_text(hash_text(1469598103934665603U, profile), command) | 1; /* 0 is a free place */
  for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
    uint64_t found = 0;
    if (atomic_compare_exchange_strong(&seen[i], &found, hash)) {
      return 1;
    }
    if (found == hash) {
      return 0;
    }
  }
  return 1;
}

static void log_notes(const penstock_host *host, const penstock_config *config, const ssh_line *line) {
  if (!is_news(config->profile, config->get_string(config, "command"))) {
    return;
  }
  for (size_t i = 0; i < line->note_count; i++) {
    penstock_logf(host, line->notes[i].is_warning ? PENSTOCK_LOG_WARN : PENSTOCK_LOG_INFO, "command: %s",
                  line->notes[i].text);
  }
}

/* --- the transport ------------------------------------------------------------------------------------- */

/* Puts before an error about the line where the line stands: "profiles.ini:12: command: ". */
static int say_where(const penstock_config *config, penstock_error *error) {
  const char *place = config->get_origin(config, "command");
  char what[512];
  if (error) {
    (void)snprintf(what, sizeof(what), "%.200s%scommand: %.280s", place ? place : "", place ? ": " : "", error->what);
    penstock_utf8_trim(what, sizeof(what));
    memcpy(error->what, what, sizeof(what));
  }
  return PENSTOCK_E_FAILED;
}

static int make_request(ssh_request *request, pasted *self, penstock_error *error) {
  const char *command = self->given->get_string(self->given, "command");
  if (ssh_line_parse(&self->line, command ? command : "", NULL, error) ||
      ssh_line_request(request, &self->line, error)) {
    return say_where(self->given, error);
  }
  return ssh_profile_request(request, &self->config, self->line.host, error);
}

static int32_t create(const penstock_host *host, const penstock_config *config, penstock_instance **instance,
                      penstock_error *error) {
  ssh_request request = {0};
  int32_t result = PENSTOCK_E_FAILED;
  *instance = NULL;
  pasted *self = calloc(1, sizeof(*self));
  if (!self) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  self->given = config;
  self->config = (penstock_config){
      .struct_size = sizeof(self->config),
      .impl = self,
      .profile = config->profile,
      .get_string = get_string,
      .get_int = get_int,
      .get_item = get_item,
      .get_origin = get_origin,
  };
  if (make_request(&request, self, error) == 0) {
    result = ssh_transport_create(host, &self->config, &request, instance, error);
  }
  ssh_request_clear(&request);
  if (result) {
    free_pasted(self);
    return result;
  }
  (*instance)->own = self;
  (*instance)->free_own = free_pasted;
  log_notes(host, config, &self->line);
  return PENSTOCK_OK;
}

static int32_t explain(penstock_instance *instance, const penstock_explain_sink *sink, penstock_error *error) {
  const pasted *self = instance->own;
  return ssh_line_explain(&self->line, sink, error);
}

static const void *get_extension(penstock_instance *instance, const char *name) {
  static const penstock_explain_ext ext = {.struct_size = (uint32_t)sizeof(ext), .explain = explain};
  return strcmp(name, PENSTOCK_EXT_EXPLAIN) == 0 ? &ext : ssh_transport_extension(instance, name);
}

static const penstock_transport ssh_command = {
    .struct_size = (uint32_t)sizeof(ssh_command),
    .name = "ssh-command",
    .summary = "The solver on another machine, over SSH, as a pasted ssh command reaches it",
    .options = options,
    .option_count = (uint32_t)(sizeof(options) / sizeof(options[0])),
    .create = create,
    SSH_TRANSPORT_SLOTS,
    .get_extension = get_extension,
};

static const penstock_transport *const transports[] = {&ssh_command};
PENSTOCK_PLUGIN("ssh-command", PENSTOCK_VERSION, "MIT", transports);

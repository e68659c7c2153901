/* SPDX-License-Identifier: MIT */
#include "common/ssh/line/ssh_pasted.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/ssh/config/ssh_profile.h"
#include "common/ssh/line/ssh_line_explain.h"
#include "common/ssh/ssh_transport.h"

struct ssh_pasted {
  ssh_line line;
  penstock_config config; /* `impl` is this struct */
  const penstock_config *given;
};

/* --- the profile: where it does not set `endpoint`, -L does --------------------------------------------- */

static const char *get_string(const penstock_config *config, const char *key) {
  const ssh_pasted *self = config->impl;
  if (self->line.endpoint && strcmp(key, "endpoint") == 0 && !self->given->get_origin(self->given, key)) {
    return self->line.endpoint;
  }
  return self->given->get_string(self->given, key);
}

static int64_t get_int(const penstock_config *config, const char *key, int64_t otherwise) {
  const penstock_config *given = ((const ssh_pasted *)config->impl)->given;
  return given->get_int(given, key, otherwise);
}

static const char *get_item(const penstock_config *config, const char *key, uint32_t index) {
  const penstock_config *given = ((const ssh_pasted *)config->impl)->given;
  return given->get_item(given, key, index);
}

static const char *get_origin(const penstock_config *config, const char *key) {
  const penstock_config *given = ((const ssh_pasted *)config->impl)->given;
  return given->get_origin(given, key);
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

static int make_request(ssh_request *request, ssh_pasted *self, penstock_error *error) {
  const char *command = self->given->get_string(self->given, "command");
  if (ssh_line_parse(&self->line, command ? command : "", NULL, error) ||
      ssh_line_request(request, &self->line, error)) {
    return say_where(self->given, error);
  }
  return ssh_profile_request(request, &self->config, self->line.host, error);
}

void ssh_pasted_destroy(void *self) {
  ssh_pasted *pasted = self;
  if (pasted) {
    ssh_line_clear(&pasted->line);
    free(pasted);
  }
}

ssh_pasted *ssh_pasted_create(const penstock_host *host, const penstock_config *config, ssh_request *request,
                              penstock_error *error) {
  ssh_pasted *self = calloc(1, sizeof(*self));
  if (!self) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    return NULL;
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
  if (make_request(request, self, error)) {
    ssh_request_clear(request);
    ssh_pasted_destroy(self);
    return NULL;
  }
  log_notes(host, config, &self->line);
  return self;
}

const penstock_config *ssh_pasted_config(const ssh_pasted *self) {
  return &self->config;
}

static int32_t explain(penstock_instance *instance, const penstock_explain_sink *sink, penstock_error *error) {
  const ssh_pasted *self = instance->own;
  return ssh_line_explain(&self->line, sink, error);
}

const void *ssh_pasted_extension(penstock_instance *instance, const char *name) {
  static const penstock_explain_ext ext = {.struct_size = (uint32_t)sizeof(ext), .explain = explain};
  return strcmp(name, PENSTOCK_EXT_EXPLAIN) == 0 ? &ext : ssh_transport_extension(instance, name);
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/line/ssh_line_explain.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "common/ssh/config/ssh_config.h"
#include "common/ssh/config/ssh_path.h"

enum { ASK_MS = 5000 };

/* A line being explained. */
typedef struct explainer {
  const ssh_line *line;
  const penstock_explain_sink *sink;
  char folder[4096];   /* the current one, which relative paths count from; "" = unknown */
  int has_key;         /* IdentityFile becomes `key` */
  int identities_only; /* what ssh comes to for this line */
} explainer;

static int out_of_memory(penstock_error *error) {
  return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
}

static void tell(const explainer *self, const char *key, const char *text, const char *comment) {
  self->sink->key(self->sink->context, key, text, NULL, comment);
}

static int is_about(const ssh_line_setting *setting, const char *keyword) {
  return strcasecmp(setting->keyword, keyword) == 0;
}

/* Does the value read the same in a profile as for ssh: no quotes, tokens or variables that ssh would act on? */
static int is_plain(const ssh_line_setting *setting) {
  return strpbrk(setting->value, setting->is_written ? " \t#'\"\\%$" : "\"\\%$") == NULL;
}

/* The value of a keyword for an option of the profile; NULL if it has to stay an ssh_option. */
static const char *plain_value(const explainer *self, const char *keyword) {
  const ssh_line_setting *setting = ssh_line_find(self->line, keyword);
  return setting && is_plain(setting) ? setting->value : NULL;
}

/* --- keys ---------------------------------------------------------------------------------------------- */

/* Can this key file be an item of `key`? */
static int is_key(const explainer *self, const ssh_line_setting *setting) {
  const char *path = setting->value;
  return is_plain(setting) && strcasecmp(path, "none") != 0 &&
         (ssh_path_is_whole(path) || strncmp(path, "~/", 2) == 0 || (setting->is_relative && self->folder[0]));
}

/*
 * `key` replaces what ssh_config says, and -i adds to it: asks ssh whether that is a difference here, and whether it
 * would offer the agent's other keys. Without an answer, -i is taken for what it mostly means.
 */
static int ask_ssh(explainer *self, size_t keys, penstock_error *error) {
  ssh_request request = {0};
  ssh_config config;
  size_t cursor = 0;
  size_t found = 0;
  if (ssh_line_request(&request, self->line, error)) {
    return PENSTOCK_E_FAILED;
  }
  int result = ssh_config_load(&config, &request, SSH_CONFIG_ANY, ASK_MS, error);
  ssh_request_clear(&request);
  if (result) {
    self->sink->note(self->sink->context, PENSTOCK_LOG_WARN, error->what);
    return 0;
  }
  while (ssh_config_next(&config, "identityfile", &cursor)) {
    found++;
  }
  const ssh_config_line *only = ssh_config_get(&config, "identitiesonly");
  self->identities_only = only && strcmp(only->value, "yes") == 0;
  self->has_key = found == keys;
  ssh_config_unload(&config);
  return 0;
}

static int look_at_keys(explainer *self, penstock_error *error) {
  size_t keys = 0;
  for (size_t i = 0; i < self->line->setting_count; i++) {
    if (is_about(&self->line->settings[i], "IdentityFile")) {
      if (!is_key(self, &self->line->settings[i])) {
        return 0;
      }
      keys++;
    }
  }
  self->has_key = keys > 0;
  return keys > 0 ? ask_ssh(self, keys, error) : 0;
}

static void free_list(char **list, size_t count) {
  for (size_t i = 0; list && i < count; i++) {
    free(list[i]);
  }
  free(list);
}

/* A path of the line, whole. NULL if there is no memory. */
static char *whole_path(const explainer *self, const char *path, int is_relative) {
  size_t size = strlen(path) + strlen(self->folder) + 2;
  char *whole = malloc(size);
  if (whole) {
    (void)snprintf(whole, size, "%s%s%s", is_relative ? self->folder : "", is_relative ? "/" : "", path);
  }
  return whole;
}

static int explain_keys(const explainer *self, penstock_error *error) {
  size_t count = 0;
  if (!self->has_key) {
    return 0;
  }
  char **list = calloc(self->line->setting_count + 1, sizeof(*list));
  for (size_t i = 0; list && i < self->line->setting_count; i++) {
    const ssh_line_setting *setting = &self->line->settings[i];
    if (is_about(setting, "IdentityFile")) {
      list[count] = whole_path(self, setting->value, setting->is_relative);
      if (!list[count++]) {
        free_list(list, count);
        return out_of_memory(error);
      }
    }
  }
  if (!list) {
    return out_of_memory(error);
  }
  self->sink->key(self->sink->context, "key", NULL, (const char *const *)list, NULL);
  free_list(list, count);
  tell(self, "identities_only", self->identities_only ? "yes" : "no",
       self->identities_only ? NULL : "as ssh does: the agent's other keys are offered too");
  return 0;
}

/* --- the others ---------------------------------------------------------------------------------------- */

static int is_yes_or_no(const char *value) {
  return strcasecmp(value, "yes") == 0 || strcasecmp(value, "no") == 0;
}

static int is_number(const char *value) {
  return value[0] && strlen(value) <= 5 && strspn(value, "0123456789") == strlen(value);
}

/* The keywords that options of their own stand for, and which values those take. */
static const struct {
  const char *keyword;
  const char *key;
  int (*takes)(const char *value); /* NULL = any */
} plain_keys[] = {
    {"Port", "port", is_number},
    {"User", "user", NULL},
    {"ProxyJump", "jump", NULL},
    {"Compression", "compression", is_yes_or_no},
};

/* Is there an option that says this setting? */
static int has_option(const explainer *self, const ssh_line_setting *setting) {
  if (is_about(setting, "IdentityFile") || is_about(setting, "IdentitiesOnly")) {
    return self->has_key;
  }
  for (size_t i = 0; i < sizeof(plain_keys) / sizeof(plain_keys[0]); i++) {
    if (is_about(setting, plain_keys[i].keyword)) {
      const char *value = plain_value(self, plain_keys[i].keyword);
      return value && (!plain_keys[i].takes || plain_keys[i].takes(value));
    }
  }
  return 0;
}

static void explain_plain(const explainer *self) {
  for (size_t i = 0; i < sizeof(plain_keys) / sizeof(plain_keys[0]); i++) {
    const ssh_line_setting *setting = ssh_line_find(self->line, plain_keys[i].keyword);
    if (setting && has_option(self, setting)) {
      tell(self, plain_keys[i].key, setting->value, NULL);
    }
  }
}

/* What has no option of its own, as ssh -o takes it. */
static int explain_others(const explainer *self, penstock_error *error) {
  ssh_request request = {0};
  int result = 0;
  for (size_t i = 0; i < self->line->setting_count && result == 0; i++) {
    const ssh_line_setting *setting = &self->line->settings[i];
    if (!has_option(self, setting)) {
      result = setting->is_written ? ssh_request_add_written(&request, setting->keyword, setting->value)
                                   : ssh_request_add(&request, setting->keyword, setting->value);
    }
  }
  const char **list = calloc(request.option_count + 1, sizeof(*list));
  if (result == 0 && list && request.option_count > 0) {
    memcpy(list, request.options, request.option_count * sizeof(*list));
    self->sink->key(self->sink->context, "ssh_options", NULL, list, NULL);
  }
  result = result || !list ? out_of_memory(error) : 0;
  free(list);
  ssh_request_clear(&request);
  return result;
}

static int explain_config_file(const explainer *self, penstock_error *error) {
  const char *file = self->line->config_file;
  if (!file) {
    return 0;
  }
  int is_whole = ssh_path_is_whole(file) || strcasecmp(file, "none") == 0 || !self->folder[0];
  char *whole = whole_path(self, file, !is_whole);
  if (!whole) {
    return out_of_memory(error);
  }
  tell(self, "ssh_config", whole, NULL);
  free(whole);
  return 0;
}

int ssh_line_explain(const ssh_line *line, const penstock_explain_sink *sink, penstock_error *error) {
  explainer self = {.line = line, .sink = sink};
  if (!getcwd(self.folder, sizeof(self.folder))) {
    self.folder[0] = '\0';
  }
  if (look_at_keys(&self, error)) {
    return PENSTOCK_E_FAILED;
  }
  tell(&self, "transport", "ssh", NULL);
  tell(&self, "host", line->host, NULL);
  explain_plain(&self);
  if (explain_keys(&self, error) || explain_config_file(&self, error) || explain_others(&self, error)) {
    return PENSTOCK_E_FAILED;
  }
  if (line->endpoint) {
    tell(&self, "listen", line->listen, "the local side of -L");
    tell(&self, "endpoint", line->endpoint, "its far side, as seen from the host");
  }
  for (size_t i = 0; i < line->note_count; i++) {
    sink->note(sink->context, line->notes[i].is_warning ? PENSTOCK_LOG_WARN : PENSTOCK_LOG_INFO, line->notes[i].text);
  }
  return 0;
}

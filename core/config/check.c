/* SPDX-License-Identifier: MIT */
/* From sections to settings. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "config/sections.h"
#include "config/settings.h"

/* One section being checked. */
typedef struct checker {
  const ps_config *config;
  const ps_section *section; /* NULL: there is none, and all is default */
  ps_settings *settings;
  const ps_option_table *other; /* the core's table that is not meant: a key of it stands in the wrong section */
  const char *transport;        /* whose keys are known too; NULL = none's */
  int any_key;                  /* keys that nobody declares may be a transport's that is not known */
  ps_problems *problems;
} checker;

static int declares(const ps_option_table *table, const char *key) {
  for (uint32_t i = 0; i < table->count; i++) {
    if (strcmp(table->options[i].key, key) == 0) {
      return 1;
    }
  }
  return 0;
}

/* A key that the section does not set may come from [gateway]. */
static ps_entry *find_in_gateway(const ps_config *config, const char *key) {
  int is_shared = declares(&ps_gateway_table, key) && declares(&ps_profile_table, key);
  return config->gateway && is_shared ? ps_section_own(config->gateway, key) : NULL;
}

static void check_required(const checker *self, const penstock_option *option, const ps_entry *entry) {
  const ps_section *section = self->section;
  ps_nearest gateway;
  if (entry) {
    if (entry->text[0] == '\0') {
      ps_problems_add(self->problems, 1, entry->place.file, entry->place.line, "`%s` is empty, and must be set",
                      option->key);
    }
    return;
  }
  for (const ps_section *above = section; above; above = above->parent) {
    if (!above->parent && ps_section_own(above, "inherit")) {
      return; /* what it would have inherited is not known, and that was told */
    }
  }
  /* Without a transport nothing is known of the other keys: one that is nearly this one is told instead. */
  for (size_t i = 0; i < section->count; i++) {
    const ps_entry *meant = section->entries[i];
    ps_nearest near_key;
    ps_nearest_init(&near_key, meant->key);
    ps_nearest_offer(&near_key, option->key);
    if (near_key.best && self->any_key && !ps_settings_slot(self->settings, meant->key)) {
      ps_problems_add(self->problems, 1, meant->place.file, meant->place.line,
                      "unknown key `%s`; did you mean `%s`, which [%s] must set?", meant->key, option->key,
                      section->name);
      return;
    }
  }
  ps_nearest_init(&gateway, section->name);
  ps_nearest_offer(&gateway, "gateway");
  ps_problems_add(self->problems, 1, section->place.file, section->place.line, "[%s] must set `%s`: %s%s",
                  section->name, option->key, option->help ? option->help : "",
                  gateway.best ? "; or did you mean [gateway]?" : "");
}

static void check_slot(const checker *self, ps_slot *slot) {
  const char *key = slot->option.key;
  const ps_entry *entry = self->section ? ps_section_find(self->section, key) : NULL;
  ps_problems *problems = self->problems;
  int is_fallback = 0;
  if (!entry) {
    entry = find_in_gateway(self->config, key);
    is_fallback = entry != NULL;
  }
  if (!entry) {
    (void)ps_slot_default(slot, problems);
  } else if (is_fallback) {
    /* Its faults are told when [gateway] itself is checked. */
    (void)ps_slot_set(slot, entry->text, entry->place, NULL);
  } else if (ps_slot_set(slot, entry->text, entry->place, problems) == 0 &&
             slot->option.flags & PENSTOCK_OPTION_DEPRECATED) {
    ps_problems_add(problems, 0, entry->place.file, entry->place.line, "`%s` is out of date: %s", key,
                    slot->option.help ? slot->option.help : "");
  }
  if (slot->option.flags & PENSTOCK_OPTION_REQUIRED) {
    check_required(self, &slot->option, entry);
  }
}

static void check_unknown(const checker *self, const ps_entry *entry) {
  const char *key = entry->key;
  if (strcmp(key, "include") == 0 || ps_settings_slot(self->settings, key) || self->any_key) {
    return;
  }
  if (declares(self->other, key)) {
    ps_problems_add(self->problems, 1, entry->place.file, entry->place.line,
                    self->other == &ps_gateway_table ? "`%s` belongs under [gateway], not in a profile"
                                                     : "`%s` belongs in a profile, not under [gateway]",
                    key);
    return;
  }
  ps_nearest nearest;
  ps_text text = {0};
  ps_nearest_init(&nearest, key);
  for (size_t i = 0; i < self->settings->count; i++) {
    ps_nearest_offer(&nearest, self->settings->slots[i].option.key);
  }
  if (self->other == &ps_profile_table) {
    ps_nearest_offer(&nearest, "include");
  }
  ps_text_addf(&text, "unknown key `%s`", key);
  if (self->transport) {
    ps_text_addf(&text, " for transport %s", self->transport);
  }
  if (nearest.best) {
    ps_text_addf(&text, "; did you mean `%s`?", nearest.best);
  }
  ps_problems_add(self->problems, 1, entry->place.file, entry->place.line, "%s", text.data ? text.data : "");
  free(text.data);
}

/* Checks the section: every value, then every key. */
static void check_section(const checker *self) {
  for (size_t i = 0; i < self->settings->count; i++) {
    check_slot(self, &self->settings->slots[i]);
  }
  for (const ps_section *section = self->section; section; section = section->parent) {
    for (size_t i = 0; i < section->count; i++) {
      check_unknown(self, section->entries[i]);
    }
  }
}

/* Adds the problems of a check to the caller's. Returns the settings, or NULL if they are not to be used. */
static ps_settings *conclude(ps_settings *settings, ps_problems *own, ps_problems *problems) {
  if (settings && ps_problems_fatal(own) > 0) {
    ps_settings_free(settings);
    settings = NULL;
  }
  for (size_t i = 0; i < own->count; i++) {
    const ps_problem *problem = &own->items[i];
    ps_problems_add(problems, problem->fatal, problem->file, problem->line, "%s", problem->text);
  }
  ps_problems_clear(own);
  return settings;
}

/* The profile that `up` uses must be one. */
static void check_named_profile(const ps_config *config, const ps_settings *settings, ps_problems *problems) {
  const ps_slot *slot = ps_settings_slot(settings, "profile");
  const char *name = slot->value.text;
  if (!name || ps_sections_profile(config, name)) {
    return;
  }
  ps_nearest nearest;
  ps_nearest_init(&nearest, name);
  for (size_t i = 0; i < config->profile_count; i++) {
    ps_nearest_offer(&nearest, config->profiles[i]->name);
  }
  ps_problems_add(problems, 1, slot->place.file, slot->place.line, "`profile`: there is no profile '%s'%s%s%s", name,
                  nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

ps_settings *ps_config_check_gateway(const ps_config *config, ps_problems *problems) {
  ps_problems own = {0};
  checker self = {.config = config,
                  .section = config->gateway,
                  .settings = ps_settings_create("gateway", &ps_gateway_table, NULL, &own),
                  .other = &ps_profile_table,
                  .problems = &own};
  if (!self.settings) {
    ps_problems_add(problems, 1, config->path, 0, "out of memory");
    return NULL;
  }
  check_section(&self);
  check_named_profile(config, self.settings, &own);
  return conclude(self.settings, &own, problems);
}

ps_settings *ps_config_check_profile(const ps_config *config, const char *profile, const penstock_transport *transport,
                                     ps_problems *problems) {
  ps_problems own = {0};
  checker self = {.config = config,
                  .section = ps_sections_profile(config, profile),
                  .other = &ps_gateway_table,
                  .transport = transport ? transport->name : NULL,
                  .any_key = transport == NULL,
                  .problems = &own};
  if (!self.section) {
    ps_problems_add(problems, 1, config->path, 0, "there is no profile '%s'", profile);
    return NULL;
  }
  self.settings = ps_settings_create(profile, &ps_profile_table, transport, &own);
  if (!self.settings) {
    ps_problems_add(problems, 1, config->path, 0, "out of memory");
    return NULL;
  }
  check_section(&self);
  ps_settings_check_together(self.settings, &own);
  return conclude(self.settings, &own, problems);
}

/* --- what is asked before the tables are known ------------------------------------------------------- */

const char *ps_config_path(const ps_config *config) {
  return config->path;
}

size_t ps_config_profile_count(const ps_config *config) {
  return config->profile_count;
}

const char *ps_config_profile_name(const ps_config *config, size_t index) {
  return index < config->profile_count ? config->profiles[index]->name : NULL;
}

int ps_config_is_template(const ps_config *config, const char *profile) {
  const ps_section *section = ps_sections_profile(config, profile);
  return section && section->is_parent && !ps_section_find(section, "transport");
}

static ps_entry *find_entry(const ps_config *config, const char *profile, const char *key) {
  const ps_section *section = ps_sections_profile(config, profile);
  ps_entry *entry = section ? ps_section_find(section, key) : NULL;
  return entry ? entry : find_in_gateway(config, key);
}

const char *ps_config_place(const ps_config *config, const char *profile, const char *key, int *line) {
  const ps_entry *entry = find_entry(config, profile, key);
  *line = entry ? entry->place.line : 0;
  return entry ? entry->place.file : NULL;
}

const char *ps_config_raw(const ps_config *config, const char *profile, const char *key) {
  ps_entry *entry = find_entry(config, profile, key);
  if (entry && !entry->expanded) {
    penstock_option option = {.struct_size = sizeof(option), .type = PENSTOCK_OPTION_STRING, .key = key};
    for (uint32_t i = 0; i < ps_profile_table.count; i++) {
      if (strcmp(ps_profile_table.options[i].key, key) == 0) {
        option = ps_profile_table.options[i];
      }
    }
    ps_value value = {0};
    (void)ps_value_parse(&option, entry->text, entry->place, &value, NULL);
    entry->expanded = value.text;
    value.text = NULL;
    ps_value_clear(&value);
  }
  return entry ? entry->expanded : NULL;
}

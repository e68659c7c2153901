/* SPDX-License-Identifier: MIT */
#include "config/sections.h"

#include <string.h>

ps_section *ps_sections_profile(const ps_config *config, const char *name) {
  for (size_t i = 0; i < config->profile_count; i++) {
    if (strcmp(config->profiles[i]->name, name) == 0) {
      return config->profiles[i];
    }
  }
  return NULL;
}

ps_entry *ps_section_own(const ps_section *section, const char *key) {
  for (size_t i = 0; i < section->count; i++) {
    if (!section->entries[i]->is_repeated && strcmp(section->entries[i]->key, key) == 0) {
      return section->entries[i];
    }
  }
  return NULL;
}

ps_entry *ps_section_find(const ps_section *section, const char *key) {
  ps_entry *entry = NULL;
  for (; section && !entry; section = section->parent) {
    entry = ps_section_own(section, key);
  }
  return entry;
}

/* SPDX-License-Identifier: MIT */
/* Which profile inherits from which. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "config/sections.h"

/* Finds the profile that `section` names with `inherit`. */
static void find_parent(ps_config *config, ps_section *section, ps_problems *problems) {
  const char *name = ps_config_raw(config, section->name, "inherit");
  const ps_entry *entry = ps_section_own(section, "inherit");
  if (!entry || !name) {
    return; /* a text that cannot be expanded is told of when the profile is checked */
  }
  section->parent = ps_sections_profile(config, name);
  if (section->parent) {
    section->parent->is_parent = 1;
    return;
  }
  ps_nearest nearest;
  ps_nearest_init(&nearest, name);
  for (size_t i = 0; i < config->profile_count; i++) {
    if (config->profiles[i] != section) {
      ps_nearest_offer(&nearest, config->profiles[i]->name);
    }
  }
  if (strcmp(name, "gateway") == 0) {
    ps_problems_add(problems, 1, entry->place.file, entry->place.line, "`inherit`: [gateway] is no profile");
  } else if (nearest.best) {
    ps_problems_add(problems, 1, entry->place.file, entry->place.line,
                    "`inherit`: there is no profile '%s'; did you mean '%s'?", name, nearest.best);
  } else {
    ps_problems_add(problems, 1, entry->place.file, entry->place.line, "`inherit`: there is no profile '%s'", name);
  }
}

/* Tells of a circle that begins and ends at `start`, and opens it. */
static void break_circle(ps_section *start, ps_problems *problems) {
  ps_text chain = {0};
  const ps_section *section = start;
  const ps_entry *entry = ps_section_own(start, "inherit");
  do {
    ps_text_addf(&chain, "%s -> ", section->name);
    section = section->parent;
  } while (section != start);
  ps_text_adds(&chain, start->name);
  ps_problems_add(problems, 1, entry->place.file, entry->place.line, "`inherit` goes in a circle: %s",
                  chain.data ? chain.data : "");
  free(chain.data);
  start->parent = NULL;
}

void ps_sections_inherit(ps_config *config, ps_problems *problems) {
  for (size_t i = 0; i < config->profile_count; i++) {
    find_parent(config, config->profiles[i], problems);
  }
  for (size_t i = 0; i < config->profile_count; i++) {
    const ps_section *section = config->profiles[i]->parent;
    /* No more steps than there are profiles: another circle further up is found when its own turn comes. */
    for (size_t steps = 0; section && steps < config->profile_count; steps++) {
      if (section == config->profiles[i]) {
        break_circle(config->profiles[i], problems);
        break;
      }
      section = section->parent;
    }
  }
}

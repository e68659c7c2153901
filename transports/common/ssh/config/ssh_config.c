/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_config.h"

#include <stdlib.h>

const ssh_config_line *ssh_config_next(const ssh_config *config, const char *keyword, size_t *cursor) {
  while (*cursor < config->count) {
    const ssh_config_line *line = &config->lines[(*cursor)++];
    if (strcmp(line->keyword, keyword) == 0) {
      return line;
    }
  }
  return NULL;
}

const ssh_config_line *ssh_config_get(const ssh_config *config, const char *keyword) {
  size_t cursor = 0;
  return ssh_config_next(config, keyword, &cursor);
}

int ssh_config_add(ssh_config *config, const char *keyword, const char *value, int is_set) {
  ssh_config_line *grown = realloc(config->lines, (config->count + 1) * sizeof(*grown));
  if (!grown) {
    return PENSTOCK_E_FAILED;
  }
  config->lines = grown;
  ssh_config_line *line = &grown[config->count];
  line->keyword = strdup(keyword);
  line->value = strdup(value);
  line->is_set = is_set;
  if (!line->keyword || !line->value) {
    free(line->keyword);
    free(line->value);
    return PENSTOCK_E_FAILED;
  }
  config->count++;
  return 0;
}

void ssh_config_unload(ssh_config *config) {
  for (size_t i = 0; i < config->count; i++) {
    free(config->lines[i].keyword);
    free(config->lines[i].value);
  }
  free(config->lines);
  memset(config, 0, sizeof(*config));
}

/* SPDX-License-Identifier: MIT */
#include "manual/manual.h"

#include <string.h>

#define MARK ".\\\" GENERATE "

static const struct {
  const char *name;
  void (*add)(ps_text *page, const ps_manual_plugins *plugins);
} parts[] = {
    {"commands", ps_manual_commands},         {"options", ps_manual_options},
    {"exit-codes", ps_manual_exit_codes},     {"gateway-keys", ps_manual_gateway_keys},
    {"profile-keys", ps_manual_profile_keys}, {"transport-keys", ps_manual_transport_keys},
    {"transports", ps_manual_transports},     {"abi", ps_manual_abi},
};

static int add_part(ps_text *page, const char *name, size_t size, const ps_manual_plugins *plugins) {
  for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    if (strlen(parts[i].name) == size && strncmp(parts[i].name, name, size) == 0) {
      parts[i].add(page, plugins);
      return 0;
    }
  }
  return -1;
}

int ps_manual_page(ps_text *page, const char *template, const ps_manual_plugins *plugins, const char **unknown) {
  const size_t mark = strlen(MARK);
  while (*template) {
    size_t size = strcspn(template, "\n");
    if (strncmp(template, MARK, mark) != 0) {
      ps_text_add(page, template, size);
      ps_text_adds(page, "\n");
    } else if (add_part(page, template + mark, size - mark, plugins) != 0) {
      *unknown = template + mark;
      return -1;
    }
    template += size + (template[size] == '\n');
  }
  return 0;
}

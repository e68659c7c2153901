/* SPDX-License-Identifier: MIT */
/* What has changed from one reading of the files to the next. */
#include <string.h>

#include "config/settings.h"

static int same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

static int same_value(const ps_value *a, const ps_value *b) {
  if (!same_text(a->text, b->text) || a->has_number != b->has_number || a->count != b->count ||
      (a->has_number && a->number != b->number)) {
    return 0;
  }
  for (size_t i = 0; i < a->count; i++) {
    if (strcmp(a->items[i], b->items[i]) != 0) {
      return 0;
    }
  }
  return 1;
}

void ps_settings_compare(const ps_settings *before, const ps_settings *after,
                         void (*changed)(void *context, const char *key, uint32_t flags), void *context) {
  for (size_t i = 0; i < after->count; i++) {
    const ps_slot *now = &after->slots[i];
    const ps_slot *then = ps_settings_slot(before, now->option.key);
    if (then ? !same_value(&then->value, &now->value) : ps_value_is_set(&now->value)) {
      changed(context, now->option.key, now->option.flags & (then ? then->option.flags : 0));
    }
  }
  for (size_t i = 0; i < before->count; i++) { /* of a transport that it had */
    const ps_slot *then = &before->slots[i];
    if (!ps_settings_slot(after, then->option.key) && ps_value_is_set(&then->value)) {
      changed(context, then->option.key, 0);
    }
  }
}

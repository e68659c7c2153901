/* SPDX-License-Identifier: MIT */
#include "gateway/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateway/gateway.h"
#include "log/json.h"

/* One comparison. */
typedef struct comparison {
  ps_reload *reload;
  int is_common;
  int is_for_now; /* of [gateway]: only keys that count at once, else only the others */
  const char *const *fixed;
} comparison;

static int is_one_of(const char *key, const char *const *keys) {
  for (size_t i = 0; keys && keys[i]; i++) {
    if (strcmp(keys[i], key) == 0) {
      return 1;
    }
  }
  return 0;
}

/* A key that profiles have too: they show what it comes to. */
static int is_shared(const char *key) {
  for (uint32_t i = 0; i < ps_profile_table.count; i++) {
    if (strcmp(ps_profile_table.options[i].key, key) == 0) {
      return 1;
    }
  }
  return 0;
}

static void on_changed(void *context, const char *key, uint32_t flags) {
  const comparison *self = context;
  ps_reload *reload = self->reload;
  int is_live = (flags & PENSTOCK_OPTION_LIVE) != 0;
  ps_reload_when when = is_one_of(key, self->fixed) ? PS_RELOAD_NEVER
                        : is_live                   ? PS_RELOAD_NOW
                        : self->is_common           ? PS_RELOAD_RESTART
                                                    : PS_RELOAD_SERVED;
  if (self->is_common && (is_shared(key) || (when == PS_RELOAD_NOW) != self->is_for_now)) {
    return;
  }
  ps_reload_key *keys = realloc(reload->keys, (reload->count + 1) * sizeof(*keys));
  if (!keys) {
    reload->no_memory = 1;
    return;
  }
  reload->keys = keys;
  ps_reload_key *one = &keys[reload->count++];
  (void)snprintf(one->key, sizeof(one->key), "%s", key);
  one->is_common = self->is_common;
  one->when = when;
  reload->connects |= one->when == PS_RELOAD_SERVED;
  reload->logs |= one->when == PS_RELOAD_NOW && self->is_common && strncmp(key, "log_", 4) == 0;
}

/* What connects anew has all of its keys from then on, and none before. */
static void put_off(ps_reload *reload) {
  for (size_t i = 0; i < reload->count && reload->connects; i++) {
    ps_reload_key *one = &reload->keys[i];
    if (!one->is_common && one->when == PS_RELOAD_NOW) {
      one->when = PS_RELOAD_SERVED;
    }
  }
}

int ps_reload_compare(ps_reload *reload, const ps_reload_sides *sides) {
  memset(reload, 0, sizeof(*reload));
  comparison self = {.reload = reload, .fixed = sides->fixed};
  ps_settings_compare(sides->before, sides->after, on_changed, &self);
  if (sides->common_began && sides->common_after) {
    self.is_common = 1;
    self.is_for_now = 1;
    ps_settings_compare(sides->common_before, sides->common_after, on_changed, &self);
    self.is_for_now = 0;
    ps_settings_compare(sides->common_began, sides->common_after, on_changed, &self);
  }
  put_off(reload);
  return reload->no_memory ? PENSTOCK_E_NOMEM : PENSTOCK_OK;
}

void ps_reload_free(ps_reload *reload) {
  free(reload->keys);
  memset(reload, 0, sizeof(*reload));
}

int ps_reload_has(const ps_reload *reload, const char *key) {
  for (size_t i = 0; i < reload->count; i++) {
    if (!reload->keys[i].is_common && strcmp(reload->keys[i].key, key) == 0) {
      return 1;
    }
  }
  return 0;
}

char *ps_reload_text(const ps_reload *reload) {
  static const char *const words[] = {[PS_RELOAD_NOW] = "at once",
                                      [PS_RELOAD_SERVED] = "once the profile, connected anew, serves",
                                      [PS_RELOAD_RESTART] = "when the gateway is started again",
                                      [PS_RELOAD_NEVER] = "not while the command line says otherwise"};
  ps_text text = {0};
  for (int when = PS_RELOAD_NOW; when <= PS_RELOAD_NEVER; when++) {
    int found = 0;
    for (size_t i = 0; i < reload->count; i++) {
      if ((int)reload->keys[i].when == when) {
        ps_text_addf(&text, "%s%s", found++ ? ", " : text.size > 0 ? "; " : "", reload->keys[i].key);
      }
    }
    if (found) {
      ps_text_addf(&text, " (%s)", words[when]);
    }
  }
  if (text.size == 0) {
    ps_text_adds(&text, "nothing has changed");
  }
  if (text.no_memory) {
    free(text.data);
    return NULL;
  }
  return text.data;
}

json_t *ps_reload_json(const ps_reload *reload) {
  static const char *const words[] = {[PS_RELOAD_NOW] = "now",
                                      [PS_RELOAD_SERVED] = "served",
                                      [PS_RELOAD_RESTART] = "restart",
                                      [PS_RELOAD_NEVER] = "never"};
  json_t *list = json_array();
  for (size_t i = 0; i < reload->count; i++) {
    const ps_reload_key *one = &reload->keys[i];
    (void)json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "section", one->is_common ? "gateway" : "profile",
                                                "key", ps_json_text(one->key), "when", words[one->when]));
  }
  return list;
}

json_t *ps_reload_event_json(const ps_reload_event *event) {
  return json_pack("{s:o, s:o, s:o}", "profile", ps_json_text(event->profile), "changes",
                   event->changes ? ps_reload_json(event->changes) : json_null(), "error", ps_json_error(event->error));
}

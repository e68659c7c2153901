/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/advice.h"
#include "net/net.h"

/* --- values ---------------------------------------------------------------------------------------- */

ps_slot *ps_settings_slot(const ps_settings *settings, const char *key) {
  for (size_t i = 0; i < settings->count; i++) {
    if (strcmp(settings->slots[i].option.key, key) == 0) {
      return &settings->slots[i];
    }
  }
  return NULL;
}

const char *ps_settings_string(const ps_settings *settings, const char *key) {
  const ps_slot *slot = ps_settings_slot(settings, key);
  return slot ? slot->value.text : NULL;
}

int64_t ps_settings_int(const ps_settings *settings, const char *key, int64_t otherwise) {
  const ps_slot *slot = ps_settings_slot(settings, key);
  return slot && slot->value.has_number ? slot->value.number : otherwise;
}

const char *ps_settings_item(const ps_settings *settings, const char *key, uint32_t index) {
  const ps_slot *slot = ps_settings_slot(settings, key);
  return slot && index < slot->value.count ? slot->value.items[index] : NULL;
}

const char *ps_settings_origin(const ps_settings *settings, const char *key) {
  const ps_slot *slot = ps_settings_slot(settings, key);
  return slot ? slot->origin : NULL;
}

static const char *abi_string(const penstock_config *config, const char *key) {
  return ps_settings_string(config->impl, key);
}

static int64_t abi_int(const penstock_config *config, const char *key, int64_t otherwise) {
  return ps_settings_int(config->impl, key, otherwise);
}

static const char *abi_item(const penstock_config *config, const char *key, uint32_t index) {
  return ps_settings_item(config->impl, key, index);
}

static const char *abi_origin(const penstock_config *config, const char *key) {
  return ps_settings_origin(config->impl, key);
}

const penstock_config *ps_settings_abi(const ps_settings *settings) {
  return &settings->abi;
}

/* --- slots ----------------------------------------------------------------------------------------- */

int ps_slot_set(ps_slot *slot, const char *text, ps_place place, ps_problems *problems) {
  free(slot->origin);
  slot->origin = NULL;
  slot->place = place;
  int result = ps_value_parse(&slot->option, text, place, &slot->value, problems);
  if (result == 0 && place.file) {
    ps_text origin = {0};
    ps_text_adds(&origin, place.file);
    if (place.line > 0) {
      ps_text_addf(&origin, ":%d", place.line);
    }
    slot->origin = origin.data;
  }
  return result;
}

int ps_slot_default(ps_slot *slot, ps_problems *problems) {
  ps_problems own = {0};
  if (!slot->option.default_value) {
    return 0;
  }
  int result = ps_slot_set(slot, slot->option.default_value, (ps_place){NULL, 0}, &own);
  if (result != 0) {
    ps_problems_add(problems, 1, NULL, 0, "the default of %s", own.count > 0 ? own.items[0].text : slot->option.key);
  }
  ps_problems_clear(&own);
  return result;
}

/* What is wrong with a declared option, as a plugin may bring one; NULL if nothing. */
static const char *fault_of_option(const penstock_option *option) {
  if (!option->key || !option->key[0] ||
      strspn(option->key, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(option->key) || strlen(option->key) > 48) {
    return "its key is no lower-case word of at most 48 bytes";
  }
  if (option->type < PENSTOCK_OPTION_STRING || option->type > PENSTOCK_OPTION_ENV) {
    return "its type is unknown to this version of penstock";
  }
  if (option->type == PENSTOCK_OPTION_CHOICE && (!option->choices || !option->choices[0])) {
    return "it is a CHOICE without choices";
  }
  return NULL;
}

/* Adds slots for a table. `owner` is the transport that declares it, NULL = the core. */
static void add_table(ps_settings *settings, ps_option_table table, const char *owner, ps_problems *problems) {
  const char *row = (const char *)table.options;
  const size_t before = settings->count;
  uint32_t stride = table.count > 0 ? table.options[0].struct_size : 0;
  if (table.count > 0 && stride < sizeof(penstock_option)) {
    ps_problems_add(problems, 1, owner, 0, "the plugin of transport '%s' is defective: its options have no size",
                    owner);
    return;
  }
  for (uint32_t i = 0; i < table.count; i++, row += stride) {
    penstock_option option;
    memcpy(&option, row, sizeof(option));
    option.struct_size = (uint32_t)sizeof(option);
    if (owner) {
      option.flags &= ~(PS_OPTION_FOLDERS | PS_OPTION_AUTO);
    }
    const char *fault = fault_of_option(&option);
    if (fault) {
      ps_problems_add(problems, 1, owner, 0, "the plugin of transport '%s' is defective: option %u (`%s`): %s", owner,
                      i, option.key ? option.key : "", fault);
    } else if (ps_settings_slot(settings, option.key)) {
      ps_problems_add(problems, 0, owner, 0, "transport '%s' declares `%s`, which %s: the first declaration counts",
                      owner, option.key,
                      ps_settings_slot(settings, option.key) < settings->slots + before ? "is penstock's own"
                                                                                        : "it has already");
    } else {
      settings->slots[settings->count++].option = option;
    }
  }
}

ps_settings *ps_settings_create(const char *profile, const ps_option_table *core, const penstock_transport *transport,
                                ps_problems *problems) {
  ps_settings *settings = calloc(1, sizeof(*settings));
  if (!settings) {
    return NULL;
  }
  size_t most = (size_t)core->count + (transport ? transport->option_count : 0);
  settings->abi = (penstock_config){
      .struct_size = sizeof(settings->abi),
      .impl = settings,
      .get_string = abi_string,
      .get_int = abi_int,
      .get_item = abi_item,
      .get_origin = abi_origin,
  };
  settings->profile = strdup(profile);
  settings->abi.profile = settings->profile;
  settings->slots = calloc(most, sizeof(*settings->slots));
  if (!settings->profile || !settings->slots) {
    ps_settings_free(settings);
    return NULL;
  }
  add_table(settings, *core, NULL, problems);
  if (transport) {
    const ps_option_table own = {transport->options, transport->option_count};
    add_table(settings, own, transport->name, problems);
  }
  return settings;
}

void ps_settings_free(ps_settings *settings) {
  if (!settings) {
    return;
  }
  for (size_t i = 0; settings->slots && i < settings->count; i++) {
    ps_value_clear(&settings->slots[i].value);
    free(settings->slots[i].origin);
  }
  free(settings->slots);
  free(settings->profile);
  free(settings);
}

ps_settings *ps_settings_defaults(const char *profile, const penstock_transport *transport) {
  ps_settings *settings = ps_settings_create(profile, &ps_profile_table, transport, NULL);
  for (size_t i = 0; settings && i < settings->count; i++) {
    (void)ps_slot_default(&settings->slots[i], NULL);
  }
  return settings;
}

/* --- what holds between values ----------------------------------------------------------------------- */

/* May the listener be where it is to be? Returns 0, or PENSTOCK_E_INVALID with a problem at `place`. */
static int check_exposure(const ps_settings *settings, ps_place place, ps_problems *problems) {
  const char *listen = ps_settings_string(settings, "listen");
  if (!listen || !ps_settings_slot(settings, "expose") || ps_settings_int(settings, "expose", 0) ||
      ps_net_is_loopback(listen)) {
    return 0;
  }
  ps_problems_add(problems, 1, place.file, place.line,
                  "`listen`: other machines could reach %s: listen on 127.0.0.1, or set `expose = yes` in the profile",
                  listen);
  return PENSTOCK_E_INVALID;
}

void ps_settings_check_together(const ps_settings *settings, ps_problems *problems) {
  const ps_slot *listen = ps_settings_slot(settings, "listen");
  const ps_slot *pin = ps_settings_slot(settings, "plugin_sha256");
  const ps_slot *least = ps_settings_slot(settings, "retry_min");
  const ps_slot *most = ps_settings_slot(settings, "retry_max");
  (void)check_exposure(settings, listen->place, problems);
  if (pin->value.text && (strlen(pin->value.text) != 64 || strspn(pin->value.text, "0123456789abcdefABCDEF") != 64)) {
    char command[64];
    ps_advice_write_sha256(command, sizeof(command), "FILE");
    ps_problems_add(problems, 1, pin->place.file, pin->place.line,
                    "`plugin_sha256`: a SHA-256 is 64 hex digits (%s prints it)", command);
  }
  if (least->value.has_number && most->value.has_number && least->value.number > most->value.number) {
    const ps_slot *told = least->place.file ? least : most;
    ps_problems_add(problems, 1, told->place.file, told->place.line, "`retry_min` is larger than `retry_max`");
  }
}

int ps_settings_set(ps_settings *settings, const char *key, const char *value, const char *origin,
                    ps_problems *problems) {
  ps_slot *slot = ps_settings_slot(settings, key);
  const ps_place place = {origin, 0};
  if (!slot) {
    ps_problems_add(problems, 1, origin, 0, "`%s` is no key of this profile", key);
    return PENSTOCK_E_INVALID;
  }
  int result = ps_slot_set(slot, value, place, problems);
  if (result == 0 && strcmp(key, "listen") == 0) {
    result = check_exposure(settings, place, problems);
  }
  return result;
}

int ps_settings_set_exact(ps_settings *settings, const char *key, const char *text) {
  ps_slot *slot = ps_settings_slot(settings, key);
  char *copy = slot && slot->option.type == PENSTOCK_OPTION_STRING ? strdup(text) : NULL;
  if (!copy) {
    return PENSTOCK_E_INVALID;
  }
  ps_value_clear(&slot->value);
  free(slot->origin);
  slot->origin = NULL;
  slot->place = (ps_place){NULL, 0};
  slot->value.text = copy;
  return 0;
}

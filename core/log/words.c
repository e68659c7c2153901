/* SPDX-License-Identifier: MIT */
/* The words for levels, legs and classes, the same in every output of ours. */
#include <string.h>

#include "log/log.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const level_names[] = {
    [PENSTOCK_LOG_ERROR] = "error", [PENSTOCK_LOG_WARN] = "warn",   [PENSTOCK_LOG_INFO] = "info",
    [PENSTOCK_LOG_DEBUG] = "debug", [PENSTOCK_LOG_TRACE] = "trace",
};

static const char *const leg_names[] = {
    [PENSTOCK_LEG_NONE] = "none",   [PENSTOCK_LEG_LOCAL] = "local",         [PENSTOCK_LEG_DNS] = "dns",
    [PENSTOCK_LEG_TCP] = "tcp",     [PENSTOCK_LEG_HOST_KEY] = "host-key",   [PENSTOCK_LEG_AUTH] = "auth",
    [PENSTOCK_LEG_EXEC] = "exec",   [PENSTOCK_LEG_CONTAINER] = "container", [PENSTOCK_LEG_LAUNCH] = "launch",
    [PENSTOCK_LEG_READY] = "ready", [PENSTOCK_LEG_ENDPOINT] = "endpoint",   [PENSTOCK_LEG_STREAM] = "stream",
};

static const char *const class_names[] = {
    [PENSTOCK_CLASS_NONE] = "none",
    [PENSTOCK_CLASS_TRANSIENT] = "transient",
    [PENSTOCK_CLASS_AUTH] = "auth",
    [PENSTOCK_CLASS_CONFIG] = "config",
    [PENSTOCK_CLASS_PEER_IDENTITY] = "peer-identity",
    [PENSTOCK_CLASS_REFUSED] = "refused",
    [PENSTOCK_CLASS_CANCELLED] = "cancelled",
    [PENSTOCK_CLASS_INTERNAL] = "internal",
};

/* A plugin may be newer than we are, or send anything. */
static const char *name_of(const char *const *names, size_t count, uint32_t value) {
  return value < count && names[value] ? names[value] : "unknown";
}

const char *ps_log_level_name(uint32_t level) {
  return name_of(level_names, COUNT(level_names), level);
}

uint32_t ps_log_level_parse(const char *name) {
  for (uint32_t level = PENSTOCK_LOG_ERROR; level < COUNT(level_names); level++) {
    if (strcmp(name, level_names[level]) == 0) {
      return level;
    }
  }
  return 0;
}

ps_log_format ps_log_format_parse(const char *name) {
  static const char *const names[] = {
      [PS_LOG_TEXT] = "text", [PS_LOG_JSON] = "json", [PS_LOG_JOURNAL] = "journal", [PS_LOG_EVENTS] = "eventlog"};
  for (size_t i = 0; i < COUNT(names); i++) {
    if (strcmp(name, names[i]) == 0) {
      return (ps_log_format)i;
    }
  }
  return PS_LOG_AUTO;
}

int ps_log_is_of_system(ps_log_format format) {
  return format == PS_LOG_JOURNAL || format == PS_LOG_EVENTS;
}

const char *ps_leg_name(uint32_t leg) {
  return name_of(leg_names, COUNT(leg_names), leg);
}

static uint32_t value_of(const char *const *names, size_t count, const char *name) {
  for (uint32_t value = 0; name && value < count; value++) {
    if (names[value] && strcmp(names[value], name) == 0) {
      return value;
    }
  }
  return 0;
}

uint32_t ps_leg_parse(const char *name) {
  return value_of(leg_names, COUNT(leg_names), name);
}

uint32_t ps_class_parse(const char *name) {
  return value_of(class_names, COUNT(class_names), name);
}

const char *ps_class_name(uint32_t error_class) {
  return name_of(class_names, COUNT(class_names), error_class);
}

/* SPDX-License-Identifier: MIT */
#include "cli/show.h"

#include <stdlib.h>

#include "base/text.h"

static const char *take(char *buffer, size_t size, ps_text *text) {
  (void)snprintf(buffer, size, "%s", text->data ? text->data : "");
  penstock_utf8_trim(buffer, size);
  free(text->data);
  return buffer;
}

const char *ps_show_safe(char *buffer, size_t size, const char *text) {
  ps_text safe = {0};
  ps_text_add_safe(&safe, text);
  return take(buffer, size, &safe);
}

const char *ps_show_bytes(char *buffer, size_t size, const void *bytes, size_t length) {
  ps_text safe = {0};
  ps_text raw = {0};
  ps_text_add(&raw, bytes, length);
  for (size_t at = 0; raw.data && at < length; at += strlen(raw.data + at)) {
    if (raw.data[at] == '\0') {
      ps_text_adds(&safe, "\\x00");
      at++;
    }
    ps_text_add_safe(&safe, raw.data + at);
  }
  free(raw.data);
  return take(buffer, size, &safe);
}

const char *ps_show_span(char *buffer, size_t size, uint64_t nanoseconds) {
  double ms = (double)nanoseconds / 1e6;
  if (ms < 9.95) {
    (void)snprintf(buffer, size, "%.1f ms", ms);
  } else if (ms < 999.5) {
    (void)snprintf(buffer, size, "%.0f ms", ms);
  } else if (ms < 119950) {
    (void)snprintf(buffer, size, "%.1f s", ms / 1e3);
  } else {
    (void)snprintf(buffer, size, "%.0f min", ms / 6e4);
  }
  return buffer;
}

const char *ps_show_age(char *buffer, size_t size, uint64_t milliseconds) {
  double seconds = (double)milliseconds / 1e3;
  if (seconds < 120) {
    (void)snprintf(buffer, size, "%.0f s", seconds);
  } else if (seconds < 7200) {
    (void)snprintf(buffer, size, "%.0f min", seconds / 60);
  } else if (seconds < 172800) {
    (void)snprintf(buffer, size, "%.1f h", seconds / 3600);
  } else {
    (void)snprintf(buffer, size, "%.1f days", seconds / 86400);
  }
  return buffer;
}

const char *ps_show_size(char *buffer, size_t size, uint64_t bytes) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = (double)bytes / 1024;
  size_t unit = 0;
  if (bytes < 1024) {
    (void)snprintf(buffer, size, "%llu bytes", (unsigned long long)bytes);
    return buffer;
  }
  while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
    value /= 1024;
    unit++;
  }
  (void)snprintf(buffer, size, "%.1f %s", value, units[unit]);
  return buffer;
}

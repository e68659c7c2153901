/* SPDX-License-Identifier: MIT */
#include "probe/tcmd.h"

#include <jansson.h>
#include <penstock/sdk.h>

/* The project name that clients use for a probe: no solver has such a project, so nothing is loaded. */
#define PROBE_TEXT "--name __probe__"

static const char legacy_request[] = "TCMD" PROBE_TEXT;
/* "TCMD", the length of the text as a big-endian u32, the text. */
static const char request[] = "TCMD\0\0\0\x10" PROBE_TEXT;
_Static_assert(sizeof(PROBE_TEXT) - 1 == 0x10, "the length prefix must be the length of the text");

const void *ps_tcmd_request(int legacy, size_t *size) {
  if (legacy) {
    *size = sizeof(legacy_request) - 1;
    return legacy_request;
  }
  *size = sizeof(request) - 1;
  return request;
}

/* Control characters of ASCII, and those of Latin-1 (U+0080..U+009F), which some terminals obey too. */
static int has_control(const char *text) {
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if (*at < 0x20 || *at == 0x7F || (*at == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F)) {
      return 1;
    }
  }
  return 0;
}

ps_tcmd_verdict ps_tcmd_judge(const char *answer, size_t size, char *version, size_t version_size) {
  ps_tcmd_verdict verdict = PS_TCMD_NOT_SOLVER;
  if (version_size > 0) {
    version[0] = '\0';
  }
  if (size == 0 || size > PS_TCMD_MAX_ANSWER) {
    return verdict;
  }
  json_t *root = json_loadb(answer, size, 0, NULL);
  const char *found = json_string_value(json_object_get(root, "protocol_version"));
  if (found && found[0] && !has_control(found)) {
    verdict = PS_TCMD_SOLVER;
    if (version_size > 0) {
      (void)snprintf(version, version_size, "%s", found);
      penstock_utf8_trim(version, version_size);
    }
  }
  json_decref(root);
  return verdict;
}

/* SPDX-License-Identifier: MIT */
#include "probe/tcmd.h"

#include <jansson.h>
#include <penstock/sdk.h>
#include <string.h>

/* What is kept of an answer. */
#define MEMBERS_MOST 40
#define KEY_MOST     64
#define TEXT_MOST    256
#define LIST_MOST    1024

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

void ps_tcmd_question(ps_text *text, const char *name, int legacy) {
  static const char key[] = "--name ";
  size_t size = sizeof(key) - 1 + strlen(name);
  const char length[] = {(char)(size >> 24 & 0xFF), (char)(size >> 16 & 0xFF), (char)(size >> 8 & 0xFF),
                         (char)(size & 0xFF)};
  ps_text_adds(text, "TCMD");
  if (!legacy) {
    ps_text_add(text, length, sizeof(length));
  }
  ps_text_adds(text, key);
  ps_text_adds(text, name);
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

/* A word with "--" before it would be the next key. */
int ps_tcmd_name_fits(const char *name) {
  size_t size = strlen(name);
  return size > 0 && size <= PS_TCMD_NAME_MAX && name[0] != '-' && name[0] != ' ' && name[size - 1] != ' ' &&
         !strstr(name, " --") && !has_control(name);
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

static int is_worth_keeping(const char *key, const json_t *value) {
  const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY;
  return strlen(key) <= KEY_MOST && (json_is_string(value) ? json_string_length(value) <= TEXT_MOST
                                                           : json_dumpb(value, NULL, 0, flags) <= LIST_MOST);
}

void ps_tcmd_said(const char *answer, size_t answer_size, char *said, size_t size) {
  const char *key;
  json_t *value;
  const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII;
  json_t *root = answer_size <= PS_TCMD_MAX_ANSWER ? json_loadb(answer, answer_size, 0, NULL) : NULL;
  json_t *kept = json_object();
  json_object_foreach(root, key, value) {
    if (json_object_size(kept) < MEMBERS_MOST && is_worth_keeping(key, value)) {
      (void)json_object_set(kept, key, value);
      if (json_dumpb(kept, NULL, 0, flags) >= size) {
        (void)json_object_del(kept, key);
      }
    }
  }
  size_t used = json_is_object(root) ? json_dumpb(kept, said, size, flags) : 0;
  said[used < size ? used : 0] = '\0';
  json_decref(kept);
  json_decref(root);
}

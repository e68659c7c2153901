/* SPDX-License-Identifier: MIT */
#include "host/secret.h"

#include <stdlib.h>

#include "base/advice.h"
#include "config/reference.h"
#include "host/prompt.h"
#include "host/secret_source.h"

static int32_t fail(penstock_error *error, const char *what, const char *next) {
  penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s", what);
  penstock_next(error, "%s", next);
  return PENSTOCK_E_FAILED;
}

int32_t ps_secret_take(const char *bytes, size_t size, char *secret, size_t secret_size, const char *source,
                       const char *name, penstock_error *error) {
  if (size > 0 && bytes[size - 1] == '\n') {
    size--;
    if (size > 0 && bytes[size - 1] == '\r') {
      size--;
    }
  }
  const char *wrong = size == 0                   ? "is empty"
                      : size >= secret_size       ? "is longer than a secret can be here"
                      : memchr(bytes, '\0', size) ? "holds a zero byte, so it is no text"
                                                  : NULL;
  if (wrong) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "the secret from %s%s%s%s %s", source,
                  name ? " '" : "", name ? name : "", name ? "'" : "", wrong);
    penstock_next(error, "check what the reference in the profile names");
    return PENSTOCK_E_FAILED;
  }
  memcpy(secret, bytes, size);
  secret[size] = '\0';
  return PENSTOCK_OK;
}

static int32_t from_environment(const char *name, char *secret, size_t secret_size, penstock_error *error) {
  const char *value = getenv(name);
  if (!value) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "the environment variable '%s' is not set", name);
    penstock_next(error, "set it for the gateway, or use another kind of reference (file:, command:, prompt)");
    return PENSTOCK_E_NOT_FOUND;
  }
  return ps_secret_take(value, strlen(value), secret, secret_size, "the environment variable", name, error);
}

static int32_t from_user(const char *scope, const char *reference, const char *text, char *secret, size_t secret_size,
                         penstock_error *error) {
  char key[512];
  int length = snprintf(key, sizeof(key), "%s\n%s", scope, reference);
  /* Two settings that both say `prompt` are two secrets: neither may be given for the other. */
  int kept = text[0] && length > 0 && (size_t)length < sizeof(key);
  int32_t result = ps_prompt(PENSTOCK_PROMPT_SECRET, kept ? key : NULL,
                             text[0] ? text : "Secret for this profile:", secret, secret_size);
  switch (result) {
  case PENSTOCK_OK:
    break;
  case PENSTOCK_E_CANCELLED:
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED, "the question for a secret was not answered");
    break;
  case PENSTOCK_E_UNSUPPORTED:
    fail(error, "the profile asks for a secret, and there is nobody to ask: no terminal", ps_advice_ask);
    break;
  case PENSTOCK_E_LIMIT:
    fail(error, "the answer is longer than a secret can be here", "check what was pasted");
    break;
  default:
    fail(error, "the question for a secret could not be asked", "see the log; or use env:, file: or command:");
    break;
  }
  return result;
}

int32_t ps_secret_get_for(const char *scope, const char *reference, char *secret, size_t secret_size,
                          penstock_error *error) {
  const char *rest = NULL;
  if (!reference || !secret || secret_size == 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "a secret was asked for without a reference");
    return PENSTOCK_E_INVALID;
  }
  secret[0] = '\0';
  switch (ps_reference_parse(reference, &rest)) {
  case PS_REFERENCE_PROMPT:
    return from_user(scope, reference, rest, secret, secret_size, error);
  case PS_REFERENCE_ENV:
    return from_environment(rest, secret, secret_size, error);
  case PS_REFERENCE_FILE:
    return ps_secret_from_file(rest, secret, secret_size, error);
  case PS_REFERENCE_COMMAND:
    return ps_secret_from_command(rest, secret, secret_size, error);
  case PS_REFERENCE_NONE:
    break;
  }
  /* It is most likely the secret itself, so it is not repeated. */
  return fail(error, "the value is not a reference to a secret; a secret itself is not taken from a profile",
              "write env:NAME, file:PATH, command:CMD or prompt");
}

int32_t ps_secret_get(const char *reference, char *secret, size_t secret_size, penstock_error *error) {
  return ps_secret_get_for("", reference, secret, secret_size, error);
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_tokens.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { NAME_MAX_SIZE = 256, HASH_HEX_SIZE = 2 * EVP_MAX_MD_SIZE + 1 };

/* A text that grows. */
typedef struct text {
  char *data;
  size_t size;
} text;

static int append(text *to, const char *data, size_t size) {
  char *grown = realloc(to->data, to->size + size + 1);
  if (!grown) {
    return PENSTOCK_E_FAILED;
  }
  memcpy(grown + to->size, data, size);
  to->data = grown;
  to->size += size;
  grown[to->size] = '\0';
  return 0;
}

/* %C: a short name for this connection. Not secret: SHA-1 is what ssh takes, so that file names are the same. */
static int hash(const ssh_tokens *tokens, const char *port, char hex[HASH_HEX_SIZE]) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const char *parts[] = {tokens->local->machine, tokens->host, port, tokens->user, tokens->jump ? tokens->jump : ""};
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int good = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL);
  for (size_t i = 0; good && i < sizeof(parts) / sizeof(parts[0]); i++) {
    good = EVP_DigestUpdate(context, parts[i], strlen(parts[i]));
  }
  good = good && EVP_DigestFinal_ex(context, digest, &size);
  EVP_MD_CTX_free(context);
  for (unsigned i = 0; good && i < size; i++) {
    (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
  }
  return good ? 0 : PENSTOCK_E_FAILED;
}

static int append_token(text *to, const ssh_tokens *tokens, char token) {
  char port[8];
  char hex[HASH_HEX_SIZE] = "";
  const char *value = "";
  size_t size = SIZE_MAX;
  (void)snprintf(port, sizeof(port), "%u", (unsigned)tokens->port);
  switch (token) {
  case 'C':
    if (hash(tokens, port, hex)) {
      return PENSTOCK_E_FAILED;
    }
    value = hex;
    break;
  case 'L': /* without the domain */
    value = tokens->local->machine;
    size = strcspn(value, ".");
    break;
  case 'd':
    value = tokens->local->home;
    break;
  case 'h':
    value = tokens->host;
    break;
  case 'i':
    value = tokens->local->id;
    break;
  case 'j':
    value = tokens->jump ? tokens->jump : "";
    break;
  case 'k':
    value = tokens->key_alias ? tokens->key_alias : tokens->alias;
    break;
  case 'l':
    value = tokens->local->machine;
    break;
  case 'n':
    value = tokens->alias;
    break;
  case 'p':
    value = port;
    break;
  case 'r':
    value = tokens->user;
    break;
  default: /* 'u' */
    value = tokens->local->user;
    break;
  }
  return append(to, value, size == SIZE_MAX ? strlen(value) : size);
}

/* `${NAME}`; *at stands on the dollar, and is moved to the brace. Returns 0, or a negative code with `error`. */
static int append_variable(text *to, const char **at, const char *whole, penstock_error *error) {
  char name[NAME_MAX_SIZE];
  const char *start = *at + 2;
  const char *end = strchr(start, '}');
  if (!end || end == start || (size_t)(end - start) >= sizeof(name)) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                         "%s: after ${ comes the name of an environment variable, and }", whole);
  }
  (void)snprintf(name, sizeof(name), "%.*s", (int)(end - start), start);
  const char *value = getenv(name);
  if (!value) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%s: the environment variable %s is not set",
                        whole, name);
    penstock_next(error, "Set %s where penstock is started, or write the value itself", name);
    return PENSTOCK_E_FAILED;
  }
  *at = end;
  if (append(to, value, strlen(value))) {
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  return 0;
}

char *ssh_tokens_expand(const ssh_tokens *tokens, const char *whole, const char *allowed, int with_environment,
                        penstock_error *error) {
  text result = {0};
  int failed = append(&result, "", 0);
  for (const char *at = whole; *at && !failed; at++) {
    if (with_environment && at[0] == '$' && at[1] == '{') {
      if (append_variable(&result, &at, whole, error)) {
        goto out;
      }
    } else if (at[0] != '%') {
      failed = append(&result, at, 1);
    } else if (at[1] == '%') {
      failed = append(&result, ++at, 1);
    } else if (at[1] != '\0' && strchr(SSH_TOKENS_ALL, at[1]) && strchr(allowed, at[1])) {
      failed = append_token(&result, tokens, *++at);
    } else {
      (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                          "%s: the %% at character %zu is not followed by a token that may stand there", whole,
                          (size_t)(at - whole) + 1);
      penstock_next(error, "A percent sign itself is written %%%%; ssh_config(5), section TOKENS, has the others");
      goto out;
    }
  }
  if (!failed) {
    return result.data;
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
out:
  free(result.data);
  return NULL;
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/key_cert.h"

#include <stdlib.h>
#include <time.h>

#include "common/ssh/hostkey/key_blob.h"
#include "common/ssh/hostkey/known_hosts.h"

enum { TYPE_USER = 1, TYPE_HOST = 2 };

static const char suffix[] = "-cert-v01@openssh.com";

int key_cert_is_type(const char *type) {
  size_t length = strlen(type);
  return length > sizeof(suffix) - 1 && strcmp(type + length - (sizeof(suffix) - 1), suffix) == 0;
}

/* The type of the certified key: a security key's has a domain of its own again. */
static void plain_type(const char *type, char *plain, size_t size) {
  (void)snprintf(plain, size, "%.*s%s", (int)(strlen(type) - (sizeof(suffix) - 1)), type,
                 key_blob_is_fido(type) ? "@openssh.com" : "");
}

static void copy_printable(char *text, size_t size, const uint8_t *bytes, size_t length) {
  length = length < size - 1 ? length : size - 1;
  for (size_t i = 0; i < length; i++) {
    text[i] = (char)(bytes[i] < ' ' || bytes[i] == 0x7F ? '?' : bytes[i]);
  }
  text[length] = '\0';
  penstock_utf8_trim(text, size);
}

/* Puts the key together again: its type, and its fields as they stand in the certificate. */
static int copy_plain(key_cert *cert, const uint8_t *fields, size_t fields_size) {
  char type[64];
  plain_type(cert->type, type, sizeof(type));
  size_t length = strlen(type);
  cert->plain_size = 4 + length + fields_size;
  cert->plain = malloc(cert->plain_size);
  if (!cert->plain) {
    return PENSTOCK_E_NOMEM;
  }
  const uint8_t header[4] = {0, 0, 0, (uint8_t)length};
  memcpy(cert->plain, header, sizeof(header));
  memcpy(cert->plain + 4, type, length);
  memcpy(cert->plain + 4 + length, fields, fields_size);
  return 0;
}

static int parse(key_cert *cert) {
  const uint8_t *cursor = cert->blob;
  const uint8_t *end = cursor + cert->blob_size;
  const uint8_t *bytes;
  size_t size;
  uint64_t serial;
  uint32_t kind;
  char type[64];
  if (known_hosts_blob_type(cert->blob, cert->blob_size, cert->type, sizeof(cert->type)) ||
      !key_cert_is_type(cert->type) || key_blob_take(&cursor, end, &bytes, &size) ||
      key_blob_take(&cursor, end, &bytes, &size)) { /* the type, and a nonce */
    return PENSTOCK_E_INVALID;
  }
  plain_type(cert->type, type, sizeof(type));
  unsigned fields = key_blob_fields(type);
  const uint8_t *start = cursor;
  for (unsigned i = 0; i < fields; i++) {
    if (key_blob_take(&cursor, end, &bytes, &size)) {
      return PENSTOCK_E_INVALID;
    }
  }
  if (fields == 0 || copy_plain(cert, start, (size_t)(cursor - start)) || key_blob_take_u64(&cursor, end, &serial) ||
      key_blob_take_u32(&cursor, end, &kind) || key_blob_take(&cursor, end, &bytes, &size)) {
    return PENSTOCK_E_INVALID;
  }
  cert->is_host = kind == TYPE_HOST;
  copy_printable(cert->id, sizeof(cert->id), bytes, size);
  return (kind == TYPE_USER || kind == TYPE_HOST) &&
                 !key_blob_take(&cursor, end, &cert->principals, &cert->principals_size) &&
                 !key_blob_take_u64(&cursor, end, &cert->valid_after) &&
                 !key_blob_take_u64(&cursor, end, &cert->valid_before)
             ? 0
             : PENSTOCK_E_INVALID;
}

int key_cert_parse(key_cert *cert, const uint8_t *blob, size_t blob_size) {
  memset(cert, 0, sizeof(*cert));
  cert->blob = blob_size > 0 && blob_size <= 1 << 20 ? malloc(blob_size) : NULL;
  if (!cert->blob) {
    return PENSTOCK_E_INVALID;
  }
  memcpy(cert->blob, blob, blob_size);
  cert->blob_size = blob_size;
  int result = parse(cert);
  if (result) {
    key_cert_clear(cert);
  }
  return result;
}

void key_cert_clear(key_cert *cert) {
  free(cert->blob);
  free(cert->plain);
  memset(cert, 0, sizeof(*cert));
}

/* --- what speaks against it ------------------------------------------------------------------------ */

/* Lists the principals in `list`. Is `user` one of them? A certificate without any is good for nobody, to sshd. */
static int names_user(const key_cert *cert, const char *user, char *list, size_t size) {
  const uint8_t *cursor = cert->principals;
  const uint8_t *end = cursor + cert->principals_size;
  const uint8_t *bytes;
  size_t length;
  size_t used = 0;
  int found = 0;
  list[0] = '\0';
  while (!key_blob_take(&cursor, end, &bytes, &length)) {
    char name[64];
    found |= strlen(user) == length && memcmp(user, bytes, length) == 0;
    copy_printable(name, sizeof(name), bytes, length);
    if (used < size) {
      used += (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
    }
  }
  penstock_utf8_trim(list, size);
  return found;
}

static const char *day(uint64_t seconds, char *text, size_t size) {
  struct tm parts;
  time_t when = (time_t)seconds;
  if (!gmtime_r(&when, &parts) || strftime(text, size, "%Y-%m-%d %H:%M UTC", &parts) == 0) {
    (void)snprintf(text, size, "a time out of range");
  }
  return text;
}

int key_cert_complain(const key_cert *cert, const char *user, uint64_t now, char *text, size_t size) {
  char date[64];
  char list[256];
  text[0] = '\0';
  if (cert->is_host) {
    (void)snprintf(text, size, "it is a host's certificate, not a user's");
  } else if (now >= cert->valid_before) {
    (void)snprintf(text, size, "it expired on %s", day(cert->valid_before, date, sizeof(date)));
  } else if (now < cert->valid_after) {
    (void)snprintf(text, size, "it is not valid before %s", day(cert->valid_after, date, sizeof(date)));
  } else if (!names_user(cert, user, list, sizeof(list))) {
    (void)snprintf(text, size, "it is for %s, not for %s", list[0] ? list : "nobody", user);
  }
  return text[0] != '\0';
}

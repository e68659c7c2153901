/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/ssh_identities.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/ssh/hostkey/key_blob.h"

enum { LISTING_MS = 5000 /* an agent answers at once, or it hangs */ };

void ssh_identities_note(ssh_identities *list, const char *format, ...) {
  size_t used = strlen(list->notes);
  va_list arguments;
  if (used + 2 >= sizeof(list->notes)) {
    return;
  }
  if (used > 0) {
    list->notes[used++] = '\n';
  }
  va_start(arguments, format);
  (void)vsnprintf(list->notes + used, sizeof(list->notes) - used, format, arguments);
  va_end(arguments);
  penstock_utf8_trim(list->notes, sizeof(list->notes));
}

static int same(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size) {
  return one && other && one_size == other_size && memcmp(one, other, one_size) == 0;
}

/* --- what there is --------------------------------------------------------------------------------- */

/* Adds a certificate that was read. */
static void add_cert(ssh_identities *list, const key_cert *cert, const char *path, key_file *file) {
  list->certs[list->cert_count++] = (ssh_certificate){.cert = *cert, .path = path, .file = file};
}

static void read_named_certs(ssh_identities *list, const ssh_settings *settings, const penstock_host *host) {
  for (size_t i = 0; i < settings->certificates.count; i++) {
    const char *path = settings->certificates.items[i];
    key_cert cert;
    char why[200];
    if (key_file_read_cert(&cert, path, why, sizeof(why)) == 0) {
      add_cert(list, &cert, path, NULL);
    } else {
      ssh_identities_note(list, "certificate file %s: %s", path, why);
      penstock_logf(host, PENSTOCK_LOG_WARN, "certificate file %s: %s", path, why);
    }
  }
}

/* KEY-cert.pub, which ssh looks for only if no CertificateFile is named. */
static void read_certs_beside(ssh_identities *list) {
  for (size_t i = 0; i < list->file_count; i++) {
    key_file *file = &list->files[i];
    char path[4096];
    char why[200];
    key_cert cert;
    int length = snprintf(path, sizeof(path), "%s-cert.pub", file->path);
    if ((size_t)length >= sizeof(path) || access(path, F_OK) != 0) {
      continue;
    }
    if (key_file_read_cert(&cert, path, why, sizeof(why)) == 0) {
      add_cert(list, &cert, NULL, file);
    } else {
      ssh_identities_note(list, "certificate file %s: %s", path, why);
    }
  }
}

static void read_agent_certs(ssh_identities *list) {
  const key_agent_key *key;
  for (size_t i = 0; list->agent && (key = key_agent_get(list->agent, i)); i++) {
    key_cert cert;
    int is_known = 0;
    for (size_t j = 0; j < list->cert_count; j++) {
      is_known |= same(list->certs[j].cert.blob, list->certs[j].cert.blob_size, key->blob, key->blob_size);
    }
    if (!is_known && key_cert_is_type(key->type) && key_cert_parse(&cert, key->blob, key->blob_size) == 0) {
      add_cert(list, &cert, NULL, NULL);
    }
  }
}

static void open_agent(ssh_identities *list, const ssh_settings *settings, const penstock_host *host,
                       uint64_t deadline_ms) {
  char why[700];
  int is_absent = 0;
  uint64_t listing_ms = deadline_ms / 2 < LISTING_MS ? deadline_ms / 2 : LISTING_MS;
  if (!settings->agent_socket) {
    return;
  }
  list->agent = key_agent_open(settings->agent_socket, listing_ms, deadline_ms, &is_absent, why, sizeof(why));
  if (!list->agent && is_absent) {
    ssh_identities_note(list, "no agent runs here: %s", why);
  } else if (!list->agent) {
    ssh_identities_note(list, "the agent cannot be used: %s", why);
    penstock_logf(host, PENSTOCK_LOG_WARN, "the agent cannot be used: %s", why);
  } else if (!key_agent_get(list->agent, 0)) {
    ssh_identities_note(list, "%s shows no key: none is loaded, or it is locked", key_agent_name(list->agent));
  }
}

/* --- the order ------------------------------------------------------------------------------------- */

/* The agent's key with this blob; SIZE_MAX if it has none. */
static size_t find_in_agent(const ssh_identities *list, const uint8_t *blob, size_t blob_size) {
  const key_agent_key *key;
  for (size_t i = 0; list->agent && (key = key_agent_get(list->agent, i)); i++) {
    if (same(key->blob, key->blob_size, blob, blob_size)) {
      return i;
    }
  }
  return SIZE_MAX;
}

/* Adds what is not there yet. */
static void add(ssh_identities *list, ssh_identity identity) {
  const char *path = identity.file ? identity.file->path : NULL;
  for (size_t i = 0; i < list->count; i++) {
    if (same(list->items[i].blob, list->items[i].blob_size, identity.blob, identity.blob_size)) {
      return;
    }
  }
  if (identity.agent_key == SIZE_MAX) {
    (void)snprintf(identity.source, sizeof(identity.source), "%s", path);
  } else {
    (void)snprintf(identity.source, sizeof(identity.source), "agent, %s",
                   key_agent_get(list->agent, identity.agent_key)->comment);
  }
  list->items[list->count++] = identity;
}

/* Who signs for a certificate: the agent, with the certificate itself or its key; else the key's file. */
static int add_certified(ssh_identities *list, const ssh_certificate *certificate) {
  const key_cert *cert = &certificate->cert;
  ssh_identity identity = {.blob = cert->blob, .blob_size = cert->blob_size, .cert = cert, .agent_key = SIZE_MAX};
  identity.file = certificate->file;
  identity.agent_key = find_in_agent(list, cert->blob, cert->blob_size);
  if (identity.agent_key == SIZE_MAX) {
    identity.agent_key = find_in_agent(list, cert->plain, cert->plain_size);
  }
  for (size_t i = 0; i < list->file_count && !identity.file; i++) {
    key_file *file = &list->files[i];
    if (same(file->blob, file->blob_size, cert->plain, cert->plain_size)) {
      identity.file = file;
    }
  }
  if (identity.agent_key == SIZE_MAX && !(identity.file && identity.file->is_usable)) {
    return 0;
  }
  add(list, identity);
  return 1;
}

/* Certificates of a key. `in_agent`: those that the agent signs for, or those that the file does. */
static void add_certs_of(ssh_identities *list, const key_file *file, int in_agent) {
  for (size_t i = 0; i < list->cert_count; i++) {
    const ssh_certificate *each = &list->certs[i];
    int is_of_file = each->file == file || same(file->blob, file->blob_size, each->cert.plain, each->cert.plain_size);
    int has_agent = find_in_agent(list, each->cert.blob, each->cert.blob_size) != SIZE_MAX ||
                    find_in_agent(list, each->cert.plain, each->cert.plain_size) != SIZE_MAX;
    if (is_of_file && has_agent == in_agent) {
      (void)add_certified(list, each);
    }
  }
}

static void order(ssh_identities *list, const ssh_settings *settings) {
  const key_agent_key *key;
  for (size_t i = 0; i < list->cert_count; i++) {
    if (list->certs[i].path && !add_certified(list, &list->certs[i])) {
      ssh_identities_note(list, "certificate file %s: its private key is neither in `key` nor in the agent",
                          list->certs[i].path);
    }
  }
  for (size_t i = 0; i < list->file_count; i++) {
    key_file *file = &list->files[i];
    size_t index = find_in_agent(list, file->blob, file->blob_size);
    if (index != SIZE_MAX) {
      add(list, (ssh_identity){.blob = file->blob, .blob_size = file->blob_size, .file = file, .agent_key = index});
    }
    add_certs_of(list, file, 1);
  }
  for (size_t i = 0; list->agent && !settings->identities_only && (key = key_agent_get(list->agent, i)); i++) {
    if (!key_cert_is_type(key->type)) {
      add(list, (ssh_identity){.blob = key->blob, .blob_size = key->blob_size, .agent_key = i});
    }
    for (size_t j = 0; j < list->cert_count; j++) {
      if (same(list->certs[j].cert.blob, list->certs[j].cert.blob_size, key->blob, key->blob_size)) {
        (void)add_certified(list, &list->certs[j]);
      }
    }
  }
  for (size_t i = 0; i < list->file_count; i++) {
    key_file *file = &list->files[i];
    if (file->is_usable) {
      add(list, (ssh_identity){.blob = file->blob, .blob_size = file->blob_size, .file = file, .agent_key = SIZE_MAX});
      add_certs_of(list, file, 0);
    }
  }
}

/* What the user named and cannot be used, once it is known that the agent has not got it either. */
static void note_bad_files(ssh_identities *list, const ssh_settings *settings, const penstock_host *host) {
  for (size_t i = 0; i < list->file_count; i++) {
    key_file *file = &list->files[i];
    int is_listed = file->is_usable || (file->is_missing && settings->keys_are_default);
    for (size_t j = 0; j < list->count; j++) {
      is_listed |= list->items[j].file == file;
    }
    if (!is_listed) {
      int is_quiet = settings->keys_are_default && key_blob_is_fido(file->type);
      ssh_identities_note(list, "key file %s %s", file->path, file->problem);
      penstock_logf(host, is_quiet ? PENSTOCK_LOG_DEBUG : PENSTOCK_LOG_WARN, "key file %s %s%s%s", file->path,
                    file->problem, file->remedy[0] ? "; " : "", file->remedy);
      list->bad_file = list->bad_file || settings->keys_are_default ? list->bad_file : file;
    }
  }
}

/* --- the list -------------------------------------------------------------------------------------- */

static size_t agent_count(const ssh_identities *list) {
  size_t count = 0;
  while (list->agent && key_agent_get(list->agent, count)) {
    count++;
  }
  return count;
}

int ssh_identities_load(ssh_identities *list, const ssh_settings *settings, const penstock_host *host,
                        uint64_t deadline_ms) {
  memset(list, 0, sizeof(*list));
  open_agent(list, settings, host, deadline_ms);
  size_t keys = settings->keys.count + agent_count(list);
  size_t certs = settings->certificates.count + keys;
  list->files = calloc(settings->keys.count + 1, sizeof(*list->files));
  list->certs = calloc(certs + 1, sizeof(*list->certs));
  list->items = calloc(keys + certs + 1, sizeof(*list->items));
  if (!list->files || !list->certs || !list->items) {
    ssh_identities_clear(list);
    return PENSTOCK_E_NOMEM;
  }
  for (size_t i = 0; i < settings->keys.count; i++) {
    key_file_look(&list->files[list->file_count++], settings->keys.items[i]);
  }
  read_named_certs(list, settings, host);
  if (settings->certificates.count == 0) {
    read_certs_beside(list);
  }
  read_agent_certs(list);
  order(list, settings);
  note_bad_files(list, settings, host);
  return 0;
}

void ssh_identities_clear(ssh_identities *list) {
  key_agent_close(list->agent);
  for (size_t i = 0; i < list->file_count; i++) {
    key_file_clear(&list->files[i]);
  }
  for (size_t i = 0; i < list->cert_count; i++) {
    key_cert_clear(&list->certs[i].cert);
  }
  free(list->files);
  free(list->certs);
  free(list->items);
  memset(list, 0, sizeof(*list));
}

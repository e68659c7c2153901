/* SPDX-License-Identifier: MIT */
#include "common/ssh/hostkey/known_hosts.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SSH_PORT = 22, SHA1_SIZE = 20 };

/* --- names and keys as text ------------------------------------------------------------------------ */

void known_hosts_name(const char *host, uint16_t port, char *name, size_t size) {
  (void)snprintf(name, size, port == SSH_PORT ? "%s" : "[%s]:%u", host, (unsigned)port);
  for (char *c = name; *c; c++) {
    *c = (char)tolower((unsigned char)*c);
  }
}

void known_hosts_fingerprint(const uint8_t *blob, size_t blob_size, char text[KNOWN_HOSTS_FINGERPRINT_SIZE]) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  uint8_t encoded[4 * EVP_MAX_MD_SIZE / 3 + 4];
  if (EVP_Digest(blob, blob_size, digest, &digest_size, EVP_sha256(), NULL) != 1) {
    digest_size = 0;
  }
  int length = EVP_EncodeBlock(encoded, digest, (int)digest_size);
  while (length > 0 && encoded[length - 1] == '=') {
    length--;
  }
  (void)snprintf(text, KNOWN_HOSTS_FINGERPRINT_SIZE, "SHA256:%.*s", length, (const char *)encoded);
}

int known_hosts_blob_type(const uint8_t *blob, size_t blob_size, char *type, size_t size) {
  if (blob_size < 4) {
    return PENSTOCK_E_INVALID;
  }
  size_t length = (size_t)blob[0] << 24 | (size_t)blob[1] << 16 | (size_t)blob[2] << 8 | blob[3];
  if (length == 0 || length > blob_size - 4 || length >= size) {
    return PENSTOCK_E_INVALID;
  }
  memcpy(type, blob + 4, length);
  type[length] = '\0';
  return strlen(type) == length ? 0 : PENSTOCK_E_INVALID;
}

uint8_t *known_hosts_decode(const char *text, size_t length, size_t *size) {
  if (length == 0 || length % 4 != 0 || length > 1 << 20) {
    return NULL;
  }
  uint8_t *bytes = malloc(length);
  if (!bytes) {
    return NULL;
  }
  int decoded = EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)length);
  size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
  if (decoded < 0 || (size_t)decoded < padding) {
    free(bytes);
    return NULL;
  }
  *size = (size_t)decoded - padding;
  return bytes;
}

/* --- the names of a line --------------------------------------------------------------------------- */

/* `*` and `?` against a name that is already in lower case. Iterative: a hostile file cannot make it slow. */
static int pattern_matches(const char *pattern, size_t length, const char *name) {
  size_t at = 0;
  size_t star = SIZE_MAX;
  const char *retry = NULL;
  while (*name) {
    if (at < length && pattern[at] == '*') {
      star = at++;
      retry = name;
    } else if (at < length && (pattern[at] == '?' || tolower((unsigned char)pattern[at]) == *name)) {
      at++;
      name++;
    } else if (star != SIZE_MAX) {
      at = star + 1;
      name = ++retry;
    } else {
      return 0;
    }
  }
  while (at < length && pattern[at] == '*') {
    at++;
  }
  return at == length;
}

/* `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt. */
static int hash_matches(const char *field, size_t length, const char *name) {
  static const char prefix[] = "|1|";
  size_t prefix_size = sizeof(prefix) - 1;
  if (length < prefix_size || memcmp(field, prefix, prefix_size) != 0) {
    return 0;
  }
  const char *salt_text = field + prefix_size;
  const char *bar = memchr(salt_text, '|', length - prefix_size);
  if (!bar) {
    return 0;
  }
  size_t salt_size = 0;
  size_t hash_size = 0;
  uint8_t *salt = known_hosts_decode(salt_text, (size_t)(bar - salt_text), &salt_size);
  uint8_t *hash = known_hosts_decode(bar + 1, (size_t)(field + length - bar - 1), &hash_size);
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  int matches = salt && hash && hash_size == SHA1_SIZE &&
                HMAC(EVP_sha1(), salt, (int)salt_size, (const uint8_t *)name, strlen(name), digest, &digest_size) &&
                digest_size == SHA1_SIZE && memcmp(hash, digest, SHA1_SIZE) == 0;
  free(salt);
  free(hash);
  return matches;
}

/* Do the comma-separated patterns name the host? One that is negated and matches rules the line out. */
static int names_match(const char *field, size_t length, const char *name) {
  if (length > 0 && field[0] == '|') {
    return hash_matches(field, length, name);
  }
  int found = 0;
  for (size_t at = 0; at < length;) {
    const char *comma = memchr(field + at, ',', length - at);
    size_t end = comma ? (size_t)(comma - field) : length;
    int negated = field[at] == '!';
    size_t start = at + (size_t)negated;
    if (end > start && pattern_matches(field + start, end - start, name)) {
      if (negated) {
        return 0;
      }
      found = 1;
    }
    at = end + 1;
  }
  return found;
}

/* --- reading --------------------------------------------------------------------------------------- */

/* Steps over blanks, then over a word; returns its length (0 at the end of the line). */
static size_t next_word(const char **cursor, const char **word) {
  *word = *cursor + strspn(*cursor, " \t");
  size_t length = strcspn(*word, " \t\r\n");
  *cursor = *word + length;
  return length;
}

static int word_is(const char *word, size_t length, const char *text) {
  return strlen(text) == length && memcmp(word, text, length) == 0;
}

/* Fills in an entry from the key's words. Returns 0 if the line holds no key that can be read. */
static int read_key(const char *cursor, known_hosts_entry *entry) {
  const char *type;
  const char *key;
  char blob_type[sizeof(entry->type)];
  size_t type_length = next_word(&cursor, &type);
  size_t key_length = next_word(&cursor, &key);
  if (type_length == 0 || type_length >= sizeof(entry->type)) {
    return 0;
  }
  memcpy(entry->type, type, type_length);
  entry->type[type_length] = '\0';
  entry->blob = known_hosts_decode(key, key_length, &entry->blob_size);
  if (!entry->blob) {
    return 0;
  }
  if (known_hosts_blob_type(entry->blob, entry->blob_size, blob_type, sizeof(blob_type)) ||
      strcmp(blob_type, entry->type) != 0) {
    free(entry->blob);
    return 0;
  }
  known_hosts_fingerprint(entry->blob, entry->blob_size, entry->fingerprint);
  return 1;
}

/* Reads one line. Returns 1 if it names the host and holds a key, 0 if not. */
static int read_line(const char *line, const char *name, const char *bare_name, known_hosts_entry *entry) {
  const char *cursor = line;
  const char *word;
  size_t length = next_word(&cursor, &word);
  if (length == 0 || word[0] == '#') {
    return 0;
  }
  if (word[0] == '@') {
    if (word_is(word, length, "@revoked")) {
      entry->marker = KNOWN_HOSTS_REVOKED;
    } else if (word_is(word, length, "@cert-authority")) {
      entry->marker = KNOWN_HOSTS_CERT_AUTHORITY;
    } else {
      return 0;
    }
    length = next_word(&cursor, &word);
  }
  if (!names_match(word, length, name)) {
    if (!bare_name || !names_match(word, length, bare_name)) {
      return 0;
    }
    entry->without_port = 1;
  }
  return read_key(cursor, entry);
}

/* A cleared place after the entries; NULL if out of memory. */
static known_hosts_entry *next_entry(known_hosts *known) {
  known_hosts_entry *grown = realloc(known->entries, (known->count + 1) * sizeof(*grown));
  if (!grown) {
    return NULL;
  }
  known->entries = grown;
  memset(&grown[known->count], 0, sizeof(*grown));
  return &grown[known->count];
}

static int load_file(known_hosts *known, const char *file, const char *bare_name, penstock_error *error) {
  FILE *stream = fopen(file, "re");
  if (!stream) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return 0;
    }
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG, "cannot read %s: %s", file,
                        strerror(errno));
    penstock_next(error, "Make the file readable for this user: host keys are checked against it");
    return PENSTOCK_E_FAILED;
  }
  char *line = NULL;
  size_t room = 0;
  int result = known_hosts_judge(stream, file, error);
  unsigned number = 0;
  while (!result && getline(&line, &room, stream) >= 0) {
    known_hosts_entry *entry = next_entry(known);
    if (!entry) {
      result = penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_INTERNAL, "out of memory");
      break;
    }
    entry->file = file;
    entry->line = ++number;
    known->count += (size_t)read_line(line, known->name, bare_name, entry);
  }
  if (!result && ferror(stream)) {
    result =
        penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG, "cannot read %s: %s", file, strerror(errno));
    penstock_next(error, "Mend its owner or mode, or name another file with `known_hosts`");
  }
  free(line);
  (void)fclose(stream);
  return result;
}

int known_hosts_load(known_hosts *known, const char *const *files, const char *host, uint16_t port,
                     penstock_error *error) {
  char bare_name[KNOWN_HOSTS_NAME_SIZE];
  memset(known, 0, sizeof(*known));
  known_hosts_name(host, port, known->name, sizeof(known->name));
  known_hosts_name(host, SSH_PORT, bare_name, sizeof(bare_name));
  for (size_t i = 0; files && files[i]; i++) {
    int result = load_file(known, files[i], port == SSH_PORT ? NULL : bare_name, error);
    if (result) {
      known_hosts_unload(known);
      return result;
    }
  }
  return 0;
}

void known_hosts_unload(known_hosts *known) {
  for (size_t i = 0; i < known->count; i++) {
    free(known->entries[i].blob);
  }
  free(known->entries);
  known->entries = NULL;
  known->count = 0;
}

/* --- judging --------------------------------------------------------------------------------------- */

known_hosts_verdict known_hosts_check(const known_hosts *known, const uint8_t *blob, size_t blob_size,
                                      const known_hosts_entry **entry) {
  char type[64] = "";
  const known_hosts_entry *same = NULL;
  const known_hosts_entry *other = NULL;
  const known_hosts_entry *revoked = NULL;
  (void)known_hosts_blob_type(blob, blob_size, type, sizeof(type));
  for (size_t i = 0; i < known->count; i++) {
    const known_hosts_entry *each = &known->entries[i];
    int is_same = each->blob_size == blob_size && memcmp(each->blob, blob, blob_size) == 0;
    if (each->marker == KNOWN_HOSTS_REVOKED) {
      revoked = is_same && !revoked ? each : revoked;
    } else if (each->marker == KNOWN_HOSTS_CERT_AUTHORITY) {
      continue;
    } else if (is_same) {
      /* A line for this very port is the better witness. */
      same = !same || (same->without_port && !each->without_port) ? each : same;
    } else if (!each->without_port) {
      other = !other || (strcmp(other->type, type) != 0 && strcmp(each->type, type) == 0) ? each : other;
    }
  }
  if (same && same->without_port && other) {
    same = NULL; /* this port has keys of its own */
  }
  const known_hosts_entry *decided = revoked ? revoked : same ? same : other;
  if (entry) {
    *entry = decided;
  }
  return revoked ? KNOWN_HOSTS_IS_REVOKED : same ? KNOWN_HOSTS_OK : other ? KNOWN_HOSTS_CHANGED : KNOWN_HOSTS_UNKNOWN;
}

static int is_revoked(const known_hosts *known, const known_hosts_entry *entry) {
  for (size_t i = 0; i < known->count; i++) {
    const known_hosts_entry *each = &known->entries[i];
    if (each->marker == KNOWN_HOSTS_REVOKED && each->blob_size == entry->blob_size &&
        memcmp(each->blob, entry->blob, entry->blob_size) == 0) {
      return 1;
    }
  }
  return 0;
}

int known_hosts_has_type(const known_hosts *known, const char *type) {
  int own = 0;
  int bare = 0;
  int any_own = 0;
  for (size_t i = 0; i < known->count; i++) {
    const known_hosts_entry *each = &known->entries[i];
    if (each->marker != KNOWN_HOSTS_PLAIN || is_revoked(known, each)) {
      continue;
    }
    int matches = strcmp(each->type, type) == 0;
    any_own |= !each->without_port;
    own |= matches && !each->without_port;
    bare |= matches && each->without_port;
  }
  return any_own ? own : bare;
}

const known_hosts_entry *known_hosts_authority(const known_hosts *known) {
  for (size_t i = 0; i < known->count; i++) {
    const known_hosts_entry *each = &known->entries[i];
    if (each->marker == KNOWN_HOSTS_CERT_AUTHORITY && !is_revoked(known, each)) {
      return each;
    }
  }
  return NULL;
}

/* --- writing --------------------------------------------------------------------------------------- */

/* Makes the folder of `file`, one level, as ssh makes ~/.ssh. */
static int make_folder(const char *file) {
  const char *slash = strrchr(file, '/');
  if (!slash || slash == file) {
    return 0;
  }
  char *folder = strndup(file, (size_t)(slash - file));
  if (!folder) {
    errno = ENOMEM;
    return -1;
  }
  int result = mkdir(folder, 0700) == 0 || errno == EEXIST ? 0 : -1;
  free(folder);
  return result;
}

/* Is the last byte something else than a newline? Then our line must not be glued to it. */
static int lacks_newline(int fd) {
  char last;
  off_t end = lseek(fd, 0, SEEK_END);
  return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

/* Replaces a name by `|1|salt|hash`. Returns 0, or a negative code. */
static int hash_name_in_place(char name[KNOWN_HOSTS_NAME_SIZE]) {
  uint8_t salt[SHA1_SIZE];
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  char salt_text[4 * (SHA1_SIZE / 3 + 1) + 1];
  char hash_text[4 * (SHA1_SIZE / 3 + 1) + 1];
  if (RAND_bytes(salt, sizeof(salt)) != 1 ||
      !HMAC(EVP_sha1(), salt, sizeof(salt), (const uint8_t *)name, strlen(name), digest, &digest_size) ||
      digest_size != SHA1_SIZE) {
    return PENSTOCK_E_FAILED;
  }
  (void)EVP_EncodeBlock((uint8_t *)salt_text, salt, SHA1_SIZE);
  (void)EVP_EncodeBlock((uint8_t *)hash_text, digest, SHA1_SIZE);
  (void)snprintf(name, KNOWN_HOSTS_NAME_SIZE, "|1|%s|%s", salt_text, hash_text);
  return 0;
}

int known_hosts_append(const char *file, const char *host, uint16_t port, const uint8_t *blob, size_t blob_size,
                       int hash_name, penstock_error *error) {
  char name[KNOWN_HOSTS_NAME_SIZE];
  char type[64];
  int fd = -1;
  int result = PENSTOCK_E_FAILED;
  if (!file) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG,
                        "there is no known_hosts file that the key of %s could be added to", host);
    penstock_next(error, "Set known_hosts in the profile, or UserKnownHostsFile in ssh_config");
    return PENSTOCK_E_FAILED;
  }
  size_t line_size = KNOWN_HOSTS_NAME_SIZE + sizeof(type) + 4 * (blob_size / 3 + 1) + 8;
  char *line = malloc(line_size);
  char *encoded = malloc(4 * (blob_size / 3 + 1) + 1);
  if (!line || !encoded || blob_size > 1 << 20 || known_hosts_blob_type(blob, blob_size, type, sizeof(type))) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_INTERNAL, "the host key cannot be written down");
    goto out;
  }
  known_hosts_name(host, port, name, sizeof(name));
  if (name[0] == '\0' || name[0] == '#' || name[0] == '@' || name[0] == '|' || strpbrk(name, " \t\r\n,*?!")) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG,
                        "\"%s\" cannot stand in a known_hosts file", name);
    goto out;
  }
  if (hash_name && hash_name_in_place(name)) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_INTERNAL, "the host's name cannot be hashed");
    goto out;
  }
  (void)EVP_EncodeBlock((uint8_t *)encoded, blob, (int)blob_size);
  if (make_folder(file) == 0) {
    fd = known_hosts_open(file);
  }
  if (fd >= 0) {
    int length = snprintf(line, line_size, "%s%s %s %s\n", lacks_newline(fd) ? "\n" : "", name, type, encoded);
    /* One write of one line, appended: two gateways that write at once do not mix. */
    /* EINVAL: /dev/null, which people name to have nothing kept, cannot be synchronised. */
    if (write(fd, line, (unsigned)length) == length && (fsync(fd) == 0 || errno == EINVAL)) {
      result = 0;
    }
  }
  if (result) {
    (void)penstock_fail(error, PENSTOCK_LEG_HOST_KEY, PENSTOCK_CLASS_CONFIG, "cannot write the host key to %s: %s",
                        file, strerror(errno));
    penstock_next(error, "Let yourself write to it and to its folder, or name another file with `known_hosts`");
  }
out:
  if (fd >= 0) {
    (void)close(fd);
  }
  free(encoded);
  free(line);
  return result;
}

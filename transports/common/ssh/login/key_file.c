/* SPDX-License-Identifier: MIT */
#include "common/ssh/login/key_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/advice.h"
#include "common/ssh/hostkey/key_blob.h"
#include "common/ssh/hostkey/known_hosts.h"
#include "common/ssh/login/key_guard.h"
#include "common/ssh/login/key_pkcs8.h"

enum { FILE_MAX = 1 << 20 /* what ssh reads */ };

static const char openssh_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
static const char openssh_end[] = "-----END OPENSSH PRIVATE KEY-----";

/* --- reading --------------------------------------------------------------------------------------- */

/* The text of a file, NUL-terminated; NULL with errno. To be freed with free_text. */
static char *read_text(const char *path, size_t *size) {
  FILE *stream = fopen(path, "re");
  char *text = stream ? malloc(FILE_MAX + 1) : NULL;
  if (stream) {
    (void)setvbuf(stream, NULL, _IONBF, 0); /* no copy of a private key that nobody wipes */
  }
  *size = 0;
  if (text) {
    errno = 0;
    *size = fread(text, 1, FILE_MAX, stream);
    text[*size] = '\0';
    if (ferror(stream)) {
      free(text);
      text = NULL;
    }
  }
  int code = errno;
  if (stream) {
    (void)fclose(stream);
  }
  errno = code;
  return text;
}

static void free_text(char *text, size_t size) {
  if (text) {
    OPENSSL_cleanse(text, size);
    free(text);
  }
}

/* Decodes base64 that may hold blanks and line ends. The caller frees the result. */
static uint8_t *decode_lines(const char *text, size_t length, size_t *size) {
  char *dense = malloc(length + 1);
  uint8_t *bytes = NULL;
  size_t used = 0;
  if (dense) {
    for (size_t i = 0; i < length; i++) {
      if (!strchr(" \t\r\n", text[i])) {
        dense[used++] = text[i];
      }
    }
    bytes = known_hosts_decode(dense, used, size);
    OPENSSL_cleanse(dense, used);
  }
  free(dense);
  return bytes;
}

static int set_blob(key_file *file, const uint8_t *blob, size_t size) {
  if (known_hosts_blob_type(blob, size, file->type, sizeof(file->type))) {
    return PENSTOCK_E_INVALID;
  }
  file->blob = malloc(size);
  if (!file->blob) {
    return PENSTOCK_E_NOMEM;
  }
  memcpy(file->blob, blob, size);
  file->blob_size = size;
  return 0;
}

/* The open part of OpenSSH's own form (PROTOCOL.key of OpenSSH): the cipher, and the public half. */
static void look_into_openssh(key_file *file, const char *text, char *cipher, size_t cipher_size) {
  static const char magic[] = "openssh-key-v1"; /* with its NUL */
  const char *begin = strstr(text, openssh_begin);
  const char *end = begin ? strstr(begin, openssh_end) : NULL;
  const uint8_t *field;
  size_t length;
  uint32_t keys;
  cipher[0] = '\0';
  if (!end) {
    return;
  }
  begin += sizeof(openssh_begin) - 1;
  size_t size = 0;
  uint8_t *bytes = decode_lines(begin, (size_t)(end - begin), &size);
  if (bytes && size > sizeof(magic) && memcmp(bytes, magic, sizeof(magic)) == 0) {
    const uint8_t *cursor = bytes + sizeof(magic);
    const uint8_t *limit = bytes + size;
    if (!key_blob_take(&cursor, limit, &field, &length)) {
      (void)snprintf(cipher, cipher_size, "%.*s", (int)(length < cipher_size ? length : 0), (const char *)field);
    }
    int is_whole = !key_blob_take(&cursor, limit, &field, &length); /* how the passphrase becomes a key, */
    is_whole &= !key_blob_take(&cursor, limit, &field, &length);    /* and with which salt */
    if (is_whole && !key_blob_take_u32(&cursor, limit, &keys) && !key_blob_take(&cursor, limit, &field, &length) &&
        !file->blob) {
      (void)set_blob(file, field, length);
    }
  }
  if (bytes) {
    OPENSSL_cleanse(bytes, size);
  }
  free(bytes);
}

/* Reads a line "type base64 comment". Returns 0, or a negative code. */
static int parse_public_line(const char *text, uint8_t **blob, size_t *size) {
  const char *type = text + strspn(text, " \t\r\n");
  size_t type_length = strcspn(type, " \t\r\n");
  const char *key = type + type_length + strspn(type + type_length, " \t");
  char found[64];
  *blob = known_hosts_decode(key, strcspn(key, " \t\r\n"), size);
  if (!*blob) {
    return PENSTOCK_E_INVALID;
  }
  if (known_hosts_blob_type(*blob, *size, found, sizeof(found)) || strlen(found) != type_length ||
      memcmp(found, type, type_length) != 0) {
    free(*blob);
    *blob = NULL;
    return PENSTOCK_E_INVALID;
  }
  return 0;
}

/* Takes the public half from FILE.pub. */
static void look_beside(key_file *file) {
  char path[4096];
  size_t size;
  size_t blob_size;
  uint8_t *blob;
  int length = snprintf(path, sizeof(path), "%s.pub", file->path);
  char *text = (size_t)length < sizeof(path) ? read_text(path, &size) : NULL;
  if (text && parse_public_line(text, &blob, &blob_size) == 0) {
    (void)set_blob(file, blob, blob_size);
    free(blob);
  }
  free(text);
}

/* --- looking --------------------------------------------------------------------------------------- */

PENSTOCK_PRINTF(2, 3)
static void set_problem(key_file *file, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(file->problem, sizeof(file->problem), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(file->problem, sizeof(file->problem));
}

PENSTOCK_PRINTF(2, 3)
static void set_remedy(key_file *file, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(file->remedy, sizeof(file->remedy), format, arguments);
  va_end(arguments);
  penstock_utf8_trim(file->remedy, sizeof(file->remedy));
}

/* The ciphers of OpenSSH's form that libssh can take away. At the others (GCM, ChaCha20) libssh 0.10 crashes. */
static int can_decrypt(const char *cipher) {
  static const char *const ciphers[] = {"none",       "aes128-ctr", "aes192-ctr", "aes256-ctr",
                                        "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"};
  for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
    if (strcmp(cipher, ciphers[i]) == 0) {
      return 1;
    }
  }
  return 0;
}

static void look_at_public_key(key_file *file, const uint8_t *blob, size_t size) {
  size_t length = strlen(file->path);
  (void)set_blob(file, blob, size);
  set_problem(file, "is a public key, and no agent has the private one");
  if (length > 4 && strcmp(file->path + length - 4, ".pub") == 0) {
    set_remedy(file, "Name the private key, %.*s, or load it into the agent", (int)(length - 4), file->path);
  } else {
    set_remedy(file, "Name the private key instead, or load it into the agent");
  }
}

static void set_not_a_key(key_file *file) {
  set_problem(file, "cannot be read as a private key");
  set_remedy(file, "`key` names a private key, in OpenSSH's, PEM or PKCS#8 form: try ssh-keygen -y -f %s%s%s",
             advice_quote, file->path, advice_quote);
}

static void look_at_text(key_file *file, const char *text, size_t size) {
  char cipher[64];
  uint8_t *blob = NULL;
  size_t blob_size;
  if (size == 0) {
    set_problem(file, "is empty");
    set_remedy(file, "Name the file of a private key; ssh-keygen -t ed25519 -f NEWFILE makes one");
  } else if (strncmp(text, "PuTTY-User-Key-File-", 20) == 0) {
    set_problem(file, "is in PuTTY's format");
    advice_write_ppk(file->remedy, sizeof(file->remedy), file->path);
    penstock_utf8_trim(file->remedy, sizeof(file->remedy));
  } else if (parse_public_line(text, &blob, &blob_size) == 0) {
    look_at_public_key(file, blob, blob_size);
  } else if (strstr(text, openssh_begin)) {
    look_into_openssh(file, text, cipher, sizeof(cipher));
    if (key_blob_is_fido(file->type)) {
      set_problem(file, "belongs to a security key, which is used through an agent, and no agent has it");
      set_remedy(file, "Load it into the agent: ssh-add %s%s%s", advice_quote, file->path, advice_quote);
    } else if (!cipher[0]) {
      set_not_a_key(file);
    } else if (!can_decrypt(cipher)) {
      set_problem(file, "is encrypted with %s, which the SSH library cannot take away", cipher);
      set_remedy(file, "Encrypt it anew: ssh-keygen -p -Z aes256-ctr -f %s%s%s; or load it into the agent with ssh-add",
                 advice_quote, file->path, advice_quote);
    }
  } else if (!strstr(text, "-----BEGIN ") || !strstr(text, "PRIVATE KEY-----")) {
    set_not_a_key(file);
  }
  free(blob);
}

static void look_at_existing(key_file *file, const struct stat *info) {
  size_t size;
  if (S_ISDIR(info->st_mode)) {
    set_problem(file, "is a folder");
    set_remedy(file, "Name the file of the private key in it");
    return;
  }
  char *text = read_text(file->path, &size);
  if (!text) {
    set_problem(file, "cannot be read: %s", strerror(errno));
    set_remedy(file, "%s %s%s%s", advice_show_rights, advice_quote, file->path, advice_quote);
  } else {
    look_at_text(file, text, size);
  }
  free_text(text, size);
  if (!file->problem[0]) {
    (void)key_guard_is_open(file->path, file->problem, sizeof(file->problem), file->remedy, sizeof(file->remedy));
    penstock_utf8_trim(file->problem, sizeof(file->problem));
    penstock_utf8_trim(file->remedy, sizeof(file->remedy));
  }
}

void key_file_look(key_file *file, const char *path) {
  struct stat info;
  memset(file, 0, sizeof(*file));
  file->path = path;
  if (stat(path, &info) != 0) {
    file->is_missing = errno == ENOENT || errno == ENOTDIR;
    set_problem(file, "cannot be used: %s", strerror(errno));
    set_remedy(file, "Check `key` in the profile, or IdentityFile in ssh_config");
  } else {
    look_at_existing(file, &info);
  }
  if (!file->blob) {
    look_beside(file);
  }
  file->is_usable = file->problem[0] == '\0';
}

void key_file_clear(key_file *file) {
  free(file->blob);
  memset(file, 0, sizeof(*file));
}

/* --- the private key ------------------------------------------------------------------------------- */

/* Notes that the file is encrypted, and gives no passphrase. */
static int note_encrypted(const char *prompt, char *buffer, size_t size, int echo, int verify, void *context) {
  (void)prompt;
  (void)buffer;
  (void)size;
  (void)echo;
  (void)verify;
  *(int *)context = 1;
  return -1;
}

static key_file_result import_text(const char *text, const char *passphrase, ssh_key *key) {
  int is_encrypted = passphrase != NULL;
  *key = NULL;
  if (ssh_pki_import_privkey_base64(text, passphrase, note_encrypted, &is_encrypted, key) != SSH_OK) {
    *key = NULL;
    return is_encrypted ? KEY_FILE_ENCRYPTED : KEY_FILE_NOT_READABLE;
  }
  return KEY_FILE_READ;
}

/* The public half of a private key. */
static void take_public(key_file *file, ssh_key key) {
  char *text = NULL;
  size_t size = 0;
  if (!file->blob && ssh_pki_export_pubkey_base64(key, &text) == SSH_OK) {
    uint8_t *blob = known_hosts_decode(text, strlen(text), &size);
    if (blob) {
      (void)set_blob(file, blob, size);
    }
    free(blob);
  }
  ssh_string_free_char(text);
}

key_file_result key_file_read(key_file *file, const char *passphrase, ssh_key *key) {
  size_t size;
  char *text = read_text(file->path, &size);
  key_file_result result = text ? import_text(text, passphrase, key) : KEY_FILE_NOT_READABLE;
  if (result == KEY_FILE_READ && ssh_key_type(*key) == SSH_KEYTYPE_ED25519 && !strstr(text, openssh_begin)) {
    /* libssh 0.10 reads Ed25519 from PKCS#8 without its public half, and can then not use it. */
    ssh_key_free(*key);
    char *converted = key_pkcs8_to_openssh(text, passphrase);
    result = converted ? import_text(converted, NULL, key) : KEY_FILE_NOT_READABLE;
    free_text(converted, converted ? strlen(converted) : 0);
  }
  if (result == KEY_FILE_READ) {
    take_public(file, *key);
  } else if (result == KEY_FILE_NOT_READABLE) {
    set_problem(file, "cannot be read as a private key");
    set_remedy(file, "It may be damaged, or of a kind that the SSH library does not know: try ssh-keygen -y -f %s%s%s",
               advice_quote, file->path, advice_quote);
  }
  free_text(text, size);
  return result;
}

/* --- public keys and certificates ------------------------------------------------------------------ */

int key_file_read_cert(key_cert *cert, const char *path, char *why, size_t why_size) {
  size_t size;
  size_t blob_size = 0;
  uint8_t *blob = NULL;
  char *text = read_text(path, &size);
  int result = PENSTOCK_E_FAILED;
  if (!text) {
    (void)snprintf(why, why_size, "%s", strerror(errno));
  } else if (parse_public_line(text, &blob, &blob_size) || key_cert_parse(cert, blob, blob_size)) {
    (void)snprintf(why, why_size, "it holds no certificate of ssh");
  } else {
    result = 0;
  }
  free(blob);
  free(text);
  return result;
}

ssh_key key_file_import(const uint8_t *blob, size_t blob_size) {
  char type[64];
  ssh_key key = NULL;
  char *text = blob_size <= 1 << 20 ? malloc(4 * (blob_size / 3 + 1) + 1) : NULL;
  if (text && known_hosts_blob_type(blob, blob_size, type, sizeof(type)) == 0) {
    (void)EVP_EncodeBlock((uint8_t *)text, blob, (int)blob_size);
    if (ssh_pki_import_pubkey_base64(text, ssh_key_type_from_name(type), &key) != SSH_OK) {
      key = NULL;
    }
  }
  free(text);
  return key;
}

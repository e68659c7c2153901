/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_algorithms.h"

#include <stdlib.h>

#include "common/ssh/config/ssh_config_words.h"
#include "common/ssh/config/ssh_settings.h"

enum { NAME_SIZE = 128 };

const char ssh_default_macs[] =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
const char ssh_default_kex[] =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
    "diffie-hellman-group18-sha512,diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
    "diffie-hellman-group14-sha256";
const char ssh_default_host_key_algorithms[] = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
                                               "ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";
const char ssh_default_pubkey_algorithms[] =
    "ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
    "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,"
    "ssh-ed25519,ecdsa-sha2-nistp521,ecdsa-sha2-nistp384,ecdsa-sha2-nistp256,sk-ssh-ed25519@openssh.com,"
    "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";

const char *ssh_default_ciphers(void) {
  static const char aes_first[] = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
                                  "aes128-ctr,aes192-ctr,aes256-ctr";
  static const char chacha_first[] = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
                                     "aes128-ctr,aes192-ctr,aes256-ctr";
  return cpu_has_aes() ? aes_first : chacha_first;
}

/* The next name of a list; *at moves behind it. 0 at the end. Names longer than any algorithm's are passed over. */
static int next_name(const char **at, char name[NAME_SIZE]) {
  while (**at) {
    size_t length = strcspn(*at, ", ");
    const char *start = *at;
    *at += length + strspn(*at + length, ", ");
    if (length > 0 && length < NAME_SIZE) {
      (void)snprintf(name, NAME_SIZE, "%.*s", (int)length, start);
      return 1;
    }
  }
  return 0;
}

/* Adds a name to a list that has room for it. */
static void append(char *list, const char *name) {
  char *end = list + strlen(list);
  if (end > list) {
    *end++ = ',';
  }
  memcpy(end, name, strlen(name) + 1);
}

char *ssh_algorithms_resolve(const char *wanted, const char *ours) {
  char change = wanted[0];
  if (change != '+' && change != '-' && change != '^') {
    return strdup(wanted);
  }
  const char *list = wanted + 1;
  char name[NAME_SIZE];
  char *result = calloc(1, strlen(list) + strlen(ours) + 3);
  if (!result) {
    return NULL;
  }
  if (change == '^') {
    append(result, list);
  }
  for (const char *at = ours; next_name(&at, name);) {
    if (change == '+' || ssh_pattern_list_match(name, list, 0) != 1) {
      append(result, name);
    }
  }
  if (change == '+') {
    append(result, list);
  }
  return result;
}

/* Is a key known that the algorithm is for? RSA keys have one type and several algorithms. */
static int is_known(const char *algorithm, const known_hosts *known) {
  return known && known_hosts_has_type(known, strncmp(algorithm, "rsa-sha2-", 9) == 0 ? "ssh-rsa" : algorithm);
}

char *ssh_algorithms_known_first(const char *list, const known_hosts *known) {
  char name[NAME_SIZE];
  char *result = calloc(1, strlen(list) + 2);
  for (int want = 1; result && want >= 0; want--) {
    for (const char *at = list; next_name(&at, name);) {
      if (is_known(name, known) == want) {
        append(result, name);
      }
    }
  }
  return result;
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/hostkey/hostkey_art.h"

#include <openssl/evp.h>

#include "common/ssh/hostkey/key_blob.h"
#include "common/ssh/hostkey/known_hosts.h"

enum { WIDTH = 17, HEIGHT = 9 };

static const char symbols[] = " .o+=*BOX@%&#/^SE";
enum { START = sizeof(symbols) - 3, END = sizeof(symbols) - 2 };

static unsigned step(unsigned at, int forward, unsigned limit) {
  if (forward) {
    return at + 1 < limit ? at + 1 : at;
  }
  return at > 0 ? at - 1 : 0;
}

/* Two bits a step, the lowest first; each says which of the four diagonals is gone. Walls are slid along. */
static void walk(const uint8_t *digest, unsigned size, uint8_t field[HEIGHT][WIDTH]) {
  unsigned x = WIDTH / 2;
  unsigned y = HEIGHT / 2;
  for (unsigned i = 0; i < size; i++) {
    for (unsigned shift = 0; shift < 8; shift += 2) {
      x = step(x, (digest[i] >> shift) & 1, WIDTH);
      y = step(y, (digest[i] >> shift) & 2, HEIGHT);
      if (field[y][x] + 1 < START) {
        field[y][x]++;
      }
    }
  }
  field[HEIGHT / 2][WIDTH / 2] = START;
  field[y][x] = END;
}

/* The name that ssh-keygen gives a type. */
static const char *short_name(const char *type) {
  static const char *const names[][2] = {{"ssh-ed25519", "ED25519"}, {"ssh-rsa", "RSA"},
                                         {"ssh-dss", "DSA"},         {"sk-ssh-ed25519", "ED25519-SK"},
                                         {"sk-ecdsa", "ECDSA-SK"},   {"ecdsa", "ECDSA"}};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (strncmp(type, names[i][0], strlen(names[i][0])) == 0) {
      return names[i][1];
    }
  }
  return type;
}

/* One of the two borders, with a title in its middle. */
static char *border(char *at, const char *title) {
  size_t length = strlen(title);
  size_t left = (WIDTH - length) / 2;
  *at++ = '+';
  memset(at, '-', WIDTH);
  for (size_t i = 0; i < length; i++) {
    at[left + i] = title[i];
  }
  at += WIDTH;
  *at++ = '+';
  *at++ = '\n';
  return at;
}

void hostkey_art(const uint8_t *blob, size_t blob_size, char text[HOSTKEY_ART_SIZE]) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  uint8_t field[HEIGHT][WIDTH] = {{0}};
  unsigned digest_size = 0;
  char type[64];
  char title[WIDTH + 1];
  char *at = text;
  text[0] = '\0';
  if (known_hosts_blob_type(blob, blob_size, type, sizeof(type)) ||
      EVP_Digest(blob, blob_size, digest, &digest_size, EVP_sha256(), NULL) != 1) {
    return;
  }
  walk(digest, digest_size, field);
  if (snprintf(title, sizeof(title), "[%s %u]", short_name(type), key_blob_bits(blob, blob_size)) > WIDTH) {
    (void)snprintf(title, sizeof(title), "[%.15s]", short_name(type));
  }
  at = border(at, title);
  for (unsigned y = 0; y < HEIGHT; y++) {
    *at++ = '|';
    for (unsigned x = 0; x < WIDTH; x++) {
      *at++ = symbols[field[y][x]];
    }
    *at++ = '|';
    *at++ = '\n';
  }
  *border(at, "[SHA256]") = '\0';
}

/* SPDX-License-Identifier: MIT */
/**
 * @file known_hosts.h
 * known_hosts files as OpenSSH reads them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): wildcards, negation,
 * hashed names, [host]:port, @revoked and @cert-authority.
 *
 * This is our own reader because libssh skips lines with a marker (so a revoked key would be taken), does not
 * say which line a key stands in, and calls another key type of a known host "unknown".
 *
 * Thread: any; nothing is shared.
 */
#ifndef TRANSPORTS_SSH_KNOWN_HOSTS_H
#define TRANSPORTS_SSH_KNOWN_HOSTS_H

#include <penstock/sdk.h>

/** Room for a `SHA256:…` fingerprint with its NUL. */
#define KNOWN_HOSTS_FINGERPRINT_SIZE 64
/** Room for a host's name as known_hosts has it, `[name]:port`, with its NUL. */
#define KNOWN_HOSTS_NAME_SIZE 256

/** What stands before the names of a line. */
typedef enum known_hosts_marker {
  KNOWN_HOSTS_PLAIN = 0,
  KNOWN_HOSTS_REVOKED,       /**< the key must not be used for these hosts */
  KNOWN_HOSTS_CERT_AUTHORITY /**< the key signs certificates of these hosts */
} known_hosts_marker;

/** A line that names the host asked for. */
typedef struct known_hosts_entry {
  known_hosts_marker marker;
  int without_port; /**< it names the host alone, though another port than 22 was asked for */
  unsigned line;    /**< counted from 1 */
  const char *file; /**< borrowed from known_hosts_load's `files` */
  char type[64];    /**< such as ssh-ed25519 */
  uint8_t *blob;    /**< the public key in SSH's wire form */
  size_t blob_size;
  char fingerprint[KNOWN_HOSTS_FINGERPRINT_SIZE];
} known_hosts_entry;

/** All lines that name one host. */
typedef struct known_hosts {
  known_hosts_entry *entries;
  size_t count;
  char name[KNOWN_HOSTS_NAME_SIZE]; /**< `name`, or `[name]:port` */
} known_hosts;

/** How a shown key stands to the known ones. */
typedef enum known_hosts_verdict {
  KNOWN_HOSTS_UNKNOWN = 0, /**< no key of this host is known */
  KNOWN_HOSTS_OK,          /**< this very key is known */
  KNOWN_HOSTS_CHANGED,     /**< other keys of this host are known, of this type or of another one */
  KNOWN_HOSTS_IS_REVOKED   /**< this very key is marked @revoked */
} known_hosts_verdict;

/**
 * Collects the lines of `files` (NULL-terminated, or NULL for none; a missing file is an empty one) that name
 * host:port. The file names must live as long as the result. On failure (a file is there but cannot be read) returns a
 * negative code with `error`, and nothing is to be freed.
 */
int known_hosts_load(known_hosts *known, const char *const *files, const char *host, uint16_t port,
                     penstock_error *error);
/** Frees what known_hosts_load collected. */
void known_hosts_unload(known_hosts *known);

/**
 * Judges a shown key. `entry` (optional) gets the line that decided: of the same key; for CHANGED a known key, one of
 * the same type if there is one; else NULL.
 * As in OpenSSH, a line for the bare host name also vouches for that very key on another port, but a different
 * key there says nothing.
 */
known_hosts_verdict known_hosts_check(const known_hosts *known, const uint8_t *blob, size_t blob_size,
                                      const known_hosts_entry **entry);
/** Is there a line with a key of this type that is not revoked? For the order in which key types are asked for. */
int known_hosts_has_type(const known_hosts *known, const char *type);
/** The first line that names a certificate authority for the host, which is not revoked; NULL if there is none. */
const known_hosts_entry *known_hosts_authority(const known_hosts *known);

/**
 * Adds a line for host:port at the end of `file` (NULL: there is none, an error), which is made if need be (0600, its
 * folder 0700). `hash_name`: the name is written as a salted hash, as ssh_config's HashKnownHosts has it. `error` has
 * leg HOST_KEY.
 */
int known_hosts_append(const char *file, const char *host, uint16_t port, const uint8_t *blob, size_t blob_size,
                       int hash_name, penstock_error *error);

/** Writes `name` or `[name]:port`, in lower case, as known_hosts has it. */
void known_hosts_name(const char *host, uint16_t port, char *name, size_t size);
/** Writes a key's fingerprint as ssh-keygen prints it, `SHA256:` and base64 without `=`. */
void known_hosts_fingerprint(const uint8_t *blob, size_t blob_size, char text[KNOWN_HOSTS_FINGERPRINT_SIZE]);
/** Copies the type name out of a key in wire form; returns 0, or PENSTOCK_E_INVALID if it has none. */
int known_hosts_blob_type(const uint8_t *blob, size_t blob_size, char *type, size_t size);
/**
 * Decodes base64 (padded, no spaces) into memory that the caller frees. NULL if it is not well-formed or there is no
 * memory.
 */
uint8_t *known_hosts_decode(const char *text, size_t length, size_t *size);

/* --- of the system: known_hosts_open_unix.c, known_hosts_open_win.c ---------------------------------- */

/**
 * Opens a file, which may be new, to be read and appended to: what is written comes behind everything that is there at
 * that moment, whoever wrote it. Returns a descriptor that is not inherited, or -1 with errno.
 */
int known_hosts_open(const char *file);
/**
 * Does an open file count, as far as who may have written it says? On Windows one in the folder for all users does only
 * if administrators alone may: anybody can make folders there. Returns 0, or PENSTOCK_E_FAILED with `error`.
 */
int known_hosts_judge(FILE *stream, const char *file, penstock_error *error);

#endif

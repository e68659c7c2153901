/* SPDX-License-Identifier: MIT */
/* Logging in with keys and certificates: one after the other, in the order of ssh_identities.h. */
#include <openssl/crypto.h>
#include <time.h>

#include "common/advice.h"
#include "common/ssh/hostkey/key_blob.h"
#include "common/ssh/login/ssh_auth.h"
#include "common/ssh/ssh_dial.h"

enum { PASSPHRASE_SIZE = 1024, RSA_MIN_BITS = 1024 /* libssh's own limit */ };

/* --- what is offered, and what not ----------------------------------------------------------------- */

static void identity_type(const ssh_identity *identity, char *type, size_t size) {
  if (!identity->blob || known_hosts_blob_type(identity->blob, identity->blob_size, type, size)) {
    (void)snprintf(type, size, "%s", "key");
  }
}

/* Is one of the signature algorithms of this key type in the comma-separated list? */
static int is_accepted(const char *list, const char *type) {
  static const char *const rsa[] = {"rsa-sha2-512", "rsa-sha2-256", NULL};
  static const char *const rsa_cert[] = {"rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com",
                                         NULL};
  const char *const own[] = {type, NULL};
  const char *const *names = strcmp(type, "ssh-rsa") == 0                        ? rsa
                             : strcmp(type, "ssh-rsa-cert-v01@openssh.com") == 0 ? rsa_cert
                                                                                 : own;
  for (; *names; names++) {
    size_t length = strlen(*names);
    for (const char *at = list; (at = strstr(at, *names)); at += length) {
      if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0')) {
        return 1;
      }
    }
  }
  return 0;
}

/* Why a key is not offered at all; NULL if it is. */
static const char *why_not(const ssh_login *login, const ssh_identity *identity, char *text, size_t size) {
  const ssh_settings *settings = &login->link->settings;
  const uint8_t *plain = identity->cert ? identity->cert->plain : identity->blob;
  size_t plain_size = identity->cert ? identity->cert->plain_size : identity->blob_size;
  unsigned least = settings->rsa_min_bits ? settings->rsa_min_bits : RSA_MIN_BITS;
  char type[64];
  if (!identity->blob) {
    return NULL; /* it is found out once it is decrypted */
  }
  identity_type(identity, type, sizeof(type));
  enum ssh_keytypes_e kind = ssh_key_type_from_name(type);
  unsigned bits = strncmp(type, "ssh-rsa", 7) == 0 ? key_blob_bits(plain, plain_size) : 0;
  if (kind == SSH_KEYTYPE_UNKNOWN || kind == SSH_KEYTYPE_DSS || kind == SSH_KEYTYPE_DSS_CERT01) {
    return "the SSH library does not use keys of this type";
  }
  if (bits && bits < least) {
    (void)snprintf(text, size, "it has %u bits, and RequiredRSASize wants %u", bits, least);
    return text;
  }
  return settings->pubkey_algorithms && !is_accepted(settings->pubkey_algorithms, type)
             ? "PubkeyAcceptedAlgorithms leaves it out"
             : NULL;
}

static void describe(const ssh_identity *identity, char *text, size_t size) {
  char fingerprint[KNOWN_HOSTS_FINGERPRINT_SIZE] = "";
  char type[64];
  identity_type(identity, type, sizeof(type));
  if (identity->blob) {
    known_hosts_fingerprint(identity->cert ? identity->cert->plain : identity->blob,
                            identity->cert ? identity->cert->plain_size : identity->blob_size, fingerprint);
  }
  (void)snprintf(text, size, "%s %s%s%s%s (%s)", type, fingerprint, identity->cert ? " '" : "",
                 identity->cert ? identity->cert->id : "", identity->cert ? "'" : "", identity->source);
  penstock_utf8_trim(text, size);
}

static void note_offer(ssh_login *login, const ssh_identity *identity) {
  char text[900];
  size_t used = strlen(login->offered);
  describe(identity, text, sizeof(text));
  (void)snprintf(login->offered + used, sizeof(login->offered) - used, "%s%s", used ? "\n" : "", text);
  penstock_utf8_trim(login->offered, sizeof(login->offered));
  login->offers++;
}

static void note_not_offered(ssh_login *login, const ssh_identity *identity, const char *why) {
  char text[900];
  describe(identity, text, sizeof(text));
  ssh_identities_note(&login->identities, "not offered: %s: %s", text, why);
  penstock_logf(login->link->host, PENSTOCK_LOG_DEBUG, "not offered: %s: %s", text, why);
}

/*
 * An answer to an offer. libssh may have refused it itself, without a word to the server: it takes RSA keys only if
 * the server has said that it takes SHA-2 signatures (RFC 8308).
 */
static ssh_login_result judge_offer(ssh_login *login, const ssh_identity *identity, int answer) {
  if (answer == SSH_AUTH_DENIED && strstr(ssh_get_error(login->link->session), "PUBLICKEY_ACCEPTED_TYPES")) {
    note_not_offered(login, identity, "the server does not say that it takes SHA-2 signatures of RSA keys");
    return LOGIN_REFUSED;
  }
  note_offer(login, identity);
  return ssh_login_judge(login, answer);
}

/* --- the agent ------------------------------------------------------------------------------------- */

static int start_agent(ssh_login *login) {
  penstock_socket socket = key_agent_stand_in(login->identities.agent);
  if (socket == PENSTOCK_SOCKET_NONE || key_agent_attach(login->link->session, socket) != SSH_OK) {
    if (socket != PENSTOCK_SOCKET_NONE) {
      dial_close(socket);
    }
    ssh_identities_note(&login->identities, "the agent cannot be used: no descriptor or thread");
    return PENSTOCK_E_FAILED;
  }
  return 0;
}

/* Asks whether the server would take the key, without a signature. LOGIN_DONE if so. */
static ssh_login_result ask_for_key(ssh_login *login, const ssh_identity *identity) {
  ssh_key key = key_file_import(identity->blob, identity->blob_size);
  int answer = key ? ssh_login_ask(login, ASK_PUBLIC_KEY, key) : SSH_AUTH_DENIED;
  ssh_key_free(key);
  return answer == SSH_AUTH_SUCCESS ? LOGIN_DONE : judge_offer(login, identity, answer);
}

/* A security key blinks and waits: the user has to be told, but only if the server wants that key. */
static void announce_touch(const ssh_login *login, const ssh_identity *identity) {
  char text[700];
  (void)snprintf(text, sizeof(text), "touch your security key to log in to %s (%s)", login->link->settings.host,
                 identity->source);
  penstock_logf(login->link->host, PENSTOCK_LOG_WARN, "%s", text);
  ssh_connect_progress(login->link, text);
}

/*
 * libssh forgets, without freeing it, what the agent has listed whenever it lists again, which each call of
 * ssh_userauth_agent does. So that is called for a key which the server has said that it takes; but not if the key is
 * the only one, which saves a round trip.
 */
static int is_only_agent_key(const ssh_login *login) {
  unsigned count = 0;
  for (size_t i = 0; i < login->identities.count; i++) {
    count += login->identities.items[i].agent_key != SIZE_MAX;
  }
  return count == 1;
}

static ssh_login_result no_signature(ssh_login *login, const ssh_identity *identity, key_agent_outcome outcome) {
  const char *what = outcome == KEY_AGENT_LOST ? "is gone, or did not answer in time" : "would not sign";
  const char *advice = key_agent_advice(login->identities.agent);
  char next[200];
  if (outcome == KEY_AGENT_LOST) {
    (void)snprintf(next, sizeof(next), "Check it with %s, and start again", advice);
  } else {
    (void)snprintf(next, sizeof(next),
                   "Check that it is not locked (%s), confirm or touch when it asks, and start again", advice);
  }
  ssh_login_hinder(login, PENSTOCK_CLASS_AUTH, next, "%s wants the key '%s', but the agent %s",
                   login->link->settings.host, identity->source, what);
  penstock_logf(login->link->host, PENSTOCK_LOG_WARN, "the agent %s: %s", what, identity->source);
  return LOGIN_REFUSED;
}

static ssh_login_result offer_agent_key(ssh_login *login, const ssh_identity *identity) {
  key_agent *agent = login->identities.agent;
  char type[64];
  identity_type(identity, type, sizeof(type));
  if (key_agent_result(agent) == KEY_AGENT_LOST) {
    return LOGIN_REFUSED;
  }
  if (key_blob_is_fido(type) || !is_only_agent_key(login)) {
    ssh_login_result asked = ask_for_key(login, identity);
    if (asked != LOGIN_DONE) {
      return asked;
    }
  }
  if (key_blob_is_fido(type)) {
    announce_touch(login, identity);
  }
  key_agent_show(agent, identity->agent_key, identity->blob, identity->blob_size);
  int answer = ssh_login_ask(login, ASK_AGENT, NULL);
  key_agent_outcome outcome = key_agent_result(agent);
  if (answer == SSH_AUTH_ERROR && (outcome == KEY_AGENT_REFUSED || outcome == KEY_AGENT_LOST) &&
      ssh_is_connected(login->link->session) && ssh_time_left(login->link, login->deadline_ns) > 0) {
    note_offer(login, identity);
    return no_signature(login, identity, outcome);
  }
  ssh_login_result result = judge_offer(login, identity, answer);
  if (result == LOGIN_DONE || result == LOGIN_PARTIAL) {
    const char *comment = key_agent_get(agent, identity->agent_key)->comment;
    if (identity->cert) {
      ssh_login_tell(login, "certificate '%s' with agent key '%s' (%s)", identity->cert->id, comment, type);
    } else {
      ssh_login_tell(login, "agent key '%s' (%s)", comment, type);
    }
  }
  return result;
}

/* --- key files ------------------------------------------------------------------------------------- */

static ssh_key ask_and_decrypt(ssh_login *login, key_file *file) {
  const penstock_host *host = login->link->host;
  char passphrase[PASSPHRASE_SIZE];
  char name[4200];
  char question[4300];
  ssh_key key = NULL;
  int result = 0;
  (void)snprintf(name, sizeof(name), "ssh-key:%s", file->path);
  (void)snprintf(question, sizeof(question), "Passphrase for key '%s': ", file->path);
  for (int i = 0; i < LOGIN_TRIES && !key && result == 0; i++) {
    result = ssh_login_prompt(login, PENSTOCK_PROMPT_SECRET, name, question, passphrase, sizeof(passphrase));
    if (result == 0 && key_file_read(file, passphrase, &key) != KEY_FILE_READ) {
      host->prompt_forget(host, name);
    }
    OPENSSL_cleanse(passphrase, sizeof(passphrase));
  }
  if (!key) {
    char next[512];
    file->is_usable = 0; /* asked for once, whatever else it could sign for */
    (void)snprintf(next, sizeof(next),
                   "Load it into the agent (ssh-add '%s'), or set `passphrase` (env:, file: or command:)", file->path);
    ssh_login_hinder(login, PENSTOCK_CLASS_AUTH, next, "key file %s is encrypted, and %s", file->path,
                     login->link->settings.batch_mode   ? "BatchMode forbids to ask for its passphrase"
                     : result == PENSTOCK_E_UNSUPPORTED ? "there is nobody to ask for its passphrase"
                     : result                           ? "no passphrase was given"
                                                        : "the passphrases given do not open it");
  }
  return key;
}

/* The private key of an encrypted file; NULL with an obstacle, or, if `*result` says so, with the login's error. */
static ssh_key decrypt(ssh_login *login, key_file *file, ssh_login_result *result) {
  const penstock_host *host = login->link->host;
  const char *reference = login->link->settings.passphrase;
  char passphrase[PASSPHRASE_SIZE];
  ssh_key key = NULL;
  *result = LOGIN_REFUSED;
  if (!reference || strcmp(reference, "prompt") == 0) {
    return ask_and_decrypt(login, file);
  }
  if (host->get_secret(host, reference, passphrase, sizeof(passphrase), login->error)) {
    *result = LOGIN_FAILED;
    return NULL;
  }
  if (key_file_read(file, passphrase, &key) != KEY_FILE_READ) {
    char next[512];
    (void)snprintf(next, sizeof(next), "Try it with: ssh-keygen -y -f %s%s%s", advice_quote, file->path, advice_quote);
    ssh_login_hinder(login, PENSTOCK_CLASS_AUTH, next,
                     "the passphrase that the profile refers to does not open key file %s", file->path);
  }
  OPENSSL_cleanse(passphrase, sizeof(passphrase));
  return key;
}

/* Opens the file. Encrypted: only once the server wants the key, if it can be asked without. */
static ssh_login_result open_file(ssh_login *login, ssh_identity *identity, ssh_key *key) {
  key_file *file = identity->file;
  ssh_login_result result = LOGIN_DONE;
  switch (key_file_read(file, NULL, key)) {
  case KEY_FILE_READ:
    break;
  case KEY_FILE_ENCRYPTED:
    result = identity->blob ? ask_for_key(login, identity) : LOGIN_DONE;
    if (result != LOGIN_DONE) {
      return result;
    }
    *key = decrypt(login, file, &result);
    result = *key ? LOGIN_DONE : result;
    break;
  case KEY_FILE_NOT_READABLE:
    ssh_identities_note(&login->identities, "key file %s %s", file->path, file->problem);
    if (login->link->settings.keys_are_default) {
      penstock_logf(login->link->host, PENSTOCK_LOG_WARN, "key file %s %s", file->path, file->problem);
    } else {
      ssh_login_hinder(login, PENSTOCK_CLASS_CONFIG, file->remedy, "key file %s %s", file->path, file->problem);
    }
    return LOGIN_REFUSED;
  }
  if (!identity->blob && *key) {
    identity->blob = file->blob;
    identity->blob_size = file->blob_size;
  }
  return result;
}

static ssh_login_result sign_with_file(ssh_login *login, const ssh_identity *identity, ssh_key key) {
  char type[64];
  if (identity->cert) {
    ssh_key cert = key_file_import(identity->cert->blob, identity->cert->blob_size);
    int copied = cert ? ssh_pki_copy_cert_to_privkey(cert, key) : SSH_ERROR;
    ssh_key_free(cert);
    if (copied != SSH_OK) {
      note_not_offered(login, identity, "the SSH library cannot use it");
      return LOGIN_REFUSED;
    }
  }
  ssh_login_result result = judge_offer(login, identity, ssh_login_ask(login, ASK_PRIVATE_KEY, key));
  if (result == LOGIN_DONE || result == LOGIN_PARTIAL) {
    identity_type(identity, type, sizeof(type));
    if (identity->cert) {
      ssh_login_tell(login, "certificate '%s' with key %s (%s)", identity->cert->id, identity->source, type);
    } else {
      ssh_login_tell(login, "key %s (%s)", identity->source, type);
    }
  }
  return result;
}

static ssh_login_result offer_file(ssh_login *login, ssh_identity *identity) {
  char text[200];
  ssh_key key = NULL;
  int was_known = identity->blob != NULL;
  if (!identity->file->is_usable) {
    return LOGIN_REFUSED;
  }
  ssh_login_result result = open_file(login, identity, &key);
  if (result == LOGIN_DONE) {
    const char *reason = was_known ? NULL : why_not(login, identity, text, sizeof(text));
    if (reason) {
      note_not_offered(login, identity, reason);
      result = LOGIN_REFUSED;
    } else {
      result = sign_with_file(login, identity, key);
    }
  }
  ssh_key_free(key);
  return result;
}

/* --- all of them ----------------------------------------------------------------------------------- */

static ssh_login_result offer(ssh_login *login, ssh_identity *identity) {
  char text[400];
  const char *reason = why_not(login, identity, text, sizeof(text));
  identity->is_tried = 1;
  if (reason) {
    note_not_offered(login, identity, reason);
    return LOGIN_REFUSED;
  }
  /* The server decides; but if it says no, the user will want to know this. */
  if (identity->cert &&
      key_cert_complain(identity->cert, login->link->settings.user, (uint64_t)time(NULL), text, sizeof(text))) {
    char next[512];
    ssh_identities_note(&login->identities, "certificate '%s' (%s): %s", identity->cert->id, identity->source, text);
    penstock_logf(login->link->host, PENSTOCK_LOG_WARN, "certificate '%s' (%s): %s", identity->cert->id,
                  identity->source, text);
    (void)snprintf(next, sizeof(next), "Get a new certificate for the key from those who signed this one, for %s",
                   login->link->settings.user);
    ssh_login_hinder(login, PENSTOCK_CLASS_AUTH, next, "%s does not accept the certificate '%s' (%s): %s",
                     login->link->settings.host, identity->cert->id, identity->source, text);
  }
  return identity->agent_key != SIZE_MAX ? offer_agent_key(login, identity) : offer_file(login, identity);
}

static int load(ssh_login *login) {
  const ssh_settings *settings = &login->link->settings;
  const key_file *bad;
  if (login->is_loaded) {
    return 0;
  }
  if (ssh_identities_load(&login->identities, settings, login->link->host,
                          ssh_time_left(login->link, login->deadline_ns))) {
    return penstock_fail(login->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  login->is_loaded = 1;
  bad = login->identities.bad_file;
  if (bad) {
    ssh_login_hinder(login, PENSTOCK_CLASS_CONFIG, bad->remedy, "key file %s %s", bad->path, bad->problem);
  }
  if (login->identities.agent && start_agent(login)) {
    key_agent_close(login->identities.agent);
    login->identities.agent = NULL;
  }
  return 0;
}

ssh_login_result ssh_login_with_keys(ssh_login *login) {
  ssh_login_result result = LOGIN_REFUSED;
  if (load(login)) {
    return LOGIN_FAILED;
  }
  for (size_t i = 0; i < login->identities.count && result == LOGIN_REFUSED; i++) {
    ssh_identity *identity = &login->identities.items[i];
    int needs_agent = identity->agent_key != SIZE_MAX;
    if (!identity->is_tried && (login->identities.agent || !needs_agent)) {
      result = offer(login, identity);
    }
  }
  return result;
}

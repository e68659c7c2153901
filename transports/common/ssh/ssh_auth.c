/* SPDX-License-Identifier: MIT */
/*
 * Login with keys, in ssh's order: keys of the agent that `key` names, other keys of the agent (unless
 * identities_only), key files. Never a password.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ssh/key_agent.h"
#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_internal.h"

enum { PASSPHRASE_TRIES = 3, PASSPHRASE_SIZE = 1024 };

/* A configured key file. */
typedef struct key_file {
  const char *path;
  ssh_key public_key; /* NULL if it cannot be had without the passphrase */
  uint8_t *blob;      /* of the public key, in wire form */
  size_t blob_size;
  int is_usable;   /* the private key is there and may be used */
  int is_in_agent; /* the agent has it, and has been asked */
} key_file;

/* One login. */
typedef struct login_attempt {
  ssh_link *link;
  uint64_t deadline_ns;
  key_agent *agent;
  key_file *files;
  size_t file_count;
  unsigned offers;
  char offered[1024]; /* one line for each */
  char agent_note[256];
  char *text; /* how it went well */
  size_t text_size;
  penstock_error *error;
} login_attempt;

/* What an offer came to. */
typedef enum offer_result { OFFER_ACCEPTED, OFFER_REFUSED, OFFER_FAILED } offer_result;

/* The questions that a login puts to the server. */
typedef enum auth_question { ASK_NONE, ASK_AGENT, ASK_PUBLIC_KEY, ASK_PRIVATE_KEY } auth_question;

static int ask_once(ssh_session session, auth_question question, ssh_key key) {
  switch (question) {
  case ASK_AGENT:
    return ssh_userauth_agent(session, NULL);
  case ASK_PUBLIC_KEY:
    return ssh_userauth_try_publickey(session, NULL, key);
  case ASK_PRIVATE_KEY:
    return ssh_userauth_publickey(session, NULL, key);
  default:
    return ssh_userauth_none(session, NULL);
  }
}

/*
 * Puts a question and waits for the answer: enum ssh_auth_e. The waiting is ours, because libssh's does not notice
 * that the server has hung up, as one does after too many keys, and waits until the time is over.
 */
static int ask(const login_attempt *login, auth_question question, ssh_key key) {
  ssh_link *link = login->link;
  int answer;
  ssh_set_blocking(link->session, 0);
  while ((answer = ask_once(link->session, question, key)) == SSH_AUTH_AGAIN) {
    if (ssh_link_wait(link, login->deadline_ns)) {
      return SSH_AUTH_ERROR;
    }
  }
  return answer;
}

static void note_offer(login_attempt *login, const char *type, const char *fingerprint, const char *source) {
  size_t used = strlen(login->offered);
  (void)snprintf(login->offered + used, sizeof(login->offered) - used, "%s%s %s (%s)", used ? "\n" : "", type,
                 fingerprint, source);
  login->offers++;
}

static void note_key(login_attempt *login, const ssh_key key, const char *source) {
  char fingerprint[KNOWN_HOSTS_FINGERPRINT_SIZE] = "";
  char *text = NULL;
  size_t size = 0;
  if (ssh_pki_export_pubkey_base64(key, &text) == SSH_OK) {
    uint8_t *blob = known_hosts_decode(text, strlen(text), &size);
    if (blob) {
      known_hosts_fingerprint(blob, size, fingerprint);
    }
    free(blob);
  }
  ssh_string_free_char(text);
  note_offer(login, ssh_key_type_to_char(ssh_key_type(key)), fingerprint, source);
}

/* --- errors ---------------------------------------------------------------------------------------- */

static const char *server_allows(ssh_link *link, char *text, size_t size) {
  static const struct {
    unsigned flag;
    const char *name;
  } methods[] = {{SSH_AUTH_METHOD_PUBLICKEY, "publickey"},
                 {SSH_AUTH_METHOD_PASSWORD, "password"},
                 {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"},
                 {SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi"},
                 {SSH_AUTH_METHOD_HOSTBASED, "hostbased"}};
  unsigned allowed = (unsigned)ssh_userauth_list(link->session, NULL);
  size_t used = 0;
  (void)snprintf(text, size, "nothing that it names");
  for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
    if (allowed & methods[i].flag) {
      used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", methods[i].name);
    }
  }
  return text;
}

static void add_detail(const login_attempt *login) {
  if (login->error) {
    (void)snprintf(login->error->detail, sizeof(login->error->detail), "%s%s%s%s", login->offers ? "offered:\n" : "",
                   login->offered, login->offers && login->agent_note[0] ? "\n" : "", login->agent_note);
  }
}

/* The session broke, or time ran out, while logging in. */
static offer_result fail_session(login_attempt *login) {
  const ssh_settings *settings = &login->link->settings;
  const char *reason = ssh_get_error(login->link->session);
  if (ssh_time_left(login->link, login->deadline_ns) == 0) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_TRANSIENT,
                        "%s did not answer the login of %s in time", settings->host, settings->user);
  } else if (strstr(reason, "Too many authentication failures")) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, "%s refused %u keys of %s and hung up",
                        settings->host, login->offers, settings->user);
    penstock_next(login->error, "Name the one key that this host knows: key = ~/.ssh/..., which also sets "
                                "identities_only");
  } else {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_TRANSIENT,
                        "%s ended the connection during the login of %s: %s", settings->host, settings->user, reason);
  }
  add_detail(login);
  return OFFER_FAILED;
}

static offer_result fail_partial(login_attempt *login) {
  char allowed[128];
  const ssh_settings *settings = &login->link->settings;
  (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                      "%s accepts the key of %s, and then wants more: %s", settings->host, settings->user,
                      server_allows(login->link, allowed, sizeof(allowed)));
  penstock_next(login->error, "penstock logs in with a key alone: ask for an account, or a Match block in its "
                              "sshd_config, with `AuthenticationMethods publickey`");
  return OFFER_FAILED;
}

static int fail_refused(login_attempt *login) {
  char allowed[128];
  const ssh_settings *settings = &login->link->settings;
  (void)server_allows(login->link, allowed, sizeof(allowed));
  if (login->offers == 0) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "there is no key to log in to %s with as %s; the server allows %s", settings->host,
                        settings->user, allowed);
    penstock_next(login->error,
                  "Make a key with `ssh-keygen -t ed25519`, copy it there with `ssh-copy-id -p %u %s@%s`, "
                  "and set `key` if it is not at a usual place",
                  (unsigned)settings->port, settings->user, settings->host);
  } else if (!strstr(allowed, "publickey")) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "%s does not let %s log in with a key; it allows %s", settings->host, settings->user, allowed);
    penstock_next(login->error, "Its sshd_config needs `PubkeyAuthentication yes`: penstock never sends a password");
  } else {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "%s refused the login of %s: none of the %u keys offered is accepted; the server allows %s",
                        settings->host, settings->user, login->offers, allowed);
    penstock_next(login->error, "Check `user` and `key`; `ssh-copy-id -p %u -i KEY.pub %s@%s` adds a key there",
                  (unsigned)settings->port, settings->user, settings->host);
  }
  add_detail(login);
  return PENSTOCK_E_FAILED;
}

static int fail_file(const login_attempt *login, const char *path, const char *what, const char *next) {
  (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_CONFIG, "key file %s %s", path, what);
  if (next) {
    penstock_next(login->error, "%s", next);
  }
  return PENSTOCK_E_FAILED;
}

/* --- key files ------------------------------------------------------------------------------------- */

static int is_putty_key(const char *path) {
  static const char magic[] = "PuTTY-User-Key-File-";
  char start[sizeof(magic)] = "";
  FILE *file = fopen(path, "re");
  size_t count = file ? fread(start, 1, sizeof(magic) - 1, file) : 0;
  if (file) {
    (void)fclose(file);
  }
  return count == sizeof(magic) - 1 && memcmp(start, magic, count) == 0;
}

/* Its public half: beside it, or in the open part of its own file, or the file itself. */
static void load_public(key_file *file) {
  char path[4096];
  char *text = NULL;
  int length = snprintf(path, sizeof(path), "%s.pub", file->path);
  if ((size_t)length >= sizeof(path) || access(path, R_OK) != 0 ||
      ssh_pki_import_pubkey_file(path, &file->public_key) != SSH_OK) {
    file->public_key = NULL;
    if (ssh_pki_import_pubkey_file(file->path, &file->public_key) != SSH_OK) {
      file->public_key = NULL;
      return;
    }
  }
  if (ssh_pki_export_pubkey_base64(file->public_key, &text) == SSH_OK) {
    file->blob = known_hosts_decode(text, strlen(text), &file->blob_size);
  }
  ssh_string_free_char(text);
}

static int check_file(const login_attempt *login, key_file *file) {
  char what[256];
  char next[512];
  struct stat info;
  int is_default = login->link->settings.keys_are_default;
  if (stat(file->path, &info) != 0) {
    int code = errno;
    load_public(file); /* a key that lives in the agent alone, known here by its public half */
    if (file->public_key || (is_default && (code == ENOENT || code == ENOTDIR))) {
      return 0;
    }
    (void)snprintf(what, sizeof(what), "cannot be used: %s", strerror(code));
    return fail_file(login, file->path, what, "Check `key` in the profile");
  }
  if (is_putty_key(file->path)) {
    (void)snprintf(next, sizeof(next),
                   "Convert it: puttygen %s -O private-openssh -o NEWFILE, and set `key` to NEWFILE", file->path);
    return fail_file(login, file->path, "is in PuTTY's format", next);
  }
  load_public(file);
  if (info.st_uid == geteuid() && (info.st_mode & 077) != 0) {
    (void)snprintf(what, sizeof(what), "can be read by others (mode %04o): it is not used",
                   (unsigned)(info.st_mode & 07777));
    (void)snprintf(next, sizeof(next), "chmod 600 '%s'", file->path);
    if (is_default) {
      penstock_logf(login->link->host, PENSTOCK_LOG_WARN, "key file %s %s; %s", file->path, what, next);
      return 0;
    }
    return fail_file(login, file->path, what, next);
  }
  if (access(file->path, R_OK) != 0) {
    (void)snprintf(what, sizeof(what), "cannot be used: %s", strerror(errno));
    return is_default ? 0 : fail_file(login, file->path, what, "Check its owner and mode");
  }
  file->is_usable = 1;
  return 0;
}

static int look_at_files(login_attempt *login) {
  const ssh_settings *settings = &login->link->settings;
  login->files = calloc(settings->keys.count + 1, sizeof(*login->files));
  if (!login->files) {
    return penstock_fail(login->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
  }
  for (size_t i = 0; i < settings->keys.count; i++) {
    key_file *file = &login->files[login->file_count++];
    file->path = settings->keys.items[i];
    if (check_file(login, file)) {
      return PENSTOCK_E_FAILED;
    }
  }
  return 0;
}

/* --- offering -------------------------------------------------------------------------------------- */

static offer_result judge(login_attempt *login, int result) {
  switch (result) {
  case SSH_AUTH_SUCCESS:
    return OFFER_ACCEPTED;
  case SSH_AUTH_DENIED:
    return OFFER_REFUSED;
  case SSH_AUTH_PARTIAL:
    return fail_partial(login);
  default:
    return fail_session(login);
  }
}

static offer_result offer_private(login_attempt *login, const key_file *file, const ssh_key key) {
  offer_result result = judge(login, ask(login, ASK_PRIVATE_KEY, key));
  if (result == OFFER_ACCEPTED) {
    (void)snprintf(login->text, login->text_size, "%s, key %s (%s)", login->link->settings.user, file->path,
                   ssh_key_type_to_char(ssh_key_type(key)));
  }
  return result;
}

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

static ssh_key ask_and_decrypt(const login_attempt *login, const key_file *file) {
  const penstock_host *host = login->link->host;
  char passphrase[PASSPHRASE_SIZE];
  char name[4200];
  char question[4300];
  ssh_key key = NULL;
  int result = 0;
  (void)snprintf(name, sizeof(name), "ssh-key:%s", file->path);
  (void)snprintf(question, sizeof(question), "Passphrase for key '%s': ", file->path);
  for (int i = 0; i < PASSPHRASE_TRIES && !key && result == 0; i++) {
    result = host->prompt(host, PENSTOCK_PROMPT_SECRET, name, question, passphrase, sizeof(passphrase));
    if (result == 0 && ssh_pki_import_privkey_file(file->path, passphrase, NULL, NULL, &key) != SSH_OK) {
      key = NULL;
      host->prompt_forget(host, name);
    }
    OPENSSL_cleanse(passphrase, sizeof(passphrase));
  }
  if (!key) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, "key file %s is encrypted, and %s",
                        file->path,
                        result == PENSTOCK_E_UNSUPPORTED ? "there is nobody to ask for its passphrase"
                        : result                         ? "no passphrase was given"
                                                         : "the passphrases given do not open it");
    penstock_next(login->error, "Load it into the agent (ssh-add '%s'), or set `passphrase` (env:, file: or command:)",
                  file->path);
  }
  return key;
}

/* The private key of an encrypted file. NULL with the login's error. */
static ssh_key decrypt(const login_attempt *login, const key_file *file) {
  const penstock_host *host = login->link->host;
  const char *reference = login->link->settings.passphrase;
  char passphrase[PASSPHRASE_SIZE];
  ssh_key key = NULL;
  if (!reference || strcmp(reference, "prompt") == 0) {
    return ask_and_decrypt(login, file);
  }
  if (host->get_secret(host, reference, passphrase, sizeof(passphrase), login->error)) {
    return NULL;
  }
  if (ssh_pki_import_privkey_file(file->path, passphrase, NULL, NULL, &key) != SSH_OK) {
    key = NULL;
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "the passphrase that the profile refers to does not open key file %s", file->path);
    penstock_next(login->error, "Try it with: ssh-keygen -y -f '%s'", file->path);
  }
  OPENSSL_cleanse(passphrase, sizeof(passphrase));
  return key;
}

static offer_result offer_encrypted(login_attempt *login, const key_file *file) {
  if (file->public_key) { /* no passphrase is asked for a key that the server does not want */
    note_key(login, file->public_key, file->path);
    int answer = ask(login, ASK_PUBLIC_KEY, file->public_key);
    if (answer != SSH_AUTH_SUCCESS) {
      return judge(login, answer);
    }
  }
  ssh_key key = decrypt(login, file);
  if (!key) {
    return OFFER_FAILED;
  }
  if (!file->public_key) {
    note_key(login, key, file->path);
  }
  offer_result result = offer_private(login, file, key);
  ssh_key_free(key);
  return result;
}

static offer_result offer_file(login_attempt *login, const key_file *file) {
  ssh_key key = NULL;
  int is_encrypted = 0;
  if (ssh_pki_import_privkey_file(file->path, NULL, note_encrypted, &is_encrypted, &key) == SSH_OK) {
    note_key(login, key, file->path);
    offer_result result = offer_private(login, file, key);
    ssh_key_free(key);
    return result;
  }
  if (is_encrypted) {
    return offer_encrypted(login, file);
  }
  if (file->public_key) {
    /* A public key file, or a kind of private key that only an agent can use (FIDO). */
    (void)snprintf(login->agent_note, sizeof(login->agent_note), "%s: only an agent can use it, and has it not",
                   file->path);
    return OFFER_REFUSED;
  }
  if (login->link->settings.keys_are_default) {
    penstock_logf(login->link->host, PENSTOCK_LOG_WARN, "key file %s cannot be read as a private key", file->path);
    return OFFER_REFUSED;
  }
  (void)fail_file(login, file->path, "cannot be read as a private key",
                  "`key` names the private key, in OpenSSH's or PEM "
                  "format: try ssh-keygen -y -f on it");
  return OFFER_FAILED;
}

/* --- the order ------------------------------------------------------------------------------------- */

static int is_same_key(const key_file *file, const key_agent_key *key) {
  return file->blob && file->blob_size == key->blob_size && memcmp(file->blob, key->blob, key->blob_size) == 0;
}

/* Kinds of keys that libssh knows; at another one it would stop, and never offer those behind it. */
static int is_known_kind(const key_agent_key *key) {
  enum ssh_keytypes_e type = ssh_key_type_from_name(key->type);
  return type != SSH_KEYTYPE_UNKNOWN && type != SSH_KEYTYPE_DSS && !strstr(key->type, "-cert-");
}

static void show_agent_key(login_attempt *login, size_t index) {
  const key_agent_key *key = key_agent_get(login->agent, index);
  char fingerprint[KNOWN_HOSTS_FINGERPRINT_SIZE];
  char source[160];
  if (is_known_kind(key)) {
    known_hosts_fingerprint(key->blob, key->blob_size, fingerprint);
    (void)snprintf(source, sizeof(source), "agent, %s", key->comment);
    note_offer(login, key->type, fingerprint, source);
    key_agent_show(login->agent, index);
  }
}

/* The agent's keys: those that `key` names, in its order, then the others. */
static void choose_agent_keys(login_attempt *login) {
  const key_agent_key *key;
  for (size_t i = 0; i < login->file_count; i++) {
    for (size_t j = 0; (key = key_agent_get(login->agent, j)) && !login->files[i].is_in_agent; j++) {
      if (is_same_key(&login->files[i], key)) {
        login->files[i].is_in_agent = 1;
        show_agent_key(login, j);
      }
    }
  }
  for (size_t j = 0; !login->link->settings.identities_only && (key = key_agent_get(login->agent, j)); j++) {
    int is_named = 0;
    for (size_t i = 0; i < login->file_count; i++) {
      is_named |= is_same_key(&login->files[i], key);
    }
    if (!is_named) {
      show_agent_key(login, j);
    }
  }
}

static offer_result offer_agent_keys(login_attempt *login) {
  choose_agent_keys(login);
  if (login->offers == 0) {
    return OFFER_REFUSED;
  }
  socket_t socket = (socket_t)key_agent_stand_in(login->agent);
  if (socket < 0 || ssh_set_agent_socket(login->link->session, socket) != SSH_OK) {
    dial_close(socket);
    (void)snprintf(login->agent_note, sizeof(login->agent_note), "the agent cannot be used: no descriptor or thread");
    return OFFER_REFUSED;
  }
  offer_result result = judge(login, ask(login, ASK_AGENT, NULL));
  const key_agent_key *signer = key_agent_signed(login->agent);
  if (result == OFFER_ACCEPTED && signer) {
    (void)snprintf(login->text, login->text_size, "%s, agent key '%s' (%s)", login->link->settings.user,
                   signer->comment, signer->type);
  }
  return result;
}

static offer_result offer_all(login_attempt *login) {
  const ssh_settings *settings = &login->link->settings;
  offer_result result = OFFER_REFUSED;
  if (settings->agent_socket) {
    char why[200];
    login->agent =
        key_agent_open(settings->agent_socket, ssh_time_left(login->link, login->deadline_ns), why, sizeof(why));
    if (!login->agent) {
      (void)snprintf(login->agent_note, sizeof(login->agent_note), "the agent cannot be used: %s", why);
      penstock_logf(login->link->host, PENSTOCK_LOG_WARN, "%s", login->agent_note);
    }
  }
  if (login->agent) {
    result = offer_agent_keys(login);
  }
  for (size_t i = 0; i < login->file_count && result == OFFER_REFUSED; i++) {
    if (login->files[i].is_usable && !login->files[i].is_in_agent) {
      result = offer_file(login, &login->files[i]);
    }
  }
  if (result == OFFER_REFUSED && login->offers == 0) {
    result = judge(login, ask(login, ASK_NONE, NULL)); /* to learn what the server allows */
    (void)snprintf(login->text, login->text_size, "%s, without a key", settings->user);
  }
  return result;
}

int ssh_log_in(ssh_link *link, uint64_t deadline_ns, char *text, size_t text_size, penstock_error *error) {
  login_attempt login = {
      .link = link, .deadline_ns = deadline_ns, .text = text, .text_size = text_size, .error = error};
  int result = look_at_files(&login);
  if (!result) {
    switch (offer_all(&login)) {
    case OFFER_ACCEPTED:
      break;
    case OFFER_REFUSED:
      result = fail_refused(&login);
      break;
    case OFFER_FAILED:
      result = PENSTOCK_E_FAILED;
    }
  }
  key_agent_close(login.agent);
  for (size_t i = 0; i < login.file_count; i++) {
    ssh_key_free(login.files[i].public_key);
    free(login.files[i].blob);
  }
  free(login.files);
  return result;
}

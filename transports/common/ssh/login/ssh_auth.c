/* SPDX-License-Identifier: MIT */
/*
 * Login: the methods that the settings allow, in their order, as long as the server wants one of them. Keys are
 * offered in ssh_auth_keys.c, the server's questions put in ssh_auth_interactive.c. Never a password.
 */
#include "common/ssh/login/ssh_auth.h"

#include "common/advice.h"

enum { PARTIAL_MAX = 8 };

/* The methods that exist, by the name that settings and servers have for them. */
typedef struct login_method {
  const char *name;
  unsigned flag;
  ssh_login_result (*run)(ssh_login *login); /* NULL = never used */
} login_method;

static const login_method methods[] = {
    {"publickey", SSH_AUTH_METHOD_PUBLICKEY, ssh_login_with_keys},
    {"keyboard-interactive", SSH_AUTH_METHOD_INTERACTIVE, ssh_login_interactive},
    {"password", SSH_AUTH_METHOD_PASSWORD, NULL},
    {"gssapi-with-mic", SSH_AUTH_METHOD_GSSAPI_MIC, NULL},
    {"hostbased", SSH_AUTH_METHOD_HOSTBASED, NULL},
};

enum { METHOD_COUNT = sizeof(methods) / sizeof(methods[0]) };

/* --- questions ------------------------------------------------------------------------------------- */

static int ask_once(ssh_session session, ssh_login_question question, ssh_key key) {
  switch (question) {
  case ASK_AGENT:
    return key_agent_log_in(session);
  case ASK_PUBLIC_KEY:
    return ssh_userauth_try_publickey(session, NULL, key);
  case ASK_PRIVATE_KEY:
    return ssh_userauth_publickey(session, NULL, key);
  case ASK_INTERACTIVE:
    return ssh_userauth_kbdint(session, NULL, NULL);
  default:
    return ssh_userauth_none(session, NULL);
  }
}

/*
 * The waiting is ours, because libssh's does not notice that the server has hung up, as one does after too many keys,
 * and waits until the time is over.
 */
int ssh_login_ask(const ssh_login *login, ssh_login_question question, ssh_key key) {
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

/* --- errors ---------------------------------------------------------------------------------------- */

static const char *server_allows(const ssh_login *login, char *text, size_t size) {
  unsigned allowed = (unsigned)ssh_userauth_list(login->link->session, NULL);
  size_t used = 0;
  (void)snprintf(text, size, "nothing that it names");
  for (size_t i = 0; i < METHOD_COUNT; i++) {
    if (allowed & methods[i].flag) {
      used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", methods[i].name);
    }
  }
  return text;
}

static void add_detail(const ssh_login *login) {
  const char *notes = login->identities.notes;
  if (login->error) {
    (void)snprintf(login->error->detail, sizeof(login->error->detail), "%s%s%s%s", login->offers ? "offered:\n" : "",
                   login->offered, login->offers && notes[0] ? "\n" : "", notes);
    penstock_utf8_trim(login->error->detail, sizeof(login->error->detail));
  }
}

/* The session broke, or time ran out, while logging in. */
static ssh_login_result fail_session(ssh_login *login) {
  const ssh_settings *settings = &login->link->settings;
  const char *reason = ssh_get_error(login->link->session);
  if (ssh_time_left(login->link, login->deadline_ns) == 0) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_TRANSIENT,
                        "%s did not answer the login of %s in time", settings->host, settings->user);
  } else if (strstr(reason, "Too many authentication failures")) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH, "%s refused %u key%s of %s and hung up",
                        settings->host, login->offers, login->offers == 1 ? "" : "s", settings->user);
    penstock_next(login->error, "Name the one key that this host knows: key = ~/.ssh/..., which also sets "
                                "identities_only");
  } else {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_TRANSIENT,
                        "%s ended the connection during the login of %s: %s", settings->host, settings->user, reason);
    penstock_next(login->error, "It is tried again. The log of the server's sshd says why");
  }
  return LOGIN_FAILED;
}

ssh_login_result ssh_login_judge(ssh_login *login, int answer) {
  switch (answer) {
  case SSH_AUTH_SUCCESS:
    return LOGIN_DONE;
  case SSH_AUTH_DENIED:
    return LOGIN_REFUSED;
  case SSH_AUTH_PARTIAL:
    return LOGIN_PARTIAL;
  default:
    return fail_session(login);
  }
}

void ssh_login_tell(ssh_login *login, const char *format, ...) {
  size_t used = strlen(login->text);
  va_list arguments;
  if (used > 0) {
    used += (size_t)snprintf(login->text + used, sizeof(login->text) - used, ", then ");
  }
  if (used < sizeof(login->text)) {
    va_start(arguments, format);
    (void)vsnprintf(login->text + used, sizeof(login->text) - used, format, arguments);
    va_end(arguments);
  }
  penstock_utf8_trim(login->text, sizeof(login->text));
}

int32_t ssh_login_prompt(const ssh_login *login, uint32_t kind, const char *key, const char *question, char *answer,
                         size_t size) {
  const penstock_host *host = login->link->host;
  return login->link->settings.batch_mode ? PENSTOCK_E_UNSUPPORTED
                                          : host->prompt(host, kind, key, question, answer, size);
}

void ssh_login_hinder(ssh_login *login, uint32_t error_class, const char *next, const char *format, ...) {
  char what[sizeof(login->obstacle.what)];
  va_list arguments;
  if (login->obstacle.error_class != PENSTOCK_CLASS_NONE) {
    return;
  }
  va_start(arguments, format);
  (void)vsnprintf(what, sizeof(what), format, arguments);
  va_end(arguments);
  (void)penstock_fail(&login->obstacle, PENSTOCK_LEG_AUTH, error_class, "%s", what);
  penstock_next(&login->obstacle, "%s", next);
}

/* --- no method is left ----------------------------------------------------------------------------- */

static int may_use(const ssh_settings *settings, const char *name) {
  for (size_t i = 0; i < settings->methods.count; i++) {
    if (strcmp(settings->methods.items[i], name) == 0) {
      return 1;
    }
  }
  return 0;
}

/* The server would ask questions, and the profile does not let it. */
static int interactive_would_do(const ssh_login *login, const char *allowed) {
  return strstr(allowed, "keyboard-interactive") && !may_use(&login->link->settings, "keyboard-interactive");
}

static void fail_partial(ssh_login *login, const char *allowed) {
  const ssh_settings *settings = &login->link->settings;
  (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                      "%s accepts %s of %s, and then wants more: %s", settings->host,
                      login->text[0] ? login->text : "the login", settings->user, allowed);
  if (interactive_would_do(login, allowed)) {
    penstock_next(login->error, "Let it ask you: auth = publickey, keyboard-interactive");
  } else {
    penstock_next(login->error, "penstock never sends a password: ask for an account, or a Match block in its "
                                "sshd_config, with `AuthenticationMethods publickey`");
  }
}

static void fail_without_key(ssh_login *login, const char *allowed) {
  const ssh_settings *settings = &login->link->settings;
  (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                      "there is no key to log in to %s with as %s; the server allows %s", settings->host,
                      settings->user, allowed);
  if (interactive_would_do(login, allowed)) {
    penstock_next(login->error, "Let it ask you: auth = publickey, keyboard-interactive; or make a key and set `key`");
  } else {
    char command[400];
    advice_write_key_copy(command, sizeof(command), "", settings->port, settings->user, settings->host);
    penstock_next(login->error,
                  "Make a key with `ssh-keygen -t ed25519`, copy it there with `%s`, "
                  "and %s if it is not at a usual place",
                  command,
                  login->link->is_hop ? "name it with IdentityFile for this host in ssh_config (`key` is the last "
                                        "host's alone)"
                                      : "set `key`");
  }
}

static void fail_method(ssh_login *login, const char *allowed) {
  const ssh_settings *settings = &login->link->settings;
  (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                      "%s does not let %s log in with %s; it allows %s", settings->host, settings->user,
                      may_use(settings, "publickey") ? "a key" : "what `auth` names", allowed);
  if (interactive_would_do(login, allowed)) {
    penstock_next(login->error, "Let it ask you: auth = publickey, keyboard-interactive");
  } else {
    penstock_next(login->error, "Its sshd_config needs `PubkeyAuthentication yes`: penstock never sends a password");
  }
}

static void fail_keys(ssh_login *login, const char *allowed) {
  const ssh_settings *settings = &login->link->settings;
  if (login->offers == 1) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "%s refused the login of %s: the key offered is not accepted; the server allows %s",
                        settings->host, settings->user, allowed);
  } else {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "%s refused the login of %s: none of the %u keys offered is accepted; the server allows %s",
                        settings->host, settings->user, login->offers, allowed);
  }
  char command[400];
  advice_write_key_copy(command, sizeof(command), "KEY.pub", settings->port, settings->user, settings->host);
  penstock_next(login->error,
                "Check %s; `%s` adds a key there. An account that is "
                "locked, or whose login shell does not exist, is refused in the same way",
                login->link->is_hop ? "User and IdentityFile of this host in ssh_config" : "`user` and `key`", command);
}

static void fail_refused(ssh_login *login) {
  char allowed[128];
  (void)server_allows(login, allowed, sizeof(allowed));
  if (login->obstacle.error_class != PENSTOCK_CLASS_NONE && login->error) {
    uint32_t size = login->error->struct_size;
    *login->error = login->obstacle;
    login->error->struct_size = size;
  } else if (login->partial > 0) {
    fail_partial(login, allowed);
  } else if (may_use(&login->link->settings, "publickey") && strstr(allowed, "publickey")) {
    if (login->offers == 0) {
      fail_without_key(login, allowed);
    } else {
      fail_keys(login, allowed);
    }
  } else {
    fail_method(login, allowed);
  }
}

/* --- the methods in turn --------------------------------------------------------------------------- */

/* The next method that may be used, that the server wants (as far as it has said), and that is not used up. */
static const login_method *next_method(const ssh_login *login, unsigned used_up) {
  const ssh_settings *settings = &login->link->settings;
  unsigned allowed = (unsigned)ssh_userauth_list(login->link->session, NULL);
  for (size_t i = 0; i < settings->methods.count; i++) {
    for (size_t j = 0; j < METHOD_COUNT; j++) {
      const login_method *each = &methods[j];
      if (each->run && strcmp(each->name, settings->methods.items[i]) == 0 && !(used_up & each->flag) &&
          (allowed == 0 || (allowed & each->flag))) {
        return each;
      }
    }
  }
  return NULL;
}

static ssh_login_result run_methods(ssh_login *login) {
  unsigned used_up = 0;
  int has_asked = 0;
  for (;;) {
    const login_method *method = next_method(login, used_up);
    int is_told = ssh_userauth_list(login->link->session, NULL) != 0;
    if (!method && (is_told || has_asked)) {
      return LOGIN_REFUSED;
    }
    /* A key is offered unasked, which saves a round trip; before anybody is asked, the server has to want it. */
    if (!method || (method->flag == SSH_AUTH_METHOD_INTERACTIVE && !is_told && !has_asked)) {
      has_asked = 1;
      method = NULL;
    }
    ssh_login_result result =
        method ? method->run(login) : ssh_login_judge(login, ssh_login_ask(login, ASK_NONE, NULL));
    if (result == LOGIN_PARTIAL && login->partial++ < PARTIAL_MAX) {
      used_up = 0; /* the server starts over with what is left to prove */
    } else if (result == LOGIN_REFUSED) {
      used_up |= method ? method->flag : 0;
    } else {
      return result == LOGIN_PARTIAL ? LOGIN_REFUSED : result;
    }
  }
}

int ssh_log_in(ssh_link *link, uint64_t deadline_ns, char *text, size_t text_size, penstock_error *error) {
  ssh_login login = {.link = link, .deadline_ns = deadline_ns, .error = error};
  ssh_login_result result = run_methods(&login);
  if (result == LOGIN_DONE) {
    (void)snprintf(text, text_size, "%s, %s", link->settings.user, login.text[0] ? login.text : "without a key");
  } else if (result == LOGIN_REFUSED) {
    fail_refused(&login);
  }
  if (result != LOGIN_DONE) {
    add_detail(&login);
  }
  ssh_identities_clear(&login.identities);
  return result == LOGIN_DONE ? 0 : PENSTOCK_E_FAILED;
}

/* SPDX-License-Identifier: MIT */
/* keyboard-interactive (RFC 4256): the server asks, the user answers. Only if the profile says so. */
#include <openssl/crypto.h>

#include "common/advice.h"
#include "common/ssh/login/ssh_auth.h"

enum { ANSWER_SIZE = 1024, ROUNDS_MAX = 32 };

static ssh_login_result fail_asking(ssh_login *login, int32_t reason) {
  const ssh_settings *settings = &login->link->settings;
  if (settings->batch_mode) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "%s has questions for %s (keyboard-interactive), and BatchMode forbids to ask", settings->host,
                        settings->user);
    penstock_next(login->error, "Take BatchMode out of ssh_config for this host, or log in with a key alone");
  } else if (reason == PENSTOCK_E_UNSUPPORTED) {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "%s has questions for %s (keyboard-interactive), and there is nobody to ask", settings->host,
                        settings->user);
    penstock_next(login->error, "%s", advice_ask);
  } else {
    (void)penstock_fail(login->error, PENSTOCK_LEG_AUTH, PENSTOCK_CLASS_AUTH,
                        "a question of %s was not answered (keyboard-interactive)", settings->host);
    penstock_next(login->error, "Start again to be asked again; with a key alone nothing is asked: auth = publickey");
  }
  return LOGIN_FAILED;
}

/* The user is to see who asks: the server chooses its words itself. */
static void make_question(const ssh_login *login, unsigned number, const char *prompt, char *question, size_t size) {
  const ssh_settings *settings = &login->link->settings;
  const char *name = number == 0 ? ssh_userauth_kbdint_getname(login->link->session) : NULL;
  const char *instruction = number == 0 ? ssh_userauth_kbdint_getinstruction(login->link->session) : NULL;
  int has_name = name && name[0];
  int has_instruction = instruction && instruction[0];
  (void)snprintf(question, size, "%s%s%s%s(%s@%s) %s", has_name ? name : "", has_name ? "\n" : "",
                 has_instruction ? instruction : "", has_instruction ? "\n" : "", settings->user, settings->host,
                 prompt);
  penstock_utf8_trim(question, size);
}

/* Answers one round of questions. Answers are never kept: they may be good for one time only. */
static int32_t answer_round(const ssh_login *login) {
  const penstock_host *host = login->link->host;
  ssh_session session = login->link->session;
  int count = ssh_userauth_kbdint_getnprompts(session);
  int32_t result = 0;
  if (count == 0) { /* something is to be said, and nothing asked */
    const char *instruction = ssh_userauth_kbdint_getinstruction(session);
    if (instruction && instruction[0]) {
      penstock_logf(host, PENSTOCK_LOG_INFO, "%s says: %s", login->link->settings.host, instruction);
    }
  }
  for (int i = 0; i < count && result == 0; i++) {
    char question[2048];
    char answer[ANSWER_SIZE];
    char echo = 0;
    const char *prompt = ssh_userauth_kbdint_getprompt(session, (unsigned)i, &echo);
    make_question(login, (unsigned)i, prompt ? prompt : "", question, sizeof(question));
    result = ssh_login_prompt(login, echo ? PENSTOCK_PROMPT_TEXT : PENSTOCK_PROMPT_SECRET, NULL, question, answer,
                              sizeof(answer));
    if (result == 0 && ssh_userauth_kbdint_setanswer(session, (unsigned)i, answer) < 0) {
      result = PENSTOCK_E_NOMEM;
    }
    OPENSSL_cleanse(answer, sizeof(answer));
  }
  return result;
}

ssh_login_result ssh_login_interactive(ssh_login *login) {
  ssh_login_result result = LOGIN_REFUSED;
  unsigned rounds = 0;
  for (int i = 0; i < LOGIN_TRIES && result == LOGIN_REFUSED; i++) {
    int answer;
    unsigned before = rounds;
    while ((answer = ssh_login_ask(login, ASK_INTERACTIVE, NULL)) == SSH_AUTH_INFO && rounds++ < ROUNDS_MAX) {
      int32_t reason = answer_round(login);
      if (reason) {
        return fail_asking(login, reason);
      }
    }
    result = ssh_login_judge(login, answer);
    if (rounds == before) {
      break; /* refused unasked: so it would be again */
    }
  }
  if (result == LOGIN_DONE || result == LOGIN_PARTIAL) {
    ssh_login_tell(login, "keyboard-interactive");
  } else if (result == LOGIN_REFUSED && rounds > 0) {
    ssh_login_hinder(login, PENSTOCK_CLASS_AUTH, "Check what the server asks for, and start again to be asked again",
                     "%s did not accept the answers of %s (keyboard-interactive)", login->link->settings.host,
                     login->link->settings.user);
  }
  return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * ssh's questions. It runs without a terminal and with a helper that brings every question here: passphrases and PINs
 * are asked as penstock asks, and kept for a reconnect; a secret reference of the profile answers for itself; whether
 * to trust a host is never asked.
 */
#include "common/openssh/openssh_internal.h"

static const char passphrase_question[] = "Enter passphrase for key '";

static void wipe(char *text, size_t size) {
  volatile char *at = text;
  while (size-- > 0) {
    *at++ = 0;
  }
}

static void refuse(const openssh_link *link, const char *why) {
  if (why) {
    penstock_logf(link->host, PENSTOCK_LOG_WARN, "ssh gets no answer to its question: %s", why);
  }
  (void)openssh_folder_answer(&link->folder, 0, NULL);
}

static void answer(const openssh_link *link, int32_t result, char *text, size_t size, const char *why) {
  if (result != PENSTOCK_OK) {
    refuse(link,
           result == PENSTOCK_E_UNSUPPORTED ? "there is no terminal and no SSH_ASKPASS to ask the user with" : why);
  } else if (openssh_folder_answer(&link->folder, 1, text)) {
    refuse(link, "the answer is too long");
  }
  wipe(text, size);
}

static int was_asked(const openssh_link *link, const char *question) {
  for (size_t i = 0; i < link->asked.count; i++) {
    if (strcmp(link->asked.items[i], question) == 0) {
      return 1;
    }
  }
  return 0;
}

/* Notes the question; was it asked before? */
static int is_repeated(openssh_link *link, const char *question) {
  int result = was_asked(link, question);
  if (!result) {
    (void)ssh_texts_add(&link->asked, question);
  }
  return result;
}

static void ask_user(openssh_link *link, const char *question, int is_kept, int repeats) {
  const penstock_host *host = link->host;
  char text[1024];
  const char *key = is_kept ? question : NULL; /* a one-time code is not to be given twice */
  if (repeats && is_kept) {
    host->prompt_forget(host, question);
  }
  int32_t result = host->prompt(host, PENSTOCK_PROMPT_SECRET, key, question, text, sizeof(text));
  if (result == PENSTOCK_E_UNSUPPORTED) {
    (void)snprintf(link->story.unanswered, sizeof(link->story.unanswered), "%s", question);
    penstock_utf8_trim(link->story.unanswered, sizeof(link->story.unanswered));
  }
  answer(link, result, text, sizeof(text), "the user gave none");
}

static void give_passphrase(const openssh_link *link, int repeats) {
  penstock_error error = {.struct_size = (uint32_t)sizeof(error)};
  char text[1024];
  if (repeats) {
    refuse(link, "the `passphrase` of the profile does not open the key");
    return;
  }
  int32_t result = link->host->get_secret(link->host, link->extra.passphrase, text, sizeof(text), &error);
  answer(link, result, text, sizeof(text), error.what);
}

/*
 * Is it ssh itself that wants to know, for a key of the user's? A server chooses the words of its own questions
 * (keyboard-interactive), and must not get a passphrase for them: since OpenSSH 8.5 they begin with "(user@host) ".
 */
static int is_of_key(const openssh_link *link, const char *question) {
  static const char pin[] = "Enter PIN for ";
  return !link->is_server_heard && (strncmp(question, passphrase_question, sizeof(passphrase_question) - 1) == 0 ||
                                    strncmp(question, pin, sizeof(pin) - 1) == 0);
}

static void on_question(openssh_link *link, const char *kind, const char *question) {
  char text[2] = "";
  if (strcmp(kind, "none") == 0) {
    link->host->op_progress(link->host, link->connecting.op, question);
    return;
  }
  if (strstr(question, "(yes/no")) {
    refuse(link, NULL); /* of a hop: ssh then says what it has refused */
  } else if (strcmp(kind, "confirm") == 0) {
    answer(link, link->host->prompt(link->host, PENSTOCK_PROMPT_CONFIRM, NULL, question, text, sizeof(text)), text,
           sizeof(text), "the user said no");
  } else {
    int repeats = is_repeated(link, question);
    int is_key = is_of_key(link, question);
    int is_passphrase = is_key && strncmp(question, passphrase_question, sizeof(passphrase_question) - 1) == 0;
    if (is_passphrase && link->extra.passphrase) {
      give_passphrase(link, repeats);
    } else {
      ask_user(link, question, is_key, repeats);
    }
  }
}

/* Of an ssh that logs in once more while the link is up: nobody is asked, as nothing may wait then. An answer that was
 * kept comes at once. */
static void on_question_again(const openssh_link *link, const char *question) {
  const penstock_host *host = link->host;
  char text[1024];
  if (is_of_key(link, question) && link->extra.passphrase) {
    give_passphrase(link, 0);
  } else if (is_of_key(link, question) && was_asked(link, question)) {
    answer(link, host->prompt(host, PENSTOCK_PROMPT_SECRET, question, question, text, sizeof(text)), text, sizeof(text),
           "it was not kept");
  } else {
    refuse(link, "each connection is a login of its own, and this question would be asked for each");
  }
}

static void take_question(openssh_link *link) {
  char *kind = link->question;
  char *question = strchr(kind, '\n');
  if (!question) {
    refuse(link, "it cannot be read");
    return;
  }
  *question++ = '\0';
  if (link->connecting.op) {
    on_question(link, kind, question);
  } else if (strcmp(kind, "none") == 0) {
    penstock_logf(link->host, PENSTOCK_LOG_INFO, "ssh: %s", question);
  } else if (openssh_program_streams_cost(&link->carrier)) {
    on_question_again(link, question);
  } else {
    refuse(link, "it came when the link was up already");
  }
}

void openssh_ask_read(openssh_link *link) {
  char text[512];
  size_t count;
  while (link->folder.path[0] && (count = openssh_folder_read(link->folder.ask, text, sizeof(text))) > 0) {
    for (size_t i = 0; i < count; i++) {
      if (text[i] == OPENSSH_ASK_END) {
        link->question[link->question_size] = '\0';
        link->question_size = 0;
        take_question(link);
      } else if (link->question_size < sizeof(link->question) - 1) {
        link->question[link->question_size++] = text[i];
      }
    }
  }
}

/* SPDX-License-Identifier: MIT */
#include "host/prompt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/advice.h"
#include "base/text.h"
#include "host/ask.h"
#include "host/vault.h"
#include "log/log.h"

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static atomic_int allowed = 1;

void ps_prompt_allow(int allow) {
  atomic_store(&allowed, allow);
}

/* Questions come from servers too. Line breaks stay, as ssh(1) has it; nothing else may steer the terminal. */
static char *safe_question(const char *question) {
  ps_text text = {0};
  char *copy = strdup(question);
  char *rest = copy;
  for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
    ps_text_add_safe(&text, line);
    if (rest) {
      ps_text_adds(&text, "\n");
    }
  }
  free(copy);
  ps_text_adds(&text, "");
  if (!copy || text.no_memory) {
    free(text.data);
    return NULL;
  }
  return text.data;
}

static int32_t ask_if_allowed(uint32_t kind, const char *question, char *answer, size_t answer_size) {
  if (!atomic_load(&allowed)) {
    return PENSTOCK_E_UNSUPPORTED;
  }
  (void)ps_prompt_cancel_fd(); /* from here on a cancel is not missed */
  if (ps_prompt_cancelled()) {
    return PENSTOCK_E_CANCELLED;
  }
  char *safe = safe_question(question);
  if (!safe) {
    return PENSTOCK_E_NOMEM;
  }
  int32_t result = ps_prompt_ask(kind, safe, answer, answer_size);
  free(safe);
  return result;
}

static void keep(const char *key, const char *answer) {
  if (ps_vault_put(key, answer) != PENSTOCK_OK) {
    ps_log(PENSTOCK_LOG_WARN, "prompt",
           "the answer is not kept, as its memory cannot be locked: a reconnect will ask again%s", ps_advice_lock);
  }
}

int32_t ps_prompt(uint32_t kind, const char *key, const char *question, char *answer, size_t answer_size) {
  char unused[1];
  int confirms = kind == PENSTOCK_PROMPT_CONFIRM;
  if (!question || kind < PENSTOCK_PROMPT_SECRET || kind > PENSTOCK_PROMPT_CONFIRM ||
      (!confirms && (!answer || answer_size == 0))) {
    return PENSTOCK_E_INVALID;
  }
  if (!answer || answer_size == 0) {
    answer = unused;
    answer_size = sizeof(unused);
  }
  answer[0] = '\0';
  int kept = key && kind == PENSTOCK_PROMPT_SECRET;
  pthread_mutex_lock(&one_at_a_time);
  /* Under the lock: the lane that asked before us may have been told what we want to know. */
  int32_t result = kept ? ps_vault_get(key, answer, answer_size) : PENSTOCK_E_NOT_FOUND;
  if (result == PENSTOCK_E_NOT_FOUND) {
    result = ask_if_allowed(kind, question, answer, answer_size);
    if (result == PENSTOCK_OK && kept) {
      keep(key, answer);
    }
  }
  pthread_mutex_unlock(&one_at_a_time);
  return result;
}

void ps_prompt_forget(const char *key) {
  ps_vault_forget(key);
}

/* SPDX-License-Identifier: MIT */
#include "probe/ask.h"

#include <stdlib.h>

#include <uv.h>

#include "net/net.h"

/* One connection with one question. */
typedef struct inquiry {
  penstock_socket socket;
  const char *name; /* of a project; NULL: it is the probe */
  uint64_t deadline_ns;
  size_t size;
  char answer[PS_TCMD_MAX_ANSWER + 1]; /* one more, so that an answer that is too long is seen to be */
} inquiry;

static int time_left(const inquiry *question) {
  uint64_t now = uv_hrtime();
  return now >= question->deadline_ns ? 0 : (int)((question->deadline_ns - now) / 1000000) + 1;
}

static ps_ask_verdict send_bytes(inquiry *question, const char *request, size_t size) {
  while (size > 0) {
    int left = time_left(question);
    if (left == 0 || !ps_net_wait(question->socket, 1, left)) {
      return PS_ASK_SILENT;
    }
    long count = ps_net_write(question->socket, request, size);
    if (count == PS_NET_BROKEN) {
      /* It hung up, perhaps after a word of its own: that is still to be read. */
      return PS_ASK_SOLVER;
    }
    if (count > 0) {
      request += count;
      size -= (size_t)count;
    }
  }
  ps_net_shutdown_write(question->socket);
  return PS_ASK_SOLVER;
}

static ps_ask_verdict send_request(inquiry *question, int legacy) {
  ps_text text = {0};
  size_t size = 0;
  const char *request = ps_tcmd_request(legacy, &size);
  if (question->name) {
    ps_tcmd_question(&text, question->name, legacy);
    request = text.data;
    size = text.no_memory ? 0 : text.size;
  }
  ps_ask_verdict verdict = send_bytes(question, request, size);
  free(text.data);
  return verdict;
}

/* Is it clear from the beginning that this is no JSON object? Then there is no need to wait for the end. */
static int is_foreign(const inquiry *question) {
  for (size_t i = 0; i < question->size; i++) {
    if (!strchr(" \t\r\n", question->answer[i]) || question->answer[i] == '\0') {
      return question->answer[i] != '{';
    }
  }
  return 0;
}

static ps_ask_verdict read_answer(inquiry *question, ps_ask_result *result) {
  for (;;) {
    int left = time_left(question);
    if (left == 0 || !ps_net_wait(question->socket, 0, left)) {
      return question->size > 0 ? PS_ASK_FOREIGN : PS_ASK_SILENT;
    }
    long count =
        ps_net_read(question->socket, question->answer + question->size, sizeof(question->answer) - question->size);
    if (count == PS_NET_BROKEN) {
      return question->size > 0 ? PS_ASK_FOREIGN : PS_ASK_RESET;
    }
    if (count == 0) {
      return ps_tcmd_judge(question->answer, question->size, result->version, sizeof(result->version)) == PS_TCMD_SOLVER
                 ? PS_ASK_SOLVER
                 : PS_ASK_FOREIGN;
    }
    question->size += count > 0 ? (size_t)count : 0;
    if (is_foreign(question) || question->size == sizeof(question->answer)) {
      return PS_ASK_FOREIGN;
    }
  }
}

/* `name` and `said` may be NULL. */
static ps_ask_verdict try_form(const char *address, const char *name, int timeout_ms, int legacy, ps_ask_result *result,
                               char *said) {
  inquiry question;
  uint64_t started = uv_hrtime();
  question.name = name;
  question.deadline_ns = started + (uint64_t)timeout_ms * 1000000u;
  question.size = 0;
  result->legacy = legacy;
  if (ps_net_connect(address, timeout_ms, &question.socket, &result->error) != 0) {
    return result->error.error_class == PENSTOCK_CLASS_REFUSED ? PS_ASK_NOBODY : PS_ASK_FAILED;
  }
  ps_ask_verdict verdict = send_request(&question, legacy);
  if (verdict == PS_ASK_SOLVER) {
    verdict = read_answer(&question, result);
  }
  ps_net_close(question.socket);
  result->elapsed_ns = uv_hrtime() - started;
  result->answer_size = question.size < sizeof(result->answer) ? question.size : sizeof(result->answer);
  memcpy(result->answer, question.answer, result->answer_size);
  if (said && verdict == PS_ASK_SOLVER) {
    ps_tcmd_said(question.answer, question.size, said, PS_TCMD_SAID_SIZE);
  }
  return verdict;
}

static void explain(const char *address, int timeout_ms, ps_ask_result *result) {
  penstock_error *error = &result->error;
  switch (result->verdict) {
  case PS_ASK_FOREIGN:
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_REFUSED, "what listens on %s is no solver%s", address,
                  result->answer_size ? "" : ": it closes the connection without an answer");
    penstock_next(error, "name the port of a solver or of a penstock gateway");
    break;
  case PS_ASK_RESET:
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "%s accepts the connection and then resets it: a gateway or a published port without a solver behind",
                  address);
    penstock_next(error, "see what the gateway there says, or ask again with --wait 30s");
    break;
  case PS_ASK_SILENT:
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT,
                  "%s accepts the connection, but no answer "
                  "came within %.1f s",
                  address, timeout_ms / 1e3);
    penstock_next(error, "a gateway holds the question while its solver starts: ask again with --wait 30s");
    break;
  case PS_ASK_NOBODY:
    penstock_fail(error, PENSTOCK_LEG_ENDPOINT, PENSTOCK_CLASS_TRANSIENT, "nothing listens on %s", address);
    penstock_next(error, "start the gateway (`penstock up`) or the solver, or name another host:port");
    break;
  default: /* SOLVER has no error, FAILED has the one of the connection */
    break;
  }
}

static void ask(const char *address, const char *name, int timeout_ms, ps_ask_result *result, char *said) {
  memset(result, 0, sizeof(*result));
  result->verdict = try_form(address, name, timeout_ms, 0, result, said);
  if (result->verdict == PS_ASK_FOREIGN) {
    result->verdict = try_form(address, name, timeout_ms, 1, result, said);
  }
  explain(address, timeout_ms, result);
}

void ps_ask(const char *address, int timeout_ms, ps_ask_result *result) {
  ask(address, NULL, timeout_ms, result, NULL);
}

void ps_ask_project(const char *address, const char *name, int timeout_ms, ps_ask_result *result,
                    char said[PS_TCMD_SAID_SIZE]) {
  said[0] = '\0';
  ask(address, name, timeout_ms, result, said);
}

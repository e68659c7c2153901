/* SPDX-License-Identifier: MIT */
#include "cli/askpass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "win/wide.h"

enum { END = 30, ANSWER_MAX = 2048, BUSY_MS = 1000, BUSY_TIMES = 600 /* others ask before us */ };

static const char *pipe_name(void) {
  const char *name = getenv("PENSTOCK_ASKPASS");
  return name && name[0] ? name : NULL;
}

int ps_askpass_is_wanted(void) {
  return pipe_name() != NULL;
}

static HANDLE open_pipe(void) {
  wchar_t *name = ps_wide(pipe_name());
  HANDLE pipe = INVALID_HANDLE_VALUE;
  for (wchar_t *at = name; at && *at; at++) { /* WaitNamedPipeW() wants the system's own */
    *at = *at == L'/' ? L'\\' : *at;
  }
  for (int i = 0; name && i < BUSY_TIMES; i++) {
    pipe = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                       SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
    if (pipe != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY) {
      break;
    }
    (void)WaitNamedPipeW(name, BUSY_MS);
  }
  free(name);
  return pipe;
}

/* One write: the other end reads to the mark. */
static int put_question(HANDLE pipe, const char *kind, const char *text) {
  char question[3072];
  DWORD done = 0;
  int size = snprintf(question, sizeof(question), "%s\n%.2900s%c", kind, text, END);
  return WriteFile(pipe, question, (DWORD)size, &done, NULL) && done == (DWORD)size ? 0 : -1;
}

/* Returns the size of the answer, without its end; -1 if there is none. */
static int take_answer(HANDLE pipe, char *answer) {
  size_t size = 0;
  while (size < ANSWER_MAX - 1) {
    DWORD count = 0;
    if (!ReadFile(pipe, answer + size, (DWORD)(ANSWER_MAX - 1 - size), &count, NULL) || count == 0) {
      return -1;
    }
    size += count;
    if (answer[size - 1] == '\n') {
      answer[size - 1] = '\0';
      return answer[0] == 'y' ? (int)size - 1 : -1;
    }
  }
  return -1;
}

int ps_askpass_run(int argc, char **argv) {
  const char *hint = getenv("SSH_ASKPASS_PROMPT");
  const char *kind = hint && hint[0] ? hint : "text";
  char answer[ANSWER_MAX];
  int result = 1;
  HANDLE pipe = argc > 1 ? open_pipe() : INVALID_HANDLE_VALUE;
  if (pipe == INVALID_HANDLE_VALUE) {
    return 1;
  }
  if (put_question(pipe, kind, argv[1]) == 0) {
    if (strcmp(kind, "none") == 0) {
      result = 0; /* it only tells */
    } else if (take_answer(pipe, answer) >= 0) {
      result = printf("%s\n", answer + 1) >= 0 && fflush(stdout) == 0 ? 0 : 1;
    }
  }
  SecureZeroMemory(answer, sizeof(answer));
  (void)CloseHandle(pipe);
  return result;
}

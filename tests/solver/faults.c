/* SPDX-License-Identifier: MIT */
#include "faults.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char faults_help[] = "Faults (--fault, or DEMO_FAULT in the environment; several are joined with '+'):\n"
                           "  slow-start:SECONDS    wait before binding the port\n"
                           "  fail-start            write SERVER_FAILED to the progress file and exit with 1\n"
                           "  die-start             exit with 1 without a word in the progress file\n"
                           "  never-ready           live on, but never bind and never become ready\n"
                           "  port-taken            behave as if the port were taken\n"
                           "  exit-after:N          exit with 3 after N requests (probes count)\n"
                           "  reset-after:BYTES     reset a connection once it has moved BYTES, both ways together\n"
                           "  truncate-after:BYTES  end it cleanly, too early\n"
                           "  stall-after:BYTES     leave it open and move nothing more\n"
                           "  close-idle:SECONDS    close a connection on which nothing has come for that long\n"
                           "  close-early           close each connection as soon as it is accepted\n"
                           "  mute                  read requests and never answer\n"
                           "  garbage               answer with bytes that no solver sends\n";

typedef enum kind { FLAG, SECONDS, COUNT } kind;

/* Where a switch's value goes: `offset` is into demo_faults, `cut` is only set for the byte switches. */
static const struct {
  const char *name;
  size_t offset;
  kind kind;
  fault_cut cut;
} table[] = {
    {"slow-start", offsetof(demo_faults, slow_start_s), SECONDS, FAULT_CUT_NONE},
    {"fail-start", offsetof(demo_faults, fail_start), FLAG, FAULT_CUT_NONE},
    {"die-start", offsetof(demo_faults, die_start), FLAG, FAULT_CUT_NONE},
    {"never-ready", offsetof(demo_faults, never_ready), FLAG, FAULT_CUT_NONE},
    {"port-taken", offsetof(demo_faults, port_taken), FLAG, FAULT_CUT_NONE},
    {"exit-after", offsetof(demo_faults, exit_after), COUNT, FAULT_CUT_NONE},
    {"reset-after", offsetof(demo_faults, cut_bytes), COUNT, FAULT_CUT_RESET},
    {"truncate-after", offsetof(demo_faults, cut_bytes), COUNT, FAULT_CUT_TRUNCATE},
    {"stall-after", offsetof(demo_faults, cut_bytes), COUNT, FAULT_CUT_STALL},
    {"close-idle", offsetof(demo_faults, close_idle_s), SECONDS, FAULT_CUT_NONE},
    {"close-early", offsetof(demo_faults, close_early), FLAG, FAULT_CUT_NONE},
    {"mute", offsetof(demo_faults, mute), FLAG, FAULT_CUT_NONE},
    {"garbage", offsetof(demo_faults, garbage), FLAG, FAULT_CUT_NONE},
};

/* Stores one value; returns -1 if the text is not what the switch wants. */
static int store(demo_faults *set, size_t row, const char *value) {
  char *field = (char *)set + table[row].offset;
  char *end = NULL;
  errno = 0;
  switch (table[row].kind) {
  case FLAG:
    *(int *)(void *)field = 1;
    return value ? -1 : 0;
  case SECONDS: {
    double seconds = value ? strtod(value, &end) : -1;
    if (!value || end == value || *end || !isfinite(seconds) || seconds < 0) {
      return -1;
    }
    *(double *)(void *)field = seconds;
    return 0;
  }
  case COUNT: {
    unsigned long long count = value && *value != '-' ? strtoull(value, &end, 10) : 0;
    if (!end || end == value || *end || errno) {
      return -1;
    }
    *(uint64_t *)(void *)field = count;
    if (table[row].cut != FAULT_CUT_NONE) {
      set->cut = table[row].cut;
    }
    return 0;
  }
  }
  return -1;
}

int faults_parse(demo_faults *set, const char *text, char *problem, size_t problem_size) {
  char copy[512];
  char *rest = NULL;
  if (strlen(text) >= sizeof(copy)) {
    (void)snprintf(problem, problem_size, "the list of faults is too long");
    return -1;
  }
  memcpy(copy, text, strlen(text) + 1);
  for (char *word = strtok_r(copy, "+", &rest); word; word = strtok_r(NULL, "+", &rest)) {
    char *value = strchr(word, ':');
    size_t row = 0;
    if (value) {
      *value++ = '\0';
    }
    while (row < sizeof(table) / sizeof(table[0]) && strcmp(table[row].name, word) != 0) {
      row++;
    }
    if (row == sizeof(table) / sizeof(table[0])) {
      (void)snprintf(problem, problem_size, "unknown fault '%s'", word);
      return -1;
    }
    if (store(set, row, value) != 0) {
      (void)snprintf(problem, problem_size, "fault '%s' cannot have the value '%s'", word, value ? value : "");
      return -1;
    }
  }
  return 0;
}

/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: penstock_load serve [--port N]\n"
                            "       penstock_load up|down --port N --size BYTES [--streams N] [--check]\n"
                            "       penstock_load connect|pingpong --port N --count N\n"
                            "       penstock_load loaded-up|loaded-down --port N --count N [--time MILLISECONDS]\n"
                            "       penstock_load poll --port N --count N [--pause MICROSECONDS]\n"
                            "       penstock_load idle --port N --count N\n";

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},    {"size", required_argument, NULL, 's'},
    {"streams", required_argument, NULL, 'n'}, {"count", required_argument, NULL, 'c'},
    {"pause", required_argument, NULL, 'w'},   {"time", required_argument, NULL, 't'},
    {"check", no_argument, NULL, 'k'},         {NULL, 0, NULL, 0}};

typedef struct verb {
  const char *name;
  int (*run)(const load_task *task);
  load_op op;
} verb;

static const verb verbs[] = {
    {"up", load_run_bulk, LOAD_UP},           {"down", load_run_bulk, LOAD_DOWN},
    {"connect", load_run_connect, LOAD_ECHO}, {"pingpong", load_run_pingpong, LOAD_ECHO},
    {"loaded-up", load_run_loaded, LOAD_UP},  {"loaded-down", load_run_loaded, LOAD_DOWN},
    {"poll", load_run_poll, LOAD_ECHO},       {"idle", load_run_idle, LOAD_HOLD},
};

static int parse_options(int argc, char **argv, load_task *task) {
  int letter;
  while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
    switch (letter) {
    case 'p':
      task->port = (uint16_t)strtoul(optarg, NULL, 10);
      break;
    case 's':
      task->size = strtoull(optarg, NULL, 10);
      break;
    case 'n':
      task->streams = (int)strtol(optarg, NULL, 10);
      break;
    case 'c':
      task->count = (int)strtol(optarg, NULL, 10);
      break;
    case 'w':
      task->pause_us = (unsigned)strtoul(optarg, NULL, 10);
      break;
    case 't':
      task->time_ms = (unsigned)strtoul(optarg, NULL, 10);
      break;
    case 'k':
      task->check = 1;
      break;
    default:
      return -1;
    }
  }
  return optind == argc - 1 && task->streams >= 1 && task->streams <= LOAD_STREAMS && task->count >= 1 ? 0 : -1;
}

int main(int argc, char **argv) {
  load_task task = {.streams = 1, .count = 1};
  if (parse_options(argc, argv, &task) == 0) {
    const char *name = argv[optind];
    if (strcmp(name, "serve") == 0) {
      return load_serve(task.port);
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
      if (strcmp(name, verbs[i].name) == 0) {
        task.op = verbs[i].op;
        return verbs[i].run(&task);
      }
    }
  }
  (void)fputs(usage, stderr);
  return 2;
}

/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: penstock_load serve [--port N]\n"
                            "       penstock_load up|down --port N --size BYTES [--streams N] [--check]\n"
                            "       penstock_load connect|pingpong --port N --count N\n";

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},    {"size", required_argument, NULL, 's'},
    {"streams", required_argument, NULL, 'n'}, {"count", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, 'k'},         {NULL, 0, NULL, 0}};

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
  if (parse_options(argc, argv, &task) != 0) {
    (void)fputs(usage, stderr);
    return 2;
  }
  const char *verb = argv[optind];
  if (strcmp(verb, "serve") == 0) {
    return load_serve(task.port);
  }
  if (strcmp(verb, "up") == 0) {
    task.op = LOAD_UP;
  } else if (strcmp(verb, "down") == 0) {
    task.op = LOAD_DOWN;
  } else if (strcmp(verb, "connect") == 0) {
    task.op = LOAD_ECHO;
  } else if (strcmp(verb, "pingpong") == 0) {
    task.op = LOAD_ECHO;
    task.keep = 1;
  } else {
    (void)fputs(usage, stderr);
    return 2;
  }
  return load_run(&task);
}

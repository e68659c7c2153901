/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  OPTION_HOST = 1,
  OPTION_PORT,
  OPTION_PROGRESS,
  OPTION_DEBUG,
  OPTION_DATA,
  OPTION_FAULT,
  OPTION_CHILD,
  OPTION_HELP
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, OPTION_HOST},
    {"port", required_argument, NULL, OPTION_PORT},
    {"progress-file", required_argument, NULL, OPTION_PROGRESS},
    {"debug", no_argument, NULL, OPTION_DEBUG},
    {"data-dir", required_argument, NULL, OPTION_DATA},
    {"fault", required_argument, NULL, OPTION_FAULT},
    {"child", no_argument, NULL, OPTION_CHILD},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static void print_help(void) {
  (void)printf(
      "Usage: ppf-cts-server [OPTION]...\n"
      "penstock's demo solver: the wire protocol of ppf-cts-server, real storage, no simulation.\n\n"
      "  --host ADDR           address to bind (127.0.0.1)\n"
      "  --port N              port to bind (9090); 0 = any free one, printed on standard output\n"
      "  --progress-file PATH  where the start is reported (progress.log)\n"
      "  --debug               a line on standard output for every connection\n"
      "  --data-dir PATH       where projects are stored (data)\n"
      "  --fault LIST          fail on demand, see below\n"
      "  --child               start a child that inherits the listening socket (also DEMO_CHILD=1)\n"
      "  --help                this text\n\n%s\n"
      "Besides TCMD, JSON and BDAT it knows headers for tests and benchmarks (u64 = 8 bytes, big-endian):\n"
      "  ECHO                  sends back what comes, until the client half-closes\n"
      "  SINK, DROP            takes bytes until half-close, answers {\"count\":N,\"sha256\":...} (DROP: no hash)\n"
      "  SRCE u64:N u64:SEED   sends N bytes that follow from SEED\n"
      "  ABRT u64:N            sends N bytes, then resets the connection\n"
      "  HALF                  says HALF and half-closes first, then takes bytes until the client ends\n"
      "  HOLD                  neither reads nor writes until the client goes away\n"
      "and the JSON request \"demo_stats\": counters, and how the last connections ended.\n",
      faults_help);
}

static int valid_port(const char *text) {
  char *end = NULL;
  long port = strtol(text, &end, 10);
  return end != text && *end == '\0' && port >= 0 && port <= 65535;
}

static int add_faults(demo_options *out, const char *text) {
  char problem[600];
  if (faults_parse(&out->faults, text, problem, sizeof(problem)) != 0) {
    (void)fprintf(stderr, "ppf-cts-server: %s\n", problem);
    return 2;
  }
  return -1;
}

int options_read(demo_options *out, int argc, char **argv) {
  const char *env_faults = getenv("DEMO_FAULT");
  const char *env_child = getenv("DEMO_CHILD");
  *out = (demo_options){.host = "127.0.0.1", .port = "9090", .progress_file = "progress.log", .data_dir = "data"};
  out->child = env_child && strcmp(env_child, "1") == 0;
  int code = env_faults ? add_faults(out, env_faults) : -1;
  for (int option; code < 0 && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
    switch (option) {
    case OPTION_HOST:
      out->host = optarg;
      break;
    case OPTION_PORT:
      out->port = optarg;
      break;
    case OPTION_PROGRESS:
      out->progress_file = optarg;
      break;
    case OPTION_DEBUG:
      out->debug = 1;
      break;
    case OPTION_DATA:
      out->data_dir = optarg;
      break;
    case OPTION_FAULT:
      code = add_faults(out, optarg);
      break;
    case OPTION_CHILD:
      out->child = 1;
      break;
    case OPTION_HELP:
      print_help();
      return 0;
    default: /* getopt has said what is wrong */
      return 2;
    }
  }
  if (code < 0 && (optind < argc || !valid_port(out->port))) {
    (void)fprintf(stderr, "ppf-cts-server: %s '%s'\n",
                  optind < argc ? "unexpected argument" : "not a port:", optind < argc ? argv[optind] : out->port);
    return 2;
  }
  return code;
}

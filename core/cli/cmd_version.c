/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <openssl/crypto.h>
#include <uv.h>

#include "cli/json_out.h"
#include "cli/out.h"

/* The versions that are loaded, not those that were compiled against: those are what a report is about. */
static int print_json(void) {
  ps_json_line(json_pack("{s:s, s:{s:i, s:i}, s:{s:s, s:s, s:s, s:s}}", "penstock", PENSTOCK_VERSION, "abi", "major",
                         PENSTOCK_ABI_MAJOR, "minor", PENSTOCK_ABI_MINOR, "libraries", "libuv", uv_version_string(),
                         "openssl", OpenSSL_version(OPENSSL_VERSION_STRING), "jansson", jansson_version_str(), "inih",
                         PENSTOCK_INIH_VERSION));
  return PS_EXIT_OK;
}

int ps_cmd_version(int argc, char **argv) {
  int json = 0;
  char **arguments;
  int exit_code;
  const ps_cli_option options[] = {{"json", NULL, "one JSON object", &json, NULL}};
  const ps_cli_syntax syntax = {
      "version", "", "Shows the versions of penstock, its plugin ABI and the libraries it runs with.", options, 1,
      0,         0};
  if (!ps_cli_parse(&syntax, argc, argv, &arguments, &exit_code)) {
    return exit_code;
  }
  if (json) {
    return print_json();
  }
  ps_out_line("penstock %s", PENSTOCK_VERSION);
  ps_out_line("  plugin ABI  %d.%d", PENSTOCK_ABI_MAJOR, PENSTOCK_ABI_MINOR);
  ps_out_line("  libuv       %s", uv_version_string());
  ps_out_line("  OpenSSL     %s", OpenSSL_version(OPENSSL_VERSION_STRING));
  ps_out_line("  jansson     %s", jansson_version_str());
  ps_out_line("  inih        %s", PENSTOCK_INIH_VERSION);
  return PS_EXIT_OK;
}

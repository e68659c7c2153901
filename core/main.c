/* SPDX-License-Identifier: MIT */
#include "cli/askpass.h"
#include "cli/cli.h"

int main(int argc, char **argv) {
  return ps_askpass_is_wanted() ? ps_askpass_run(argc, argv) : ps_cli_main(argc, argv);
}

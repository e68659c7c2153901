/* SPDX-License-Identifier: MIT */
#include "base/advice.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

const char ps_advice_end_gateway[] = "end it with SIGTERM";
const char ps_advice_kill[] = "kill -KILL";
const char ps_advice_descriptors[] = "raise the limit of descriptors (ulimit -n)";
const char ps_advice_config[] = "profiles file, instead of $PENSTOCK_CONFIG,\n"
                                "~/.config/penstock/penstock.ini or /etc/penstock/penstock.ini";
const char ps_advice_ask[] =
    "run penstock in the foreground of a terminal, set SSH_ASKPASS, or use env:, file: or command:";
const char ps_advice_lock[] = " (raise ulimit -l)";

void ps_advice_write_sha256(char *text, size_t size, const char *path) {
  (void)snprintf(text, size, "sha256sum %s", path);
}

const char *ps_advice_quote(char *quoted, size_t size, const char *text) {
  ps_text out = {0};
  ps_text_adds(&out, "'");
  for (; *text; text++) {
    if (*text == '\'') {
      ps_text_adds(&out, "'\\''");
    } else {
      ps_text_add(&out, text, 1);
    }
  }
  ps_text_adds(&out, "'");
  (void)snprintf(quoted, size, "%s", out.data ? out.data : "''");
  free(out.data);
  return quoted;
}

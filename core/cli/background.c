/* SPDX-License-Identifier: MIT */
#include "cli/background.h"

#include <ctype.h>

void ps_background_file_name(ps_text *out, const char *profile) {
  for (const char *at = profile; *at; at++) {
    int is_plain = isalnum((unsigned char)*at) || *at == '-' || *at == '_' || (*at == '.' && at > profile);
    ps_text_add(out, is_plain ? at : "_", 1);
  }
}

/* SPDX-License-Identifier: MIT */
/* Each holds in cmd and in PowerShell: no %NAME%, no single quotes, and no `sc`, which writes a file there. */
#include "base/advice.h"

#include <stdio.h>

const char ps_advice_end_gateway[] = "end it in the Task Manager";
const char ps_advice_kill[] = "taskkill /f /pid";
const char ps_advice_descriptors[] = "end other programs";
const char ps_advice_config[] = "profiles file, instead of PENSTOCK_CONFIG,\n"
                                "%APPDATA%\\penstock\\penstock.ini or %PROGRAMDATA%\\penstock\\penstock.ini";
const char ps_advice_ask[] = "run penstock in the foreground of a console, or use env:, file: or command:";
const char ps_advice_lock[] = "";

void ps_advice_write_sha256(char *text, size_t size, const char *path) {
  (void)snprintf(text, size, "certutil -hashfile \"%s\" SHA256", path);
}

/* No name of a file or a host has a double quote in it. */
const char *ps_advice_quote(char *quoted, size_t size, const char *text) {
  (void)snprintf(quoted, size, "\"%s\"", text);
  return quoted;
}

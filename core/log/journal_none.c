/* SPDX-License-Identifier: MIT */
#include "log/journal.h"

const ps_log_format ps_journal_format = PS_LOG_TEXT;

int ps_journal_reads(int fd) {
  (void)fd;
  return 0;
}

int ps_journal_open(void) {
  return PENSTOCK_E_UNSUPPORTED;
}

int ps_journal_write(const ps_log_record *record, const char *profile, const char *transport) {
  (void)record;
  (void)profile;
  (void)transport;
  return PENSTOCK_E_UNSUPPORTED;
}

/* SPDX-License-Identifier: MIT */
/*
 * Events of the source "penstock" in the log Application, which any user may write to. Their ids are those of
 * events.mc, the table of messages in the program: where an administrator has registered it, the Event Viewer shows the
 * text alone, and elsewhere it says that the description is not found, and the text below.
 */
#include "log/journal.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "win/wide.h"

/* ReportEvent's page: a string has at most 31,839 characters. */
#define LONGEST 31000

const ps_log_format ps_journal_format = PS_LOG_EVENTS;

/* Opened once, never closed. */
static HANDLE source;

int ps_journal_reads(int fd) {
  (void)fd;
  return 0;
}

int ps_journal_open(void) {
  if (!source) {
    source = RegisterEventSourceW(NULL, L"penstock");
  }
  return source ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

/* The ids of events.mc. */
static DWORD id_of(uint32_t level, WORD *type) {
  *type = level == PENSTOCK_LOG_ERROR  ? EVENTLOG_ERROR_TYPE
          : level == PENSTOCK_LOG_WARN ? EVENTLOG_WARNING_TYPE
                                       : EVENTLOG_INFORMATION_TYPE;
  return level == PENSTOCK_LOG_ERROR ? 1 : level == PENSTOCK_LOG_WARN ? 2 : 3;
}

int ps_journal_write(const ps_log_record *record, const char *profile, const char *transport) {
  ps_text text = {0};
  WORD type;
  DWORD id = id_of(record->level, &type);
  ps_log_line_body(&text, record);
  if (profile) {
    ps_text_adds(&text, "Profile: ");
    ps_text_add_safe(&text, profile);
    ps_text_addf(&text, " (%s)", transport ? transport : "");
  }
  if (text.data && text.size > LONGEST) {
    text.data[LONGEST] = '\0';
    penstock_utf8_trim(text.data, LONGEST + 1);
  }
  wchar_t *wide = text.data && !text.no_memory ? ps_wide(text.data) : NULL;
  const wchar_t *strings[] = {wide};
  int is_written = wide && source && ReportEventW(source, type, 0, id, NULL, 1, 0, strings, NULL);
  free(text.data);
  free(wide);
  return is_written ? PENSTOCK_OK : PENSTOCK_E_FAILED;
}

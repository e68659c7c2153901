/* SPDX-License-Identifier: MIT */
#include "log/journal.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "log/log.h"

/* sd_journal_sendv(3). Its version is in the library's name, which changes with it. */
#define LIBRARY "libsystemd.so.0"
typedef int (*sendv_function)(const struct iovec *fields, int count);

#define MOST_FIELDS 12

const ps_log_format ps_journal_format = PS_LOG_JOURNAL;

/* Set once, before there are threads that log; never closed. */
static sendv_function sendv;

int ps_journal_reads(int fd) {
  const char *stream = getenv("JOURNAL_STREAM");
  char *rest = NULL;
  struct stat found;
  if (!stream || fstat(fd, &found) != 0) {
    return 0;
  }
  unsigned long long device = strtoull(stream, &rest, 10);
  unsigned long long inode = *rest == ':' ? strtoull(rest + 1, NULL, 10) : 0;
  return inode != 0 && device == (unsigned long long)found.st_dev && inode == (unsigned long long)found.st_ino;
}

int ps_journal_open(void) {
  if (!sendv) {
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "sd_journal_sendv") : NULL;
    memcpy(&sendv, &symbol, sizeof(sendv)); /* C has no cast from an object's address to a function's */
  }
  return sendv ? PENSTOCK_OK : PENSTOCK_E_NOT_FOUND;
}

/* syslog's numbers. */
static int priority_of(uint32_t level) {
  switch (level) {
  case PENSTOCK_LOG_ERROR:
    return 3;
  case PENSTOCK_LOG_WARN:
    return 4;
  case PENSTOCK_LOG_INFO:
    return 6;
  default:
    return 7;
  }
}

typedef struct entry {
  ps_text fields[MOST_FIELDS];
  int count;
} entry;

static void add(entry *self, const char *name, const char *value) {
  if (value && value[0]) {
    ps_text *field = &self->fields[self->count++];
    ps_text_addf(field, "%s=", name);
    ps_text_adds(field, value);
  }
}

static void fill(entry *self, const ps_log_record *record, const char *profile, const char *transport) {
  const penstock_error *error = record->error;
  char priority[] = {(char)('0' + priority_of(record->level)), '\0'};
  ps_text message = {0};
  ps_log_line_body(&message, record);
  if (message.data && message.size > 0) {
    message.data[message.size - 1] = '\0'; /* its new line */
  }
  add(self, "MESSAGE", message.data);
  free(message.data);
  add(self, "PRIORITY", priority);
  add(self, "SYSLOG_IDENTIFIER", "penstock");
  add(self, "PENSTOCK_PROFILE", profile);
  add(self, "PENSTOCK_TRANSPORT", transport);
  add(self, "PENSTOCK_SOURCE", record->source);
  add(self, "PENSTOCK_LEVEL", ps_log_level_name(record->level));
  if (error) {
    add(self, "PENSTOCK_LEG", ps_leg_name(error->leg));
    add(self, "PENSTOCK_CLASS", ps_class_name(error->error_class));
    add(self, "PENSTOCK_NEXT", error->next);
    add(self, "PENSTOCK_DETAIL", error->detail);
  }
}

int ps_journal_write(const ps_log_record *record, const char *profile, const char *transport) {
  entry self = {.count = 0};
  struct iovec vector[MOST_FIELDS];
  int no_memory = 0;
  if (!sendv) {
    return PENSTOCK_E_FAILED;
  }
  fill(&self, record, profile, transport);
  for (int i = 0; i < self.count; i++) {
    no_memory |= self.fields[i].no_memory;
    vector[i] = (struct iovec){.iov_base = self.fields[i].data, .iov_len = self.fields[i].size};
  }
  int result = no_memory ? PENSTOCK_E_NOMEM : sendv(vector, self.count) < 0 ? PENSTOCK_E_FAILED : PENSTOCK_OK;
  for (int i = 0; i < self.count; i++) {
    free(self.fields[i].data);
  }
  return result;
}

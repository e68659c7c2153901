/* SPDX-License-Identifier: MIT */
#include "service/task.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "penstock-"

/* FNV-1a, 32 bits. */
void ps_task_mark(char mark[PS_TASK_MARK_SIZE], const char *sid) {
  uint32_t number = UINT32_C(0x811c9dc5);
  for (const char *at = sid; *at; at++) {
    number = (number ^ (unsigned char)*at) * UINT32_C(0x01000193);
  }
  (void)snprintf(mark, PS_TASK_MARK_SIZE, "%08lx", (unsigned long)number);
}

/* A task is a file, too; a dot at the end of its name would be lost there. */
static int is_plain(char c) {
  return (unsigned char)c >= 0x20 && c != 0x7f && !strchr("\\/:*?\"<>|%.", c);
}

void ps_task_name(ps_text *out, const char *profile, const char *mark) {
  ps_text_adds(out, PREFIX);
  for (const char *at = profile; *at; at++) {
    if (is_plain(*at)) {
      ps_text_add(out, at, 1);
    } else {
      ps_text_addf(out, "%%%02X", (unsigned char)*at);
    }
  }
  ps_text_addf(out, "-%s", mark);
}

static int digit(char c) {
  const char *digits = "0123456789ABCDEF";
  const char *found = c ? strchr(digits, c) : NULL;
  return found ? (int)(found - digits) : -1;
}

char *ps_task_profile(const char *name, const char *mark) {
  size_t size = strlen(name);
  size_t front = strlen(PREFIX);
  size_t back = strlen(mark) + 1;
  ps_text profile = {0};
  if (size <= front + back || strncmp(name, PREFIX, front) != 0 || name[size - back] != '-' ||
      strcmp(name + size - back + 1, mark) != 0) {
    return NULL;
  }
  const char *end = name + size - back;
  for (const char *at = name + front; at < end; at++) {
    int high = *at == '%' && end - at > 2 ? digit(at[1]) : -1;
    int low = high >= 0 ? digit(at[2]) : -1;
    char c = *at;
    if (low >= 0) {
      c = (char)(unsigned char)(high * 16 + low);
    }
    ps_text_add(&profile, &c, 1);
    at += low >= 0 ? 2 : 0;
  }
  if (profile.no_memory) {
    free(profile.data);
    return NULL;
  }
  return profile.data;
}

/* --- XML ------------------------------------------------------------------------------------------ */

static void add_text(ps_text *out, const char *text) {
  for (; *text; text++) {
    switch (*text) {
    case '&':
      ps_text_adds(out, "&amp;");
      break;
    case '<':
      ps_text_adds(out, "&lt;");
      break;
    case '>':
      ps_text_adds(out, "&gt;");
      break;
    default:
      ps_text_add(out, (unsigned char)*text < 0x20 || *text == 0x7f ? "?" : text, 1);
    }
  }
}

static void add_element(ps_text *out, const char *indent, const char *name, const char *text) {
  ps_text_addf(out, "%s<%s>", indent, name);
  add_text(out, text);
  ps_text_addf(out, "</%s>\n", name);
}

void ps_task_xml(ps_text *out, const ps_task *task) {
  ps_text_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n"
                    "<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n"
                    "  <RegistrationInfo>\n"
                    "    <Author>penstock</Author>\n");
  add_element(out, "    ", "Description", task->description);
  ps_text_adds(out, "  </RegistrationInfo>\n"
                    "  <Triggers>\n"
                    "    <LogonTrigger>\n"
                    "      <Enabled>true</Enabled>\n");
  /* Without it, it would be anybody's logon, which only an administrator may ask for. */
  add_element(out, "      ", "UserId", task->user);
  ps_text_adds(out, "    </LogonTrigger>\n"
                    "  </Triggers>\n"
                    "  <Principals>\n"
                    "    <Principal id=\"Author\">\n");
  add_element(out, "      ", "UserId", task->user);
  /* 5: as programs usually run; a task is slower than that if nothing is said. */
  ps_text_adds(out, "      <LogonType>InteractiveToken</LogonType>\n"
                    "      <RunLevel>LeastPrivilege</RunLevel>\n"
                    "    </Principal>\n"
                    "  </Principals>\n"
                    "  <Settings>\n"
                    "    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\n"
                    "    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\n"
                    "    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\n"
                    "    <StartWhenAvailable>true</StartWhenAvailable>\n"
                    "    <Enabled>true</Enabled>\n"
                    "    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\n"
                    "    <Priority>5</Priority>\n"
                    "    <RestartOnFailure>\n"
                    "      <Interval>PT1M</Interval>\n"
                    "      <Count>3</Count>\n"
                    "    </RestartOnFailure>\n"
                    "  </Settings>\n"
                    "  <Actions Context=\"Author\">\n"
                    "    <Exec>\n");
  add_element(out, "      ", "Command", task->program);
  add_element(out, "      ", "Arguments", task->arguments);
  ps_text_adds(out, "    </Exec>\n"
                    "  </Actions>\n"
                    "</Task>\n");
}

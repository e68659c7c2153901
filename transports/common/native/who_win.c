/* SPDX-License-Identifier: MIT */
#include <winsock2.h>
#include <ws2tcpip.h>

#include "common/native/who_win.h"

#include <iphlpapi.h>
#include <stdio.h>
#include <stdlib.h>

void who_job_name(const char *token, wchar_t name[64]) {
  (void)swprintf(name, 64, L"Global\\penstock-solver-%hs", token);
}

uint64_t who_start(HANDLE process) {
  FILETIME created;
  FILETIME unused[3];
  if (!GetProcessTimes(process, &created, &unused[0], &unused[1], &unused[2])) {
    return 0;
  }
  return ((uint64_t)created.dwHighDateTime << 32) | created.dwLowDateTime;
}

/* A number may be another process's by now: the time at which it began is not. */
int who_find(const record *kept, who_solver *found) {
  wchar_t name[64];
  BOOL is_in = FALSE;
  *found = (who_solver){0};
  HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | SYNCHRONIZE, FALSE, kept->pid);
  if (!process) {
    return 0;
  }
  if (who_start(process) != kept->start || WaitForSingleObject(process, 0) != WAIT_TIMEOUT) {
    (void)CloseHandle(process);
    return 0;
  }
  found->process = process;
  who_job_name(kept->token, name);
  found->job = OpenJobObjectW(JOB_OBJECT_QUERY | JOB_OBJECT_TERMINATE | SYNCHRONIZE, FALSE, name);
  if (found->job && (!IsProcessInJob(process, found->job, &is_in) || !is_in)) {
    (void)CloseHandle(found->job);
    found->job = NULL;
  }
  return 1;
}

void who_close(who_solver *found) {
  if (found->process) {
    (void)CloseHandle(found->process);
  }
  if (found->job) {
    (void)CloseHandle(found->job);
  }
  *found = (who_solver){0};
}

int who_holds(HANDLE job, DWORD pid) {
  BOOL is_in = FALSE;
  HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, pid);
  int holds = process && IsProcessInJob(process, job, &is_in) && is_in;
  if (process) {
    (void)CloseHandle(process);
  }
  return holds;
}

/* The table of those who listen, of one family, to free(). */
static void *read_table(ULONG family) {
  DWORD size = 16384;
  for (int i = 0; i < 4; i++) {
    void *table = malloc(size);
    DWORD code =
        table ? GetExtendedTcpTable(table, &size, FALSE, family, TCP_TABLE_OWNER_PID_LISTENER, 0) : ERROR_OUTOFMEMORY;
    if (code == NO_ERROR) {
      return table;
    }
    free(table);
    if (code != ERROR_INSUFFICIENT_BUFFER) {
      return NULL;
    }
    size += 4096;
  }
  return NULL;
}

static DWORD known(DWORD pid) {
  return pid ? pid : WHO_UNKNOWN;
}

DWORD who_listens(uint16_t port) {
  DWORD pid = 0;
  uint16_t number = htons(port);
  MIB_TCPTABLE_OWNER_PID *v4 = read_table(AF_INET);
  for (DWORD i = 0; v4 && i < v4->dwNumEntries && pid == 0; i++) {
    pid = (uint16_t)v4->table[i].dwLocalPort == number ? known(v4->table[i].dwOwningPid) : 0;
  }
  free(v4);
  MIB_TCP6TABLE_OWNER_PID *v6 = pid == 0 ? read_table(AF_INET6) : NULL;
  for (DWORD i = 0; v6 && i < v6->dwNumEntries && pid == 0; i++) {
    pid = (uint16_t)v6->table[i].dwLocalPort == number ? known(v6->table[i].dwOwningPid) : 0;
  }
  free(v6);
  return pid;
}

void who_describe(DWORD pid, char *text, size_t size) {
  wchar_t path[1024];
  char name[256];
  DWORD length = sizeof(path) / sizeof(path[0]);
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
  int found = process && QueryFullProcessImageNameW(process, 0, path, &length);
  if (process) {
    (void)CloseHandle(process);
  }
  const wchar_t *slash = found ? wcsrchr(path, L'\\') : NULL;
  if (found && WideCharToMultiByte(CP_UTF8, 0, slash ? slash + 1 : path, -1, name, sizeof(name), NULL, NULL) > 0) {
    (void)snprintf(text, size, "'%.100s' (pid %lu)", name, pid);
  } else if (pid == WHO_UNKNOWN) {
    (void)snprintf(text, size, "a program that the system does not name");
  } else {
    (void)snprintf(text, size, "a program that cannot be seen from this account (pid %lu)", pid);
  }
}

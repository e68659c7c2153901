/* SPDX-License-Identifier: MIT */
#include "net/owner_win.h"

#include <iphlpapi.h>
#include <psapi.h>

/* A table may grow between the question how large it is and the one for it. */
#define TRIES 4

/* The whole table of a family, to free(); NULL if there is none to be had. */
static void *read_table(ULONG family, TCP_TABLE_CLASS kind) {
  DWORD size = 16384;
  for (int i = 0; i < TRIES; i++) {
    void *table = malloc(size);
    if (!table) {
      return NULL;
    }
    DWORD code = GetExtendedTcpTable(table, &size, FALSE, family, kind, 0);
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

static DWORD find_v4(const struct sockaddr_in *near, const struct sockaddr_in *far) {
  MIB_TCPTABLE_OWNER_PID *table = read_table(AF_INET, TCP_TABLE_OWNER_PID_CONNECTIONS);
  DWORD pid = 0;
  for (DWORD i = 0; table && i < table->dwNumEntries && pid == 0; i++) {
    const MIB_TCPROW_OWNER_PID *row = &table->table[i];
    if (row->dwLocalAddr == near->sin_addr.s_addr && (uint16_t)row->dwLocalPort == near->sin_port &&
        row->dwRemoteAddr == far->sin_addr.s_addr && (uint16_t)row->dwRemotePort == far->sin_port) {
      pid = row->dwOwningPid;
    }
  }
  free(table);
  return pid;
}

static DWORD find_v6(const struct sockaddr_in6 *near, const struct sockaddr_in6 *far) {
  MIB_TCP6TABLE_OWNER_PID *table = read_table(AF_INET6, TCP_TABLE_OWNER_PID_CONNECTIONS);
  DWORD pid = 0;
  for (DWORD i = 0; table && i < table->dwNumEntries && pid == 0; i++) {
    const MIB_TCP6ROW_OWNER_PID *row = &table->table[i];
    if (memcmp(row->ucLocalAddr, &near->sin6_addr, 16) == 0 && (uint16_t)row->dwLocalPort == near->sin6_port &&
        memcmp(row->ucRemoteAddr, &far->sin6_addr, 16) == 0 && (uint16_t)row->dwRemotePort == far->sin6_port) {
      pid = row->dwOwningPid;
    }
  }
  free(table);
  return pid;
}

DWORD ps_owner_of_connection(const struct sockaddr_storage *near, const struct sockaddr_storage *far) {
  if (near->ss_family != far->ss_family) {
    return 0;
  }
  return near->ss_family == AF_INET6 ? find_v6((const struct sockaddr_in6 *)near, (const struct sockaddr_in6 *)far)
                                     : find_v4((const struct sockaddr_in *)near, (const struct sockaddr_in *)far);
}

DWORD ps_owner_of_port(uint16_t port) {
  MIB_TCPTABLE_OWNER_PID *v4 = read_table(AF_INET, TCP_TABLE_OWNER_PID_LISTENER);
  DWORD pid = 0;
  for (DWORD i = 0; v4 && i < v4->dwNumEntries && pid == 0; i++) {
    pid = (uint16_t)v4->table[i].dwLocalPort == htons(port) ? v4->table[i].dwOwningPid : 0;
  }
  free(v4);
  MIB_TCP6TABLE_OWNER_PID *v6 = pid == 0 ? read_table(AF_INET6, TCP_TABLE_OWNER_PID_LISTENER) : NULL;
  for (DWORD i = 0; v6 && i < v6->dwNumEntries && pid == 0; i++) {
    pid = (uint16_t)v6->table[i].dwLocalPort == htons(port) ? v6->table[i].dwOwningPid : 0;
  }
  free(v6);
  return pid;
}

/* The user of a process's token; to free(). NULL if we may not know. */
static TOKEN_USER *user_of(HANDLE process) {
  HANDLE token = NULL;
  DWORD size = 0;
  TOKEN_USER *user = NULL;
  if (!OpenProcessToken(process, TOKEN_QUERY, &token)) {
    return NULL;
  }
  (void)GetTokenInformation(token, TokenUser, NULL, 0, &size);
  user = size > 0 ? malloc(size) : NULL;
  if (user && !GetTokenInformation(token, TokenUser, user, size, &size)) {
    free(user);
    user = NULL;
  }
  (void)CloseHandle(token);
  return user;
}

int ps_owner_is_us(DWORD pid) {
  if (pid == GetCurrentProcessId()) {
    return 1;
  }
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
  TOKEN_USER *theirs = process ? user_of(process) : NULL;
  DWORD reason = theirs ? ERROR_SUCCESS : GetLastError();
  TOKEN_USER *ours = user_of(GetCurrentProcess());
  int is_us = theirs && ours ? EqualSid(theirs->User.Sid, ours->User.Sid) : -1;
  /* A process that is not ours to look at is another's. */
  if (reason == ERROR_ACCESS_DENIED) {
    is_us = 0;
  }
  free(theirs);
  free(ours);
  if (process) {
    (void)CloseHandle(process);
  }
  return is_us;
}

int ps_owner_name(DWORD pid, char *name, size_t size) {
  wchar_t path[1024];
  DWORD length = sizeof(path) / sizeof(path[0]);
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
  int found = process && QueryFullProcessImageNameW(process, 0, path, &length);
  if (process) {
    (void)CloseHandle(process);
  }
  if (!found) {
    return 0;
  }
  const wchar_t *slash = wcsrchr(path, L'\\');
  return WideCharToMultiByte(CP_UTF8, 0, slash ? slash + 1 : path, -1, name, (int)size, NULL, NULL) > 0;
}

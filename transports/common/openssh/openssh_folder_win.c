/* SPDX-License-Identifier: MIT */
/*
 * On Windows a file is only written for hosts on the way, so the folder is made with the first one. Questions come by a
 * pipe. There is no guard: a job ends ssh with us, whatever ends us, and leaves the folder, in which nothing is secret.
 */
#include "common/openssh/openssh_folder.h"

#include <stdlib.h>

#include <sddl.h>

#include "common/openssh/openssh_asker_win.h"
#include "common/random.h"
#include "common/win/files_win.h"
#include "win/reason.h"
#include "win/wide.h"

void openssh_folder_path(const openssh_folder *folder, const char *name, char path[OPENSSH_PATH_SIZE]) {
  (void)snprintf(path, OPENSSH_PATH_SIZE, "%s/%s", folder->path, name);
}

static int failed(const char *what, DWORD reason, penstock_error *error) {
  char text[160];
  ps_reason(reason, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot make %s: %s", what, text);
  penstock_next(error, "Set TMP to a folder of yours that has a short path without blanks and can be written to");
  return PENSTOCK_E_FAILED;
}

/* ssh hands the path of its file on to the ssh of a hop, and puts nothing around it. Without a short name it may have
 * blanks, which is found out when it is needed. */
static int choose_path(openssh_folder *folder) {
  wchar_t base[MAX_PATH + 1];
  wchar_t brief[MAX_PATH + 1];
  uint32_t number = 0;
  DWORD length = GetTempPathW(MAX_PATH + 1, base);
  if (length == 0 || length > MAX_PATH || random_bytes(&number, sizeof(number)) != PENSTOCK_OK) {
    return -1;
  }
  DWORD brief_length = GetShortPathNameW(base, brief, MAX_PATH + 1);
  char *path = ps_narrow_path(brief_length > 0 && brief_length <= MAX_PATH ? brief : base);
  size_t size = path ? strlen(path) : 0;
  if (size > 0 && path[size - 1] == '/') {
    path[size - 1] = '\0';
  }
  int used = path ? snprintf(folder->path, sizeof(folder->path), "%s/penstock-%08x", path, (unsigned)number) : -1;
  free(path);
  return used > 0 ? 0 : -1;
}

int openssh_folder_open(openssh_folder *folder, penstock_error *error) {
  DWORD reason = 0;
  memset(folder, 0, sizeof(*folder));
  folder->log = folder->ask = folder->answer = folder->alive = PENSTOCK_SOCKET_NONE;
  if (choose_path(folder)) {
    return failed("a name for a folder in TMP", GetLastError(), error);
  }
  folder->asker = openssh_asker_start(&folder->ask, &reason);
  if (!folder->asker) {
    folder->path[0] = '\0';
    return failed("a pipe for ssh's questions", reason, error);
  }
  return 0;
}

void openssh_folder_close(openssh_folder *folder) {
  static const char *const names[] = {"config"};
  char path[OPENSSH_PATH_SIZE];
  if (folder->path[0] == '\0') {
    return;
  }
  for (size_t i = 0; folder->is_made && i < sizeof(names) / sizeof(names[0]); i++) {
    openssh_folder_path(folder, names[i], path);
    (void)remove(path);
  }
  if (folder->is_made) {
    (void)_rmdir(folder->path);
  }
  openssh_asker_stop(folder->asker);
  folder->asker = NULL;
  folder->ask = PENSTOCK_SOCKET_NONE;
  folder->path[0] = '\0';
  folder->is_made = 0;
}

/* For its owner and the system alone: ssh reads no file that others can write. */
static DWORD make_folder(openssh_folder *folder) {
  SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
  if (strpbrk(folder->path, " \t\"%") || strlen(folder->path) + 16 > sizeof(folder->path)) {
    return ERROR_BAD_PATHNAME;
  }
  wchar_t *wide = ps_wide(folder->path);
  if (!wide || !ConvertStringSecurityDescriptorToSecurityDescriptorW(
                   L"D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)", SDDL_REVISION_1, &attributes.lpSecurityDescriptor, NULL)) {
    free(wide);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  DWORD reason = CreateDirectoryW(wide, &attributes) ? 0 : GetLastError();
  (void)LocalFree(attributes.lpSecurityDescriptor);
  free(wide);
  folder->is_made = reason == 0;
  return reason;
}

int openssh_folder_write(openssh_folder *folder, const char *name, const char *text, penstock_error *error) {
  char path[OPENSSH_PATH_SIZE];
  DWORD reason = folder->is_made ? 0 : make_folder(folder);
  openssh_folder_path(folder, name, path);
  reason = reason ? reason : files_write(path, text, strlen(text));
  return reason ? failed(folder->path, reason, error) : 0;
}

size_t openssh_folder_read(penstock_socket from, char *data, size_t size) {
  int count = recv((SOCKET)from, data, (int)size, 0);
  return count > 0 ? (size_t)count : 0;
}

int openssh_folder_answer(const openssh_folder *folder, int is_given, const char *answer) {
  char text[1200];
  int length = is_given ? snprintf(text, sizeof(text), "y%s\n", answer) : snprintf(text, sizeof(text), "n\n");
  int is_whole = length > 0 && (size_t)length < sizeof(text);
  int result = is_whole && send((SOCKET)folder->ask, text, length, 0) == length ? 0 : PENSTOCK_E_LIMIT;
  SecureZeroMemory(text, sizeof(text));
  return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Control sockets on Windows are named pipes, \\.\pipe\penstock-USER-NAME, whose access list lets in this user and the
 * system. USER is a number made of the user's SID, so that users do not meet; who it really is at the other end is
 * asked of the system for each connection, as a name can be taken by anybody.
 *
 * Which pipes there are is in a folder, %LOCALAPPDATA%\penstock\run or $PENSTOCK_RUNTIME_DIR: each gateway has a file
 * there of the pipe's name, which goes with its process, however that ends.
 */
#include <stdlib.h>

#include <aclapi.h>

#include "base/text.h"
#include "control/bridge_win.h"
#include "control/place.h"
#include "net/net.h"
#include "net/owner_win.h"
#include "win/reason.h"
#include "win/user.h"
#include "win/wide.h"

#define PIPES "//./pipe/"
/* Of the profile's name, so much is in the pipe's: the rest is in the greeting. */
#define PROFILE_SHOWN 32
/* A gateway that does not read what it is asked for so long is taken for gone. */
#define WRITE_PATIENCE_MS 10000
/* What a command has said at the end of the gateway is read by then, or by nobody. */
#define SETTLE_MS  2000
#define OTHER_USER ((uint32_t)-1)

/* "penstock-0123456789abcdef-": what all pipes of this user begin with. FNV-1a of the SID. */
static void user_prefix(char *text, size_t size) {
  ps_user room;
  uint64_t number = UINT64_C(0xcbf29ce484222325);
  if (ps_user_of(GetCurrentProcess(), &room)) {
    const BYTE *bytes = room.user.User.Sid;
    for (DWORD i = 0; i < GetLengthSid(room.user.User.Sid); i++) {
      number = (number ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
  }
  (void)snprintf(text, size, "penstock-%016llx-", (unsigned long long)number);
}

void ps_control_name(char *name, size_t size, const char *profile, const char *address) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  char shown[PROFILE_SHOWN + 1];
  const char *port = strrchr(address, ':');
  (void)snprintf(shown, sizeof(shown), "%s", profile);
  for (char *c = shown; *c; c++) {
    if (!strchr(plain, *c) || (c == shown && *c == '.')) {
      *c = '_';
    }
  }
  (void)snprintf(name, size, "%s@%s", shown, port ? port + 1 : address);
}

/* --- the folder ----------------------------------------------------------------------------------- */

/* Path of a name in the folder, to free(); "*" = all. NULL if there is no folder. With `make`, the folder is made. */
static wchar_t *folder_path(const char *name, int make) {
  const char *own = getenv("PENSTOCK_RUNTIME_DIR");
  const char *base = getenv("LOCALAPPDATA");
  ps_text path = {0};
  wchar_t *wide = NULL;
  if (own && own[0]) {
    ps_text_addf(&path, "%s\\%s", own, name);
  } else if (base && base[0]) {
    ps_text_addf(&path, "%s\\penstock\\run\\%s", base, name);
  }
  if (path.data && !path.no_memory) {
    wide = ps_wide(path.data);
  }
  if (wide && make) {
    ps_wide_make_folders(wide);
  }
  free(path.data);
  return wide;
}

/* Makes the file that says which pipe there is. Returns 0 or an error of Windows. */
static DWORD enter(const char *name, ps_control_file *file) {
  wchar_t *path = folder_path(name, 1);
  HANDLE made = path ? CreateFileW(path, GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                                   CREATE_ALWAYS, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL)
                     : INVALID_HANDLE_VALUE;
  DWORD reason = path ? GetLastError() : ERROR_PATH_NOT_FOUND;
  free(path);
  if (made == INVALID_HANDLE_VALUE) {
    return reason;
  }
  file->device = (uint64_t)(uintptr_t)made;
  return 0;
}

/* --- who is at the other end ---------------------------------------------------------------------- */

int ps_control_peer(penstock_socket socket, uint32_t *uid, uint32_t *pid) {
  HANDLE pipe = (HANDLE)socket;
  DWORD flags = 0;
  ULONG number = 0;
  if (!GetNamedPipeInfo(pipe, &flags, NULL, NULL, NULL) ||
      !(flags & PIPE_SERVER_END ? GetNamedPipeClientProcessId(pipe, &number)
                                : GetNamedPipeServerProcessId(pipe, &number))) {
    return PENSTOCK_E_FAILED;
  }
  *pid = (uint32_t)number;
  *uid = ps_owner_is_us(number) == 1 ? 0 : OTHER_USER;
  return PENSTOCK_OK;
}

int ps_control_permits(uint32_t uid) {
  return uid == 0;
}

/* --- making one ----------------------------------------------------------------------------------- */

static int failed(penstock_error *error, const char *path, const char *why, const char *next) {
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "no control socket, %s: %s", path, why);
  penstock_next(error, "%s", next);
  return PENSTOCK_E_FAILED;
}

/* The list is the pipe's, not of one of its instances: what holds of the first one does of those to come. */
static DWORD let_in_user_alone(HANDLE pipe) {
  ps_user room;
  BYTE system_sid[SECURITY_MAX_SID_SIZE];
  DWORD size = sizeof(system_sid);
  PACL list = NULL;
  if (!ps_user_of(GetCurrentProcess(), &room) || !CreateWellKnownSid(WinLocalSystemSid, NULL, system_sid, &size)) {
    return GetLastError();
  }
  EXPLICIT_ACCESSW both[2] = {
      {.grfAccessPermissions = FILE_ALL_ACCESS,
       .grfAccessMode = SET_ACCESS,
       .Trustee = {.TrusteeForm = TRUSTEE_IS_SID, .ptstrName = (LPWSTR)room.user.User.Sid}},
      {.grfAccessPermissions = FILE_ALL_ACCESS,
       .grfAccessMode = SET_ACCESS,
       .Trustee = {.TrusteeForm = TRUSTEE_IS_SID, .ptstrName = (LPWSTR)(void *)system_sid}},
  };
  DWORD reason = SetEntriesInAclW(2, both, NULL, &list);
  if (reason == ERROR_SUCCESS) {
    reason = SetSecurityInfo(pipe, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                             NULL, NULL, list, NULL);
  }
  (void)LocalFree(list);
  return reason;
}

static int taken(const char *path, penstock_error *error) {
  uint32_t uid = 0;
  uint32_t pid = 0;
  penstock_error unused;
  penstock_socket other = PENSTOCK_SOCKET_NONE;
  if (ps_control_dial(path, 1, &other, &unused) == PENSTOCK_OK) {
    (void)ps_control_peer(other, &uid, &pid);
    ps_control_hang_up(other);
  }
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                      "%s is the control socket of another process (pid %lu)", path, (unsigned long)pid);
  penstock_next(error, "end that one, or choose another port with --listen");
  return PENSTOCK_E_FAILED;
}

int ps_control_bind(uv_pipe_t *pipe, const char *name, ps_control_file *file, penstock_error *error) {
  char prefix[32];
  char path[PS_CONTROL_PATH_SIZE];
  memset(file, 0, sizeof(*file));
  user_prefix(prefix, sizeof(prefix));
  (void)snprintf(path, sizeof(path), "%s%s%s", PIPES, prefix, name);
  char native[PS_CONTROL_PATH_SIZE];
  (void)snprintf(native, sizeof(native), "\\\\.\\pipe\\%s%s", prefix, name);
  int result = uv_pipe_bind(pipe, native);
  if (result == UV_EADDRINUSE || result == UV_EACCES) {
    return taken(path, error);
  }
  if (result != 0) {
    return failed(error, path, uv_strerror(result), "choose another port with --listen");
  }
  DWORD reason = let_in_user_alone(pipe->pipe.serv.accept_reqs[0].pipeHandle);
  if (reason != ERROR_SUCCESS) {
    char text[160];
    ps_reason(reason, text, sizeof(text));
    return failed(error, path, text, "its access list cannot be set, so that nobody is let in");
  }
  char entry[PS_CONTROL_PATH_SIZE];
  (void)snprintf(entry, sizeof(entry), "%s%s", prefix, name);
  reason = enter(entry, file);
  if (reason != ERROR_SUCCESS) {
    char text[160];
    ps_reason(reason, text, sizeof(text));
    return failed(error, path, text, "set PENSTOCK_RUNTIME_DIR to a folder of yours in which files can be made");
  }
  (void)snprintf(file->path, sizeof(file->path), "%s", path);
  return PENSTOCK_OK;
}

/* The pipe goes with its last handle, its file with this one. */
void ps_control_unbind(ps_control_file *file) {
  if (file->path[0]) {
    (void)CloseHandle((HANDLE)(uintptr_t)file->device);
  }
  file->path[0] = '\0';
}

/* --- finding and asking --------------------------------------------------------------------------- */

void ps_control_label(char *name, size_t size, const char *path) {
  char prefix[32];
  user_prefix(prefix, sizeof(prefix));
  size_t skip = strlen(PIPES) + strlen(prefix);
  (void)snprintf(name, size, "%s", strlen(path) > skip ? path + skip : path);
}

void ps_control_each(void (*each)(void *context, const char *path), void *context, penstock_error *shut) {
  char prefix[32];
  if (shut) {
    shut->what[0] = '\0'; /* who may enter the folder says nothing of the pipes, which have lists of their own */
  }
  WIN32_FIND_DATAW found;
  user_prefix(prefix, sizeof(prefix));
  wchar_t *pattern = folder_path("*", 0);
  HANDLE search = pattern ? FindFirstFileW(pattern, &found) : INVALID_HANDLE_VALUE;
  free(pattern);
  if (search == INVALID_HANDLE_VALUE) {
    return;
  }
  do {
    char path[PS_CONTROL_PATH_SIZE];
    char *name = ps_narrow(found.cFileName);
    if (name && strncmp(name, prefix, strlen(prefix)) == 0 &&
        snprintf(path, sizeof(path), "%s%s", PIPES, name) < (int)sizeof(path)) {
      each(context, path);
    }
    free(name);
  } while (FindNextFileW(search, &found));
  (void)FindClose(search);
}

int ps_control_dial(const char *path, int timeout_ms, penstock_socket *socket, penstock_error *error) {
  uint32_t uid = OTHER_USER;
  uint32_t pid = 0;
  wchar_t *wide = ps_wide(path);
  HANDLE pipe = INVALID_HANDLE_VALUE;
  DWORD reason = ERROR_PIPE_BUSY;
  for (wchar_t *at = wide; at && *at; at++) {
    *at = *at == L'/' ? L'\\' : *at;
  }
  /* Whoever listens may know who we are, not act in our name. */
  for (int i = 0; wide && i < 2 && pipe == INVALID_HANDLE_VALUE && reason == ERROR_PIPE_BUSY; i++) {
    if (i > 0 && !WaitNamedPipeW(wide, timeout_ms > 0 ? (DWORD)timeout_ms : 1)) {
      break;
    }
    pipe = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                       FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
    reason = GetLastError();
  }
  free(wide);
  if (pipe == INVALID_HANDLE_VALUE) {
    char text[160];
    ps_reason(reason, text, sizeof(text));
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot connect to %s: %s", path, text);
    return reason == ERROR_FILE_NOT_FOUND ? PENSTOCK_E_NOT_FOUND
           : reason == ERROR_PIPE_BUSY    ? PENSTOCK_E_TIMEOUT
                                          : PENSTOCK_E_FAILED;
  }
  if (ps_control_peer((penstock_socket)pipe, &uid, &pid) != PENSTOCK_OK || !ps_control_permits(uid)) {
    (void)CloseHandle(pipe);
    return penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_REFUSED,
                         "%s belongs to a process of another user (pid %lu): it is not asked", path,
                         (unsigned long)pid);
  }
  *socket = (penstock_socket)pipe;
  return PENSTOCK_OK;
}

/* Waits for what was begun, and calls it off when the time is over. Returns the count, or -1 with the error. */
static long complete(HANDLE pipe, OVERLAPPED *request, int is_done, DWORD patience_ms) {
  DWORD count = 0;
  DWORD reason = is_done ? ERROR_SUCCESS : GetLastError();
  if (!is_done && reason == ERROR_IO_PENDING) {
    if (WaitForSingleObject(request->hEvent, patience_ms) != WAIT_OBJECT_0) {
      (void)CancelIoEx(pipe, request);
    }
    reason = ERROR_SUCCESS;
  }
  if (reason == ERROR_SUCCESS && !GetOverlappedResult(pipe, request, &count, TRUE)) {
    reason = GetLastError();
  }
  (void)CloseHandle(request->hEvent);
  SetLastError(reason);
  return reason == ERROR_SUCCESS ? (long)count : -1;
}

long ps_control_read(penstock_socket socket, void *buffer, size_t size) {
  HANDLE pipe = (HANDLE)socket;
  DWORD there = 0;
  OVERLAPPED request = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
  if (!request.hEvent || !PeekNamedPipe(pipe, NULL, 0, NULL, &there, NULL)) {
    (void)CloseHandle(request.hEvent);
    return PS_NET_BROKEN;
  }
  if (there == 0) {
    (void)CloseHandle(request.hEvent);
    return PS_NET_AGAIN;
  }
  int is_done = ReadFile(pipe, buffer, size > there ? there : (DWORD)size, NULL, &request);
  long count = complete(pipe, &request, is_done, INFINITE);
  return count > 0 ? count : PS_NET_BROKEN;
}

long ps_control_write(penstock_socket socket, const void *data, size_t size) {
  OVERLAPPED request = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
  if (!request.hEvent) {
    return PS_NET_BROKEN;
  }
  int is_done = WriteFile((HANDLE)socket, data, size > INT_MAX ? INT_MAX : (DWORD)size, NULL, &request);
  long count = complete((HANDLE)socket, &request, is_done, WRITE_PATIENCE_MS);
  return count > 0 ? count : PS_NET_BROKEN;
}

/* A read of nothing ends when there is something to read. */
int ps_control_wait(penstock_socket socket, int to_write, int timeout_ms) {
  char unused;
  OVERLAPPED request = {.hEvent = to_write ? NULL : CreateEventW(NULL, TRUE, FALSE, NULL)};
  if (!request.hEvent) {
    return 1;
  }
  int is_done = ReadFile((HANDLE)socket, &unused, 0, NULL, &request);
  return complete((HANDLE)socket, &request, is_done, timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms) >= 0 ||
         GetLastError() != ERROR_OPERATION_ABORTED;
}

void ps_control_hang_up(penstock_socket socket) {
  (void)CloseHandle((HANDLE)socket);
}

/* Streams are sockets, of which a lane's loop waits for many at once; a pipe is none. */
int ps_control_as_socket(penstock_socket connected, penstock_socket *socket, ps_control_fault *fault) {
  ULONG client = 0;
  (void)GetNamedPipeClientProcessId((HANDLE)connected, &client);
  int code = ps_control_bridge((HANDLE)connected, client, socket);
  if (code != PENSTOCK_OK) {
    ps_control_fault_set(fault, "failed", "the gateway is out of memory, sockets or threads");
    ps_control_fault_next(fault, "try again when there are fewer streams");
  }
  return code;
}

int ps_control_has_more(penstock_socket connected) {
  DWORD there = 0;
  return PeekNamedPipe((HANDLE)connected, NULL, 0, NULL, &there, NULL) && there > 0;
}

void ps_control_settle(void) {
  ps_control_bridges_settle(SETTLE_MS);
}

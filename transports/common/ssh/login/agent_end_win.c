/* SPDX-License-Identifier: MIT */
/*
 * Named pipes and sockets alike, by overlapped I/O: each move waits for its end, the deadline, or a stop.
 *
 * Anybody can make a pipe of a name that is free, and would then be given what is to be signed, and could pass it on to
 * a host of his choice. So the pipe has to belong to this user, to the system (OpenSSH's service), or to
 * administrators, who can read this process anyway. And its server may not act as this user (SECURITY_IDENTIFICATION).
 */
#include <aclapi.h>

#include "common/ssh/login/agent_end.h"
#include "common/win/socket_child_win.h"
#include "win/wide.h"

enum { BUSY_WAIT_MS = 50 };

struct agent_end {
  HANDLE handle; /* a pipe, or the same as `socket` */
  SOCKET socket; /* INVALID_SOCKET for a pipe */
  HANDLE done;   /* an event for the move that is under way */
  HANDLE stop;   /* an event that stays */
};

/* --- making and ending ------------------------------------------------------------------------------ */

/* Takes over one of both. NULL if the system has no events left. */
static agent_end *wrap(HANDLE pipe, SOCKET socket) {
  agent_end *end = calloc(1, sizeof(*end));
  if (!end) {
    if (socket != INVALID_SOCKET) {
      (void)closesocket(socket);
    } else {
      (void)CloseHandle(pipe);
    }
    return NULL;
  }
  end->handle = socket != INVALID_SOCKET ? (HANDLE)socket : pipe;
  end->socket = socket;
  end->done = CreateEventW(NULL, TRUE, FALSE, NULL);
  end->stop = CreateEventW(NULL, TRUE, FALSE, NULL);
  if (!end->done || !end->stop) {
    agent_end_close(end);
    return NULL;
  }
  return end;
}

void agent_end_stop(agent_end *end) {
  (void)SetEvent(end->stop);
  if (end->socket != INVALID_SOCKET) {
    (void)shutdown(end->socket, SD_BOTH);
  }
}

void agent_end_close(agent_end *end) {
  if (!end) {
    return;
  }
  if (end->socket != INVALID_SOCKET) {
    (void)closesocket(end->socket);
  } else {
    (void)CloseHandle(end->handle);
  }
  if (end->done) {
    (void)CloseHandle(end->done);
  }
  if (end->stop) {
    (void)CloseHandle(end->stop);
  }
  free(end);
}

/* --- moving ---------------------------------------------------------------------------------------- */

static DWORD left_ms(uint64_t deadline_ns) {
  uint64_t now = agent_clock_ns();
  uint64_t left = deadline_ns > now ? (deadline_ns - now) / 1000000u + 1 : 0;
  return left > 3600000u ? 3600000u : (DWORD)left;
}

/* Begins a move of at most `size` bytes. Returns 0 if it is over or under way. */
static int begin(agent_end *end, void *data, size_t size, int is_read, OVERLAPPED *move) {
  DWORD count = size > 65536 ? 65536 : (DWORD)size;
  DWORD flags = 0;
  WSABUF buffer = {.len = count, .buf = data};
  int begun;
  if (end->socket != INVALID_SOCKET) {
    int failed = is_read ? WSARecv(end->socket, &buffer, 1, NULL, &flags, move, NULL)
                         : WSASend(end->socket, &buffer, 1, NULL, 0, move, NULL);
    begun = failed == 0 || WSAGetLastError() == WSA_IO_PENDING;
  } else {
    int done =
        is_read ? ReadFile(end->handle, data, count, NULL, move) : WriteFile(end->handle, data, count, NULL, move);
    begun = done || GetLastError() == ERROR_IO_PENDING;
  }
  return begun ? 0 : -1;
}

/* Moves some bytes. Returns the count, or -1. */
static int64_t move_some(agent_end *end, void *data, size_t size, int is_read, uint64_t deadline_ns) {
  OVERLAPPED move = {.hEvent = end->done};
  const HANDLE events[] = {end->done, end->stop};
  DWORD count = 0;
  (void)ResetEvent(end->done);
  if (begin(end, data, size, is_read, &move)) {
    return -1;
  }
  int is_done = WaitForMultipleObjects(2, events, FALSE, left_ms(deadline_ns)) == WAIT_OBJECT_0;
  if (!is_done) {
    (void)CancelIoEx(end->handle, &move);
  }
  /* In any case the system must be through with `data` and `move`. */
  int is_good = GetOverlappedResult(end->handle, &move, &count, TRUE);
  return is_done && is_good && count > 0 ? (int64_t)count : -1;
}

int agent_end_receive(agent_end *end, void *data, size_t size, uint64_t deadline_ns) {
  uint8_t *bytes = data;
  while (size > 0) {
    int64_t count = move_some(end, bytes, size, 1, deadline_ns);
    if (count < 0) {
      return -1;
    }
    bytes += count;
    size -= (size_t)count;
  }
  return 0;
}

int agent_end_send(agent_end *end, const void *data, size_t size, uint64_t deadline_ns) {
  const uint8_t *bytes = data;
  while (size > 0) {
    /* What is written is not changed, but the system's types have no const. */
    int64_t count = move_some(end, (void *)(uintptr_t)bytes, size, 0, deadline_ns);
    if (count < 0) {
      return -1;
    }
    bytes += count;
    size -= (size_t)count;
  }
  return 0;
}

/* --- a pipe ---------------------------------------------------------------------------------------- */

/* Is it this user, or whom the system makes the owner of what this process makes? */
static int is_own(PSID sid) {
  union {
    TOKEN_USER user;
    TOKEN_OWNER owner;
    BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
  } room;
  DWORD size = sizeof(room);
  HANDLE token = NULL;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
    return 0;
  }
  int is_same = GetTokenInformation(token, TokenUser, &room, size, &size) && EqualSid(room.user.User.Sid, sid);
  size = sizeof(room);
  is_same |= GetTokenInformation(token, TokenOwner, &room, size, &size) && EqualSid(room.owner.Owner, sid);
  (void)CloseHandle(token);
  return is_same;
}

/* Returns 1 if the pipe belongs to somebody who may see what is signed; else `why` says whose it is. */
static int check_owner(HANDLE pipe, const char *path, char *why, size_t why_size) {
  PSECURITY_DESCRIPTOR descriptor = NULL;
  PSID owner = NULL;
  DWORD error =
      GetSecurityInfo(pipe, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL, NULL, &descriptor);
  if (error != ERROR_SUCCESS || !owner) {
    (void)snprintf(why, why_size, "%s: it cannot be known whose it is (error %lu), so it is not used", path, error);
    return 0;
  }
  int is_ours =
      is_own(owner) || IsWellKnownSid(owner, WinLocalSystemSid) || IsWellKnownSid(owner, WinBuiltinAdministratorsSid);
  if (!is_ours) {
    (void)snprintf(why, why_size,
                   "%s belongs to another user, so it is not used: that user could log in with your keys", path);
  }
  (void)LocalFree(descriptor);
  return is_ours;
}

/* While all of its instances are taken, a pipe is busy. */
static HANDLE open_pipe(const char *path, uint64_t deadline_ns) {
  wchar_t *wide = ps_wide(path);
  HANDLE pipe = INVALID_HANDLE_VALUE;
  if (!wide) {
    SetLastError(ERROR_INVALID_NAME);
    return pipe;
  }
  for (wchar_t *at = wide; *at; at++) { /* a file of that name is found by either, a wait may want its own */
    *at = *at == L'/' ? L'\\' : *at;
  }
  for (;;) {
    pipe = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                       FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
    if (pipe != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY || left_ms(deadline_ns) == 0) {
      break;
    }
    (void)WaitNamedPipeW(wide, BUSY_WAIT_MS);
  }
  DWORD error = GetLastError();
  free(wide);
  SetLastError(error);
  return pipe;
}

agent_end *agent_end_connect(const char *path, uint64_t deadline_ns, int *is_absent, char *why, size_t why_size) {
  HANDLE pipe = open_pipe(path, deadline_ns);
  DWORD error = pipe == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
  *is_absent = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
  if (error) {
    (void)snprintf(why, why_size, "%s: %s (error %lu)", path,
                   *is_absent                     ? "there is no such pipe"
                   : error == ERROR_ACCESS_DENIED ? "you may not use this pipe"
                   : error == ERROR_PIPE_BUSY     ? "it is busy all the time"
                                                  : "it cannot be opened",
                   error);
    return NULL;
  }
  if (!check_owner(pipe, path, why, why_size)) {
    (void)CloseHandle(pipe);
    return NULL;
  }
  agent_end *end = wrap(pipe, INVALID_SOCKET);
  if (!end) {
    (void)snprintf(why, why_size, "out of memory");
  }
  return end;
}

/* --- a pair ---------------------------------------------------------------------------------------- */

agent_end *agent_end_make_pair(penstock_socket *other) {
  penstock_socket pair[2];
  u_long blocks = 0;
  if (socket_child_pair(pair) != 0) {
    return NULL;
  }
  (void)ioctlsocket((SOCKET)pair[0], (long)FIONBIO, &blocks);
  agent_end *end = wrap(NULL, (SOCKET)pair[1]);
  if (!end) {
    (void)closesocket((SOCKET)pair[0]);
    return NULL;
  }
  *other = pair[0];
  return end;
}

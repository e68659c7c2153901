/* SPDX-License-Identifier: MIT */
/*
 * An SSH agent of Windows, for tests: it serves what agents are asked by there, and passes the bytes to a Linux agent
 * that listens at a port of 127.0.0.1 (a bridge to a real ssh-agent's socket).
 *
 *   agentpipe PORT pipe NAME      a named pipe, as OpenSSH's agent and newer Pageants
 *   agentpipe PORT everyone NAME  the same, owned by another account (World), as one that somebody has put there
 *   agentpipe PORT window         the window "Pageant" with WM_COPYDATA, as older Pageants
 *
 * Prints "ready" once it can be asked. It ends when its standard input does.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 65536, WINDOW_ROOM = 8192 };
static const ULONG_PTR copydata = 0x804e50ba;
static int port;

static SOCKET dial(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  SOCKET made = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_port = htons((u_short)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(made, (struct sockaddr *)&address, sizeof(address)) != 0) {
    fprintf(stderr, "agentpipe: nobody is at port %d\n", port);
    ExitProcess(1);
  }
  return made;
}

/* Reads exactly so many bytes. */
static int take(SOCKET from, char *data, int size) {
  while (size > 0) {
    int count = recv(from, data, size, 0);
    if (count <= 0) {
      return -1;
    }
    data += count;
    size -= count;
  }
  return 0;
}

static DWORD length_of(const char *message) {
  const unsigned char *bytes = (const unsigned char *)message;
  return (DWORD)bytes[0] << 24 | (DWORD)bytes[1] << 16 | (DWORD)bytes[2] << 8 | bytes[3];
}

/* One request, one answer. `room` is what both may take. */
static int ask(SOCKET agent, char *message, DWORD room) {
  DWORD length = length_of(message);
  if (length > room - 4 || send(agent, message, (int)length + 4, 0) != (int)length + 4 || take(agent, message, 4)) {
    return -1;
  }
  length = length_of(message);
  return length > room - 4 || take(agent, message + 4, (int)length) ? -1 : 0;
}

/* --- a pipe ---------------------------------------------------------------------------------------- */

static int read_all(HANDLE pipe, char *data, DWORD size) {
  while (size > 0) {
    DWORD count = 0;
    if (!ReadFile(pipe, data, size, &count, NULL) || count == 0) {
      return -1;
    }
    data += count;
    size -= count;
  }
  return 0;
}

static DWORD WINAPI serve_pipe(void *context) {
  HANDLE pipe = context;
  char *message = malloc(CHUNK);
  SOCKET agent = dial();
  DWORD done = 0;
  while (message && read_all(pipe, message, 4) == 0 && length_of(message) <= CHUNK - 4 &&
         read_all(pipe, message + 4, length_of(message)) == 0 && ask(agent, message, CHUNK) == 0 &&
         WriteFile(pipe, message, length_of(message) + 4, &done, NULL)) {
  }
  closesocket(agent);
  free(message);
  DisconnectNamedPipe(pipe);
  CloseHandle(pipe);
  return 0;
}

static DWORD WINAPI serve_pipes(void *context) {
  char path[512];
  SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
  const char *const *words = context;
  const char *sddl = strcmp(words[2], "everyone") == 0 ? "O:WDD:(A;;GA;;;WD)" : "D:(A;;GA;;;WD)";
  (void)ConvertStringSecurityDescriptorToSecurityDescriptorA(sddl, SDDL_REVISION_1, &attributes.lpSecurityDescriptor,
                                                             NULL);
  snprintf(path, sizeof(path), "\\\\.\\pipe\\%s", words[3]);
  for (int i = 0;; i++) {
    HANDLE pipe = CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE | PIPE_WAIT, PIPE_UNLIMITED_INSTANCES,
                                   CHUNK, CHUNK, 0, &attributes);
    if (pipe == INVALID_HANDLE_VALUE) {
      fprintf(stderr, "agentpipe: %s: error %lu\n", path, GetLastError());
      ExitProcess(1);
    }
    if (i == 0) {
      puts("ready");
      fflush(stdout);
    }
    if (ConnectNamedPipe(pipe, NULL) || GetLastError() == ERROR_PIPE_CONNECTED) {
      CloseHandle(CreateThread(NULL, 0, serve_pipe, pipe, 0, NULL));
    } else {
      CloseHandle(pipe);
    }
  }
}

/* --- a window -------------------------------------------------------------------------------------- */

static LRESULT answer_window(const COPYDATASTRUCT *data) {
  HANDLE mapping = data->dwData == copydata ? OpenFileMappingA(FILE_MAP_ALL_ACCESS, FALSE, data->lpData) : NULL;
  char *view = mapping ? MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0) : NULL;
  SOCKET agent = view ? dial() : INVALID_SOCKET;
  int result = view && ask(agent, view, WINDOW_ROOM) == 0;
  if (view) {
    closesocket(agent);
    UnmapViewOfFile(view);
  }
  if (mapping) {
    CloseHandle(mapping);
  }
  return result;
}

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam) {
  return message == WM_COPYDATA ? answer_window((const COPYDATASTRUCT *)lparam)
                                : DefWindowProcW(window, message, wparam, lparam);
}

static DWORD WINAPI serve_window(void *context) {
  WNDCLASSW kind = {.lpfnWndProc = on_message, .lpszClassName = L"Pageant", .hInstance = GetModuleHandleW(NULL)};
  MSG message;
  (void)context;
  RegisterClassW(&kind);
  if (!CreateWindowExW(0, L"Pageant", L"Pageant", 0, 0, 0, 0, 0, NULL, NULL, kind.hInstance, NULL)) {
    fprintf(stderr, "agentpipe: no window: error %lu\n", GetLastError());
    ExitProcess(1);
  }
  puts("ready");
  fflush(stdout);
  while (GetMessageW(&message, NULL, 0, 0) > 0) {
    DispatchMessageW(&message);
  }
  return 0;
}

int main(int argc, char **argv) {
  WSADATA data;
  char byte;
  DWORD count;
  if (argc < 3 || WSAStartup(MAKEWORD(2, 2), &data) != 0) {
    return 2;
  }
  port = atoi(argv[1]);
  int is_window = strcmp(argv[2], "window") == 0;
  CloseHandle(CreateThread(NULL, 0, is_window ? serve_window : serve_pipes, argv, 0, NULL));
  while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), &byte, 1, &count, NULL) && count > 0) {
  }
  return 0;
}

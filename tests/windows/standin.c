/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the solver, for Windows: takes its flags, writes its marks, answers its probe and echoes everything
 * else. As the real one does, it starts a child that inherits the listening socket; and that one has a child, too. What
 * it was given is in standin.txt, in its folder: its environment, its words, and whether it was asked to end.
 *
 * Whoever says QUIT ends it, and CRSH has it end as by an access violation.
 *
 * STANDIN in the environment: `fail` writes a mark that says so; `slow` never gets ready; `stubborn` takes no notice of
 * being asked; `die` ends before it is ready.
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <io.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *mode = "";

static void note(const char *key, const char *text) {
  FILE *file = fopen("standin.txt", "a");
  if (file) {
    fprintf(file, "%s=%s\n", key, text);
    fclose(file);
  }
}

static BOOL WINAPI on_event(DWORD event) {
  note("asked", event == CTRL_C_EVENT ? "ctrl-c" : "other");
  if (strcmp(mode, "stubborn") == 0) {
    return TRUE;
  }
  ExitProcess(0);
}

static void mark(const char *path, const char *text) {
  FILE *file = fopen(path, "a");
  if (file) {
    fprintf(file, "%s\n", text);
    fclose(file);
  }
}

static int receive_all(SOCKET client, char *into, int size) {
  int used = 0;
  while (used < size) {
    int count = recv(client, into + used, size - used, 0);
    if (count <= 0) {
      return -1;
    }
    used += count;
  }
  return 0;
}

static void answer(SOCKET client) {
  static const char reply[] = "{\"protocol_version\": \"0.18\", \"status\": \"READY\", \"root\": \"C:/\"}";
  unsigned char length[4];
  char text[4096];
  if (receive_all(client, (char *)length, 4) == 0) {
    int size = (int)((unsigned)length[0] << 24 | (unsigned)length[1] << 16 | (unsigned)length[2] << 8 | length[3]);
    if (size >= 0 && size <= (int)sizeof(text) && receive_all(client, text, size) == 0) {
      send(client, reply, sizeof(reply) - 1, 0);
    }
  }
}

static void echo(SOCKET client) {
  char block[65536];
  int count;
  while ((count = recv(client, block, sizeof(block), 0)) > 0) {
    for (int sent = 0; sent < count;) {
      int more = send(client, block + sent, count - sent, 0);
      if (more <= 0) {
        return;
      }
      sent += more;
    }
  }
}

static unsigned __stdcall serve(void *argument) {
  SOCKET client = (SOCKET)(uintptr_t)argument;
  char head[4];
  if (receive_all(client, head, 4) == 0) {
    if (memcmp(head, "TCMD", 4) == 0) {
      answer(client);
    } else if (memcmp(head, "QUIT", 4) == 0) {
      ExitProcess(0);
    } else if (memcmp(head, "CRSH", 4) == 0) {
      TerminateProcess(GetCurrentProcess(), (UINT)EXCEPTION_ACCESS_VIOLATION); /* without a debugger's help */
    } else {
      send(client, head, 4, 0);
      echo(client);
    }
  }
  shutdown(client, SD_SEND);
  while (recv(client, head, sizeof(head), 0) > 0) {
  }
  closesocket(client);
  return 0;
}

static SOCKET listen_on(const char *host, int port) {
  struct sockaddr_in address;
  WSADATA data;
  SOCKET listener;
  WSAStartup(MAKEWORD(2, 2), &data);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons((u_short)port);
  address.sin_addr.s_addr = inet_addr(host);
  if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 64) != 0) {
    fprintf(stderr, "Address already in use (os error 10048)\n");
    exit(1);
  }
  return listener;
}

/* `--child`: it waits for nothing, and has a handle of the listening socket; `--child N` starts N more in turn. */
static void start_child(SOCKET listener, int more) {
  wchar_t path[MAX_PATH];
  wchar_t folder[MAX_PATH];
  wchar_t line[MAX_PATH + 32];
  char text[32];
  STARTUPINFOW info = {.cb = sizeof(info)};
  PROCESS_INFORMATION made;
  if (listener != INVALID_SOCKET) {
    SetHandleInformation((HANDLE)listener, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  }
  GetModuleFileNameW(NULL, path, MAX_PATH);
  GetCurrentDirectoryW(MAX_PATH, folder);
  swprintf(line, MAX_PATH + 32, L"child --child %d \"%ls\"", more, folder); /* by which a test finds it */
  if (CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &info, &made)) {
    snprintf(text, sizeof(text), "%lu", made.dwProcessId);
    note("child", text);
  }
}

int main(int argc, char **argv) {
  const char *host = "127.0.0.1";
  const char *progress = "progress.log";
  int port = 9090;
  char text[32];
  if (argc > 2 && strcmp(argv[1], "--child") == 0) {
    if (atoi(argv[2]) > 0) {
      start_child(INVALID_SOCKET, atoi(argv[2]) - 1);
    }
    Sleep(INFINITE);
  }
  mode = getenv("STANDIN") ? getenv("STANDIN") : "";
  for (int i = 1; i < argc; i++) {
    note("word", argv[i]);
    host = strcmp(argv[i], "--host") == 0 && i + 1 < argc ? argv[i + 1] : host;
    port = strcmp(argv[i], "--port") == 0 && i + 1 < argc ? atoi(argv[i + 1]) : port;
    progress = strcmp(argv[i], "--progress-file") == 0 && i + 1 < argc ? argv[i + 1] : progress;
  }
  snprintf(text, sizeof(text), "%lu", GetCurrentProcessId());
  note("pid", text);
  note("path", getenv("PATH"));
  note("pythonpath", getenv("PYTHONPATH") ? getenv("PYTHONPATH") : "");
  note("cuda", getenv("CUDA_PATH") ? getenv("CUDA_PATH") : "");
  note("gpu", getenv("CUDA_VISIBLE_DEVICES") ? getenv("CUDA_VISIBLE_DEVICES") : "");
  note("window", GetConsoleWindow() && IsWindowVisible(GetConsoleWindow()) ? "visible" : "none");
  SetConsoleCtrlHandler(on_event, TRUE);
  printf("stand-in says hello\n");
  fflush(stdout);
  fprintf(stderr, "stand-in complains\n");
  mark(progress, "SERVER_STARTING");
  if (strcmp(mode, "die") == 0) {
    fprintf(stderr, "stand-in dies\n");
    return 3;
  }
  if (strcmp(mode, "fail") == 0) {
    mark(progress, "FAILED: no GPU here");
    Sleep(INFINITE);
  }
  SOCKET listener = listen_on(host, port);
  start_child(listener, 1);
  if (strcmp(mode, "slow") != 0) {
    mark(progress, "SERVER_READY");
  }
  for (;;) {
    SOCKET client = accept(listener, NULL, NULL);
    if (client != INVALID_SOCKET) {
      _beginthreadex(NULL, 0, serve, (void *)(uintptr_t)client, 0, NULL);
    }
  }
}

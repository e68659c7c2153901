/* SPDX-License-Identifier: MIT */
/*
 * A program of Windows that is run by Linux: under whatever name it is copied to (wsl.exe, ssh.exe, docker.exe), it
 * tells relay.py its name and words, and passes on its standard input, output and error, and the exit status. relay.py
 * decides what that is on Linux. If this one is ended, so is that. Where relay.py listens is in PENSTOCK_RELAY: its
 * port.
 *
 * Two connections: one for input and output, each of which can end by itself, and one for all else, in frames of a
 * letter, a length of four bytes (most significant first), and so many bytes:
 *
 *   to relay.py     V  a variable's name and value, each with a NUL behind it
 *                   N  name and words, likewise; it comes after those
 *   from relay.py   K  the key by which the second connection says whose it is
 *                   E  standard error
 *                   I  nobody reads the input any more
 *                   X  exit status, in digits: the end
 */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_RELAY = 125, CHUNK = 64 << 10, FRAME_MAX = 1 << 20 };

static SOCKET data = INVALID_SOCKET;

static void fail(const char *what) {
  fprintf(stderr, "relay: %s (error %d)\n", what, WSAGetLastError());
  ExitProcess(NO_RELAY);
}

static SOCKET dial(void) {
  const char *port = getenv("PENSTOCK_RELAY");
  struct sockaddr_in address = {.sin_family = AF_INET};
  BOOL on = TRUE;
  SOCKET made = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_port = htons((u_short)(port ? atoi(port) : 0));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (made == INVALID_SOCKET || connect(made, (struct sockaddr *)&address, sizeof(address)) != 0) {
    fail("nobody listens at the port that PENSTOCK_RELAY says");
  }
  (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
  return made;
}

static int send_all(SOCKET to, const char *bytes, int size) {
  while (size > 0) {
    int count = send(to, bytes, size, 0);
    if (count <= 0) {
      return -1;
    }
    bytes += count;
    size -= count;
  }
  return 0;
}

static int receive_all(SOCKET from, char *bytes, int size) {
  while (size > 0) {
    int count = recv(from, bytes, size, 0);
    if (count <= 0) {
      return -1;
    }
    bytes += count;
    size -= count;
  }
  return 0;
}

static void send_frame(SOCKET to, char letter, const char *bytes, size_t size) {
  char head[5] = {letter, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size};
  if (send_all(to, head, sizeof(head)) != 0 || send_all(to, bytes, (int)size) != 0) {
    fail("it takes no words");
  }
}

/* A frame's letter, its bytes with a NUL behind them; 0 if there is none any more. */
static char receive_frame(SOCKET from, char *bytes, size_t *size) {
  unsigned char head[5];
  if (receive_all(from, (char *)head, sizeof(head)) != 0) {
    return 0;
  }
  *size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
  if (*size >= FRAME_MAX || receive_all(from, bytes, (int)*size) != 0) {
    return 0;
  }
  bytes[*size] = '\0';
  return (char)head[0];
}

static size_t add_word(char *words, size_t used, const wchar_t *wide) {
  int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, words + used, (int)(FRAME_MAX - used), NULL, NULL);
  if (size == 0) {
    fail("its words are too long");
  }
  return used + (size_t)size;
}

static void send_words(SOCKET control, char *words) {
  wchar_t path[MAX_PATH];
  int count = 0;
  wchar_t **list = CommandLineToArgvW(GetCommandLineW(), &count);
  (void)GetModuleFileNameW(NULL, path, MAX_PATH);
  const wchar_t *name = wcsrchr(path, L'\\');
  size_t used = add_word(words, 0, name ? name + 1 : path);
  for (int i = 1; i < count; i++) {
    used = add_word(words, used, list[i]);
  }
  send_frame(control, 'N', words, used);
}

/* What the program would find in its environment, if the one who started it has put it there. */
static void send_variable(SOCKET control, const wchar_t *name, char *room) {
  static wchar_t value[CHUNK];
  DWORD length = GetEnvironmentVariableW(name, value, CHUNK);
  if (length > 0 && length < CHUNK) {
    send_frame(control, 'V', room, add_word(room, add_word(room, 0, name), value));
  }
}

static DWORD WINAPI pass_input(void *unused) {
  static char block[CHUNK];
  DWORD size;
  (void)unused;
  while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), block, sizeof(block), &size, NULL) && size > 0 &&
         send_all(data, block, (int)size) == 0) {
  }
  (void)shutdown(data, SD_SEND);
  return 0;
}

static int write_all(DWORD handle, const char *bytes, DWORD size) {
  DWORD count;
  while (size > 0) {
    if (!WriteFile(GetStdHandle(handle), bytes, size, &count, NULL)) {
      return -1;
    }
    bytes += count;
    size -= count;
  }
  return 0;
}

/* Who reads no more is told as Linux would be: the other end of the connection breaks. */
static DWORD WINAPI pass_output(void *unused) {
  static char block[CHUNK];
  int count;
  (void)unused;
  while ((count = recv(data, block, sizeof(block), 0)) > 0) {
    if (write_all(STD_OUTPUT_HANDLE, block, (DWORD)count) != 0) {
      struct linger hard = {.l_onoff = 1};
      (void)setsockopt(data, SOL_SOCKET, SO_LINGER, (const char *)&hard, sizeof(hard));
      (void)closesocket(data);
      break;
    }
  }
  (void)CloseHandle(GetStdHandle(STD_OUTPUT_HANDLE));
  return 0;
}

int main(void) {
  static char bytes[FRAME_MAX];
  WSADATA started;
  size_t size = 0;
  char letter;
  int status = NO_RELAY;
  (void)WSAStartup(MAKEWORD(2, 2), &started);
  SOCKET control = dial();
  send_variable(control, L"PENSTOCK_ASKPASS", bytes);
  send_variable(control, L"SSH_ASKPASS", bytes);
  send_words(control, bytes);
  if (receive_frame(control, bytes, &size) != 'K') {
    fail("it has no use for the name");
  }
  data = dial();
  send_frame(data, 'K', bytes, size);
  (void)CreateThread(NULL, 0, pass_input, NULL, 0, NULL);
  HANDLE output = CreateThread(NULL, 0, pass_output, NULL, 0, NULL);
  while ((letter = receive_frame(control, bytes, &size)) != 0) {
    if (letter == 'E') {
      (void)write_all(STD_ERROR_HANDLE, bytes, (DWORD)size);
    } else if (letter == 'I') {
      (void)CloseHandle(GetStdHandle(STD_INPUT_HANDLE));
    } else if (letter == 'X') {
      status = atoi(bytes);
      break;
    }
  }
  if (status != NO_RELAY) {
    (void)WaitForSingleObject(output, INFINITE);
  }
  ExitProcess((UINT)status);
}

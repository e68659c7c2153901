/* SPDX-License-Identifier: MIT */
/*
 * What a read of standard input waits for cannot be waited for along with a pipe, so a thread does that. What it sends
 * is in frames, since a pipe has no end of one direction (control/frames.h).
 */
#include "cli/far_command.h"

#include "control/frames.h"
#include "control/pipe_win.h"

#define CHUNK ((size_t)64 * 1024)
/* Characters of a console at once; each is three bytes at most. */
#define LINE_MOST 4096
/* When all was said, the far end has so long to end in order. */
#define FAREWELL_MS 2000

/* Whoever sends frames. There is one command at most. */
typedef struct sender {
  HANDLE pipe;
  HANDLE done; /* of a write */
  HANDLE stop;
  CRITICAL_SECTION lock; /* of a frame, and of what follows */
  int has_ended;         /* its end is sent, or none may be any more */
  unsigned char frame[PS_FRAME_HEAD + CHUNK];
} sender;

static sender self;

/* Sends a frame of what lies behind its head. Returns 0, or -1: nothing more can be sent. */
static int send_frame(size_t size, DWORD patience_ms, HANDLE call) {
  const ps_pipe_wait wait = {.done = self.done, .calls = {call}, .patience_ms = patience_ms};
  int result = -1;
  EnterCriticalSection(&self.lock);
  if (!self.has_ended) {
    ps_frames_head(self.frame, size);
    result = ps_pipe_write(self.pipe, &wait, self.frame, PS_FRAME_HEAD + size);
    self.has_ended = size == 0 || result != 0; /* half of a frame: an end would be taken for its bytes */
  }
  LeaveCriticalSection(&self.lock);
  return result;
}

/* --- standard input ------------------------------------------------------------------------------- */

/* A console's line in UTF-8, as the console's own code page may not have it. Ctrl-Z at the beginning of one is the end.
 */
static size_t read_console(HANDLE input, char *bytes, size_t size) {
  static wchar_t line[LINE_MOST];
  DWORD count = 0;
  if (!ReadConsoleW(input, line, LINE_MOST, &count, NULL) || count == 0 || line[0] == 0x1a) {
    return 0;
  }
  int used = WideCharToMultiByte(CP_UTF8, 0, line, (int)count, bytes, (int)size, NULL, NULL);
  return used > 0 ? (size_t)used : 0;
}

/* Whoever has no more, or cannot be read, has ended; the command goes on. */
static DWORD WINAPI feed(void *unused) {
  HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
  char *bytes = (char *)self.frame + PS_FRAME_HEAD;
  DWORD mode;
  int is_console = GetConsoleMode(input, &mode);
  size_t size;
  (void)unused;
  do {
    DWORD count = 0;
    if (is_console) {
      size = read_console(input, bytes, CHUNK);
    } else {
      size = ReadFile(input, bytes, (DWORD)CHUNK, &count, NULL) ? count : 0;
    }
  } while (send_frame(size, INFINITE, self.stop) == 0 && size > 0);
  return 0;
}

static int begin(HANDLE pipe) {
  self.pipe = pipe;
  self.has_ended = 0;
  self.done = CreateEventW(NULL, TRUE, FALSE, NULL);
  self.stop = CreateEventW(NULL, TRUE, FALSE, NULL);
  InitializeCriticalSection(&self.lock);
  return self.done && self.stop;
}

static int begin_feeding(int takes_input) {
  if (!takes_input) {
    return send_frame(0, INFINITE, NULL) == 0 || self.has_ended;
  }
  HANDLE thread = CreateThread(NULL, 0, feed, NULL, 0, NULL);
  if (thread) {
    (void)CloseHandle(thread);
  }
  return thread != NULL;
}

/* The thread may be within a read that nothing ends before the process does; it sends nothing more. */
static void stop_feeding(void) {
  (void)SetEvent(self.stop);
  EnterCriticalSection(&self.lock);
  self.has_ended = 1;
  LeaveCriticalSection(&self.lock);
}

/* --- both ----------------------------------------------------------------------------------------- */

int ps_far_pump(penstock_socket socket, int takes_input, ps_trailer *trailer, ps_trailer_emit *emit, void *context) {
  static char block[CHUNK];
  const ps_pipe_wait wait = {.done = CreateEventW(NULL, TRUE, FALSE, NULL), .patience_ms = INFINITE};
  int result = PENSTOCK_OK;
  if (!wait.done || !begin((HANDLE)socket) || !begin_feeding(takes_input)) {
    return PENSTOCK_E_NOMEM;
  }
  while (result == PENSTOCK_OK && !trailer->is_whole) {
    long count = ps_pipe_read((HANDLE)socket, &wait, block, sizeof(block));
    if (count <= 0) {
      break;
    }
    result = ps_trailer_feed(trailer, block, (size_t)count, emit, context);
  }
  if (result != PENSTOCK_OK || !trailer->is_whole) {
    stop_feeding();
  }
  (void)CloseHandle(wait.done);
  return result;
}

void ps_far_farewell(penstock_socket socket) {
  char rest[4096];
  const ps_pipe_wait wait = {.done = CreateEventW(NULL, TRUE, FALSE, NULL), .patience_ms = FAREWELL_MS};
  if (wait.done && (self.pipe || begin((HANDLE)socket))) { /* all of it may have come with the answer */
    (void)SetEvent(self.stop);
    (void)send_frame(0, FAREWELL_MS, NULL);
    while (ps_pipe_read((HANDLE)socket, &wait, rest, sizeof(rest)) > 0) {
    }
    (void)CloseHandle(wait.done);
  }
}

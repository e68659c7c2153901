/* SPDX-License-Identifier: MIT */
#include "host/prompt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <wchar.h>

#include "host/ask.h"
#include "net/net.h"
#include "win/wide.h"

/* Longest line that is read from the console, in characters of UTF-16. */
#define LINE_MOST 4096

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int cancelled;
static penstock_socket wakes[2] = {PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE};
static HANDLE cancel_event;

static void open_pair(void) {
  (void)ps_net_pair(wakes);
  cancel_event = CreateEventW(NULL, TRUE, FALSE, NULL);
}

int ps_prompt_cancel_fd(void) {
  (void)pthread_once(&once, open_pair);
  return (int)wakes[0];
}

int ps_prompt_cancelled(void) {
  return atomic_load(&cancelled);
}

void ps_prompt_cancel(void) {
  (void)pthread_once(&once, open_pair);
  atomic_store(&cancelled, 1);
  if (wakes[1] != PENSTOCK_SOCKET_NONE) {
    (void)ps_net_write(wakes[1], "", 1);
  }
  if (cancel_event) {
    (void)SetEvent(cancel_event);
  }
}

/* --- the console ---------------------------------------------------------------------------------- */

/* The process's own, whatever its standard streams are. */
typedef struct console {
  HANDLE in;
  HANDLE out;
  DWORD before; /* the mode of `in` */
} console;

static int open_console(console *self) {
  self->in = CreateFileW(L"CONIN$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                         OPEN_EXISTING, 0, NULL);
  self->out = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                          OPEN_EXISTING, 0, NULL);
  if (self->in != INVALID_HANDLE_VALUE && self->out != INVALID_HANDLE_VALUE &&
      GetConsoleMode(self->in, &self->before)) {
    return 0;
  }
  if (self->in != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(self->in);
  }
  if (self->out != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(self->out);
  }
  return -1;
}

static void close_console(const console *self) {
  (void)SetConsoleMode(self->in, self->before);
  (void)CloseHandle(self->in);
  (void)CloseHandle(self->out);
}

static void show(const console *self, const char *text) {
  DWORD written;
  wchar_t *wide = ps_wide(text);
  if (wide) {
    (void)WriteConsoleW(self->out, wide, (DWORD)wcslen(wide), &written, NULL);
  }
  free(wide);
}

/* One character, or the end of the question. Characters are taken one by one, since a read of a line could not be
 * ended. */
static int32_t read_character(const console *self, wchar_t *character) {
  const HANDLE either[] = {cancel_event, self->in};
  for (;;) {
    INPUT_RECORD record;
    DWORD count = 0;
    if (WaitForMultipleObjects(2, either, FALSE, INFINITE) != WAIT_OBJECT_0 + 1) {
      return PENSTOCK_E_CANCELLED;
    }
    if (!ReadConsoleInputW(self->in, &record, 1, &count) || count != 1) {
      return PENSTOCK_E_UNSUPPORTED;
    }
    if (record.EventType == KEY_EVENT && record.Event.KeyEvent.bKeyDown && record.Event.KeyEvent.uChar.UnicodeChar) {
      *character = record.Event.KeyEvent.uChar.UnicodeChar;
      return PENSTOCK_OK;
    }
  }
}

static void echo(const console *self, wchar_t character) {
  const wchar_t erase[] = L"\b \b";
  DWORD written;
  if (character == L'\b') {
    (void)WriteConsoleW(self->out, erase, 3, &written, NULL);
  } else {
    (void)WriteConsoleW(self->out, &character, 1, &written, NULL);
  }
}

/* A whole line, also if it is too long: what is left of it must not answer the next question. */
static int32_t read_line(const console *self, int is_secret, char *line, size_t size) {
  wchar_t wide[LINE_MOST];
  size_t used = 0;
  int too_long = 0;
  wchar_t character = 0;
  int32_t result;
  while ((result = read_character(self, &character)) == PENSTOCK_OK && character != L'\r' && character != L'\n') {
    if (character == 3 || (character == 26 && used == 0)) { /* Ctrl-C, Ctrl-Z */
      result = PENSTOCK_E_CANCELLED;
      break;
    }
    if (character == L'\b') {
      if (used > 0) {
        used--;
        if (!is_secret) {
          echo(self, character);
        }
      }
    } else if (used + 1 < LINE_MOST) {
      wide[used++] = character;
      if (!is_secret) {
        echo(self, character);
      }
    } else {
      too_long = 1;
    }
  }
  wide[used] = L'\0';
  show(self, "\r\n");
  if (result == PENSTOCK_OK &&
      (too_long || WideCharToMultiByte(CP_UTF8, 0, wide, -1, line, (int)size, NULL, NULL) <= 0)) {
    result = PENSTOCK_E_LIMIT;
  }
  ps_wipe(wide, sizeof(wide));
  ps_wipe(&character, sizeof(character));
  if (result != PENSTOCK_OK) {
    ps_wipe(line, size);
  }
  return result;
}

static int32_t confirm(const console *self, const char *question) {
  char line[16];
  show(self, question);
  for (;;) {
    show(self, " (yes/no) ");
    int32_t result = read_line(self, 0, line, sizeof(line));
    if (result == PENSTOCK_OK && (_stricmp(line, "yes") == 0 || _stricmp(line, "y") == 0)) {
      return PENSTOCK_OK;
    }
    if (result == PENSTOCK_OK && (_stricmp(line, "no") == 0 || _stricmp(line, "n") == 0)) {
      return PENSTOCK_E_CANCELLED;
    }
    if (result != PENSTOCK_OK && result != PENSTOCK_E_LIMIT) {
      return result;
    }
    show(self, "Please type 'yes' or 'no':");
  }
}

int32_t ps_prompt_ask(uint32_t kind, const char *question, char *answer, size_t answer_size) {
  console self;
  int32_t result;
  if (ps_prompt_cancel_fd() < 0 || !cancel_event) {
    return PENSTOCK_E_LIMIT;
  }
  if (open_console(&self) != 0) {
    return PENSTOCK_E_UNSUPPORTED;
  }
  /* Ctrl-C comes as a character, for the question alone. */
  (void)SetConsoleMode(self.in, 0);
  if (kind == PENSTOCK_PROMPT_SECRET) {
    (void)FlushConsoleInputBuffer(self.in); /* what was typed before the question was seen is no answer to it */
  }
  if (kind == PENSTOCK_PROMPT_CONFIRM) {
    result = confirm(&self, question);
  } else {
    size_t length = strlen(question);
    show(&self, question);
    show(&self, length > 0 && question[length - 1] != ' ' ? " " : "");
    result = read_line(&self, kind == PENSTOCK_PROMPT_SECRET, answer, answer_size);
  }
  close_console(&self);
  return result;
}

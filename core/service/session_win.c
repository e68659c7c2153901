/* SPDX-License-Identifier: MIT */
/*
 * A process that has loaded user32.dll, as every one of ours has, is told of a logoff and of a shutdown as programs
 * with windows are: by WM_QUERYENDSESSION and WM_ENDSESSION to a window at the top level, which may be hidden
 * (Microsoft's page on SetConsoleCtrlHandler says so, and that CTRL_LOGOFF_EVENT and CTRL_SHUTDOWN_EVENT do not come
 * then). Windows waits until the second one has been answered, at most 5 s, or longer while the user looks at the
 * reason that we give. So it is not answered: the process ends meanwhile.
 *
 * The two console events come to a service (one made by a service wrapper, say). There, any user's logoff is nothing to
 * us.
 */
#include "service/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/console_win.h"
#include "log/log.h"

/* tests/windows/endsession.c looks for it. */
#define WINDOW_CLASS L"penstock-session"
#define REASON_SIZE  256 /* MAX_STR_BLOCKREASON: longer ones are cut by the system */

enum { ASKED = 1, SESSION_ENDS = 2 };

struct ps_session {
  uv_async_t async;
  void (*end)(void *context, int64_t drain_ms);
  void *context;
  wchar_t reason[REASON_SIZE];
  HANDLE thread; /* of the window; NULL: there is none */
  HANDLE ready;  /* its window has been made, or cannot be */
  _Atomic(HWND) window;
  atomic_int is_left; /* Windows waits for our end: the thread does not come back */
};

/* The one of this process, and what was asked for before there was one. `lock` guards both. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ps_session *current;
static int asked; /* ASKED, SESSION_ENDS: the latter counts */

static void ask(int how) {
  (void)pthread_mutex_lock(&lock);
  asked = asked > how ? asked : how;
  if (current) {
    (void)uv_async_send(&current->async);
  }
  (void)pthread_mutex_unlock(&lock);
}

void ps_session_ask_end(void) {
  ask(ASKED);
}

static void on_asked(uv_async_t *async) {
  ps_session *self = async->data;
  (void)pthread_mutex_lock(&lock);
  int how = asked;
  asked = 0;
  (void)pthread_mutex_unlock(&lock);
  if (how != 0) {
    self->end(self->context, how == SESSION_ENDS ? PS_SESSION_DRAIN_MS : -1);
  }
}

/* --- the window's thread -------------------------------------------------------------------------- */

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM first, LPARAM second) {
  ps_session *self = (ps_session *)GetWindowLongPtrW(window, GWLP_USERDATA);
  switch (message) {
  case WM_QUERYENDSESSION:
    if (self) {
      (void)ShutdownBlockReasonCreate(window, self->reason);
    }
    return TRUE;
  case WM_ENDSESSION:
    if (!self || !first) { /* somebody else has said no */
      (void)ShutdownBlockReasonDestroy(window);
      return 0;
    }
    atomic_store(&self->is_left, 1);
    ps_log(PENSTOCK_LOG_INFO, "gateway", "the user logs off, or the machine shuts down: ending");
    ask(SESSION_ENDS);
    Sleep(INFINITE); /* an answer would be the permission to end us at once */
    return 0;
  case WM_CLOSE:
    if (self) { /* ours: taskkill without /f sends it too, and means the same as Ctrl-C */
      ask(ASKED);
    }
    return 0;
  case WM_APP:
    (void)DestroyWindow(window);
    return 0;
  case WM_DESTROY:
    PostQuitMessage(0);
    return 0;
  default:
    return DefWindowProcW(window, message, first, second);
  }
}

/* Hidden, but at the top level: windows for messages alone are not told. */
static HWND make_window(ps_session *self) {
  const WNDCLASSW class = {
      .lpfnWndProc = on_message, .hInstance = GetModuleHandleW(NULL), .lpszClassName = WINDOW_CLASS};
  (void)RegisterClassW(&class); /* of one that is there already, or cannot be, the next line tells */
  HWND window =
      CreateWindowExW(0, WINDOW_CLASS, L"penstock", WS_OVERLAPPED, 0, 0, 0, 0, NULL, NULL, class.hInstance, NULL);
  if (window) {
    (void)SetWindowLongPtrW(window, GWLP_USERDATA, (LONG_PTR)self);
  }
  return window;
}

static void tell_unnoticed(DWORD reason) {
  ps_log(PENSTOCK_LOG_INFO, "gateway", "that the user logs off will not be noticed: no window can be had (error %lu)",
         reason);
}

static DWORD WINAPI run_window(void *context) {
  ps_session *self = context;
  MSG message;
  HWND window = make_window(self);
  if (!window) {
    tell_unnoticed(GetLastError());
  }
  atomic_store(&self->window, window);
  (void)SetEvent(self->ready);
  while (window && GetMessageW(&message, NULL, 0, 0) > 0) {
    (void)DispatchMessageW(&message);
  }
  return 0;
}

/* --- as a service --------------------------------------------------------------------------------- */

static BOOL WINAPI on_console(DWORD event) {
  DWORD session = 0;
  if (event == CTRL_LOGOFF_EVENT) {
    return ProcessIdToSessionId(GetCurrentProcessId(), &session) && session == 0; /* services are in session 0 */
  }
  if (event != CTRL_SHUTDOWN_EVENT) {
    return FALSE;
  }
  ask(SESSION_ENDS);
  Sleep(INFINITE);
  return TRUE;
}

/* ------------------------------------------------------------------------------------------------ */

static void start_window(ps_session *self) {
  self->ready = CreateEventW(NULL, TRUE, FALSE, NULL);
  self->thread = self->ready ? CreateThread(NULL, 0, run_window, self, 0, NULL) : NULL;
  if (!self->thread) {
    tell_unnoticed(GetLastError());
  }
}

ps_session *ps_session_open(uv_loop_t *loop, const char *reason, void (*end)(void *context, int64_t drain_ms),
                            void *context) {
  ps_session *self = calloc(1, sizeof(*self));
  if (!self || uv_async_init(loop, &self->async, on_asked) != 0) {
    free(self);
    return NULL;
  }
  self->async.data = self;
  self->end = end;
  self->context = context;
  (void)MultiByteToWideChar(CP_UTF8, 0, reason, -1, self->reason, REASON_SIZE - 1);
  (void)SetConsoleCtrlHandler(on_console, TRUE);
  start_window(self);
  (void)pthread_mutex_lock(&lock);
  current = self;
  if (asked != 0) {
    (void)uv_async_send(&self->async);
  }
  (void)pthread_mutex_unlock(&lock);
  return self;
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

/* Waits for the window's thread; not if Windows has told it meanwhile that the session ends, for then it waits for our
 * end. */
static int has_thread_ended(ps_session *self) {
  (void)WaitForSingleObject(self->ready, INFINITE);
  HWND window = atomic_load(&self->window);
  if (window && !PostMessageW(window, WM_APP, 0, 0)) {
    return 0;
  }
  while (WaitForSingleObject(self->thread, 50) == WAIT_TIMEOUT) {
    if (atomic_load(&self->is_left)) {
      return 0;
    }
  }
  (void)CloseHandle(self->thread);
  return 1;
}

void ps_session_close(ps_session *self) {
  if (!self) {
    return;
  }
  (void)pthread_mutex_lock(&lock);
  current = NULL;
  (void)pthread_mutex_unlock(&lock);
  ps_console_handler(on_console, FALSE);
  if (self->thread && !has_thread_ended(self)) {
    uv_close((uv_handle_t *)&self->async, NULL); /* the thread has the rest, until the process ends */
    return;
  }
  if (self->ready) {
    (void)CloseHandle(self->ready);
  }
  uv_close((uv_handle_t *)&self->async, on_closed);
}

/* SPDX-License-Identifier: MIT */
/*
 * A child is told what it is by a variable, which it takes out of its environment at once: the gateway's number, the
 * handle to speak into, and the handle of the process whose end is its own (0: nobody's).
 */
#include "cli/split_win.h"

#include "cli/cli.h"
#include "service/session.h"

#define VARIABLE     "PENSTOCK_SPLIT"
#define MOST_HANDLES 5

static int is_known;
static int own = -1;
static HANDLE words;

/* --- a child -------------------------------------------------------------------------------------- */

static DWORD WINAPI watch_parent(void *parent) {
  (void)WaitForSingleObject(parent, INFINITE);
  ps_session_ask_end();
  return 0;
}

/* What was handed down to us is not to be handed down again: whoever reads our output waits for its last holder. */
static void keep(DWORD which) {
  HANDLE handle = GetStdHandle(which);
  if (handle && handle != INVALID_HANDLE_VALUE) {
    (void)SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0);
  }
}

static void begin_child(const char *text) {
  unsigned index = 0;
  unsigned long long to_parent = 0;
  unsigned long long parent = 0;
  if (sscanf(text, "%u:%llu:%llu", &index, &to_parent, &parent) != 3) {
    return;
  }
  own = (int)index;
  keep(STD_INPUT_HANDLE);
  keep(STD_OUTPUT_HANDLE);
  keep(STD_ERROR_HANDLE);
  words = (HANDLE)(uintptr_t)to_parent;
  (void)SetHandleInformation(words, HANDLE_FLAG_INHERIT, 0);
  if (parent != 0) {
    HANDLE process = (HANDLE)(uintptr_t)parent;
    (void)SetHandleInformation(process, HANDLE_FLAG_INHERIT, 0);
    HANDLE thread = CreateThread(NULL, 65536, watch_parent, process, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (thread) {
      (void)CloseHandle(thread);
    }
  }
}

int ps_split_own(void) {
  if (!is_known) {
    const char *text = getenv(VARIABLE);
    is_known = 1;
    if (text && text[0]) {
      begin_child(text);
      (void)_putenv_s(VARIABLE, "");
    }
  }
  return own;
}

void ps_split_say(char what) {
  DWORD written = 0;
  if (words) {
    (void)WriteFile(words, &what, 1, &written, NULL);
  }
}

void ps_split_end_words(void) {
  if (words) {
    (void)CloseHandle(words);
    words = NULL;
  }
}

/* --- the parent ----------------------------------------------------------------------------------- */

/* What a child inherits, and nothing else: copies, for ours are not to be inherited by others. */
typedef struct inheritance {
  HANDLE handles[MOST_HANDLES]; /* closed by end_inheritance() */
  size_t count;
} inheritance;

/* `access` 0: the same as ours. NULL if there is nothing to copy. */
static HANDLE copy(inheritance *self, HANDLE handle, DWORD access) {
  HANDLE made = NULL;
  if (DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &made, access, TRUE,
                      access ? 0 : DUPLICATE_SAME_ACCESS)) {
    self->handles[self->count++] = made;
  }
  return made;
}

static HANDLE copy_stream(inheritance *self, DWORD which) {
  HANDLE handle = GetStdHandle(which);
  return handle && handle != INVALID_HANDLE_VALUE ? copy(self, handle, 0) : NULL;
}

static void end_inheritance(const inheritance *self) {
  for (size_t i = 0; i < self->count; i++) {
    (void)CloseHandle(self->handles[i]);
  }
}

/* Returns 0 or an error of Windows. */
static DWORD create(inheritance *given, STARTUPINFOEXW *info, DWORD flags, HANDLE *process) {
  wchar_t program[32768];
  PROCESS_INFORMATION made;
  DWORD length = GetModuleFileNameW(NULL, program, sizeof(program) / sizeof(program[0]));
  wchar_t *line = _wcsdup(GetCommandLineW()); /* it may be changed by the call */
  DWORD reason = line ? 0 : ERROR_NOT_ENOUGH_MEMORY;
  if (reason == 0 && (length == 0 || length >= sizeof(program) / sizeof(program[0]))) {
    reason = ERROR_FILENAME_EXCED_RANGE;
  }
  if (reason == 0 &&
      (!UpdateProcThreadAttribute(info->lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, given->handles,
                                  given->count * sizeof(given->handles[0]), NULL, NULL) ||
       !CreateProcessW(program, line, NULL, NULL, TRUE, flags | EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                       &info->StartupInfo, &made))) {
    reason = GetLastError();
  }
  if (reason == 0) {
    (void)CloseHandle(made.hThread);
    *process = made.hProcess;
  }
  free(line);
  return reason;
}

/* With an attribute list. What runs in a terminal's job, say, leaves it if it may. */
static DWORD create_with(inheritance *given, STARTUPINFOW *start, int stays, HANDLE *process) {
  STARTUPINFOEXW info = {.StartupInfo = *start};
  SIZE_T size = 0;
  info.StartupInfo.cb = sizeof(info);
  (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
  info.lpAttributeList = malloc(size);
  if (!info.lpAttributeList || !InitializeProcThreadAttributeList(info.lpAttributeList, 1, 0, &size)) {
    free(info.lpAttributeList);
    return ERROR_NOT_ENOUGH_MEMORY;
  }
  DWORD reason = create(given, &info, stays ? 0 : CREATE_BREAKAWAY_FROM_JOB, process);
  if (reason == ERROR_ACCESS_DENIED && !stays) {
    reason = create(given, &info, 0, process);
  }
  DeleteProcThreadAttributeList(info.lpAttributeList);
  free(info.lpAttributeList);
  return reason;
}

DWORD ps_split_start(size_t index, int stays, ps_split_child *child) {
  inheritance given = {.count = 0};
  HANDLE write_end = NULL;
  char text[96];
  memset(child, 0, sizeof(*child));
  if (!CreatePipe(&child->words, &write_end, NULL, 0)) {
    return GetLastError();
  }
  STARTUPINFOW start = {.dwFlags = STARTF_USESTDHANDLES};
  start.hStdInput = copy_stream(&given, STD_INPUT_HANDLE);
  start.hStdOutput = copy_stream(&given, STD_OUTPUT_HANDLE);
  start.hStdError = copy_stream(&given, STD_ERROR_HANDLE);
  HANDLE to_parent = copy(&given, write_end, 0);
  HANDLE parent = stays ? copy(&given, GetCurrentProcess(), SYNCHRONIZE) : NULL;
  (void)CloseHandle(write_end);
  (void)snprintf(text, sizeof(text), "%zu:%llu:%llu", index, (unsigned long long)(uintptr_t)to_parent,
                 (unsigned long long)(uintptr_t)parent);
  (void)fflush(NULL);
  DWORD reason = to_parent ? 0 : ERROR_NOT_ENOUGH_MEMORY;
  if (reason == 0) {
    (void)SetEnvironmentVariableA(VARIABLE, text);
    reason = create_with(&given, &start, stays, &child->process);
    (void)SetEnvironmentVariableA(VARIABLE, NULL);
  }
  end_inheritance(&given);
  if (reason != 0) {
    (void)CloseHandle(child->words);
    memset(child, 0, sizeof(*child));
  }
  return reason;
}

int ps_split_outcome(HANDLE process, char *why, size_t size) {
  DWORD code = PS_EXIT_FAILED;
  why[0] = '\0';
  (void)GetExitCodeProcess(process, &code);
  if (code == (DWORD)STATUS_CONTROL_C_EXIT) {
    (void)snprintf(why, size, "the gateway was ended by its console");
  } else if (code >= 0xC0000000) {
    (void)snprintf(why, size, "the gateway has crashed (0x%08lX)", code);
  }
  return why[0] ? (int)PS_EXIT_FAILED : (int)code;
}

static void (*on_key)(void);

static BOOL WINAPI leave_to_children(DWORD event) {
  if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) {
    return FALSE;
  }
  if (on_key) {
    on_key();
  }
  return TRUE;
}

void ps_split_leave_keys_to_children(void (*told)(void)) {
  on_key = told;
  (void)SetConsoleCtrlHandler(leave_to_children, TRUE);
}

void ps_split_take_keys_back(void) {
  (void)SetConsoleCtrlHandler(leave_to_children, FALSE);
}

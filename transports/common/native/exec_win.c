/* SPDX-License-Identifier: MIT */
/*
 * Three threads: what comes from the client goes to the command's input, its standard error is kept, and its output
 * goes to the client until it has ended. What it started and left goes on if it has ended by itself, as elsewhere, and
 * ends with it if its client has gone or we end.
 */
#include <winsock2.h>

#include "common/native/exec_win.h"

#include <stdlib.h>

#include "common/native/ending.h"
#include "common/native/environment_win.h"
#include "common/native/far_end_win.h"
#include "common/native/place_win.h"
#include "common/native/runner_win.h"
#include "common/native/tail.h"
#include "common/win/files_win.h"
#include "win/process.h"
#include "win/reason.h"

#define CHUNK 65536
/* Of standard error, so much is kept. */
#define ERRORS_MOST 65536
/* Exit status of one that was ended because nobody wants it any more: that of SIGTERM elsewhere. */
#define STATUS_STOPPED 143
#define STATUS_NOT_RUN 126
#define STATUS_NO_SUCH 127

enum { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAMS };

typedef struct exec {
  far_end end;
  HANDLE process;
  HANDLE job;
  HANDLE ours[STREAMS]; /* of its standard streams; INVALID_HANDLE_VALUE: none, or closed */
  HANDLE is_over;       /* the command has ended, and what it said was read */
  HANDLE done[STREAMS]; /* events of their reads and writes */
  tail errors;
  DWORD code;
} exec;

/* --- what is wanted ------------------------------------------------------------------------------- */

void exec_wanted_free(exec_wanted *wanted) {
  if (wanted) {
    for (size_t i = 0; wanted->argv && wanted->argv[i]; i++) {
      free(wanted->argv[i]);
    }
    free(wanted->argv);
    free(wanted->mark);
    free(wanted->token);
    free(wanted);
  }
}

exec_wanted *exec_wanted_copy(const penstock_command *command) {
  exec_wanted *wanted = calloc(1, sizeof(*wanted));
  size_t count = 0;
  if (!wanted) {
    return NULL;
  }
  wanted->flags = command->flags;
  wanted->lines = command->lines;
  wanted->mark = strdup(command->mark);
  wanted->token = strdup(command->token);
  int is_whole = wanted->mark && wanted->token;
  while (command->argv && command->argv[count]) {
    count++;
  }
  wanted->argv = command->argv ? calloc(count + 1, sizeof(*wanted->argv)) : NULL;
  for (size_t i = 0; wanted->argv && i < count; i++) {
    wanted->argv[i] = strdup(command->argv[i]);
    is_whole = is_whole && wanted->argv[i];
  }
  if (!is_whole || (command->argv && !wanted->argv)) {
    exec_wanted_free(wanted);
    return NULL;
  }
  return wanted;
}

/* --- its life ------------------------------------------------------------------------------------- */

static void close_if(HANDLE *handle) {
  if (*handle && *handle != INVALID_HANDLE_VALUE) {
    (void)CloseHandle(*handle);
  }
  *handle = INVALID_HANDLE_VALUE;
}

static void destroy(exec *self) {
  for (int i = 0; i < STREAMS; i++) {
    close_if(&self->ours[i]);
    close_if(&self->done[i]);
  }
  close_if(&self->is_over);
  close_if(&self->process);
  close_if(&self->job);
  tail_clear(&self->errors);
  free(self);
}

static exec *create(void) {
  exec *self = calloc(1, sizeof(*self));
  if (!self) {
    return NULL;
  }
  int is_whole = 1;
  for (int i = 0; i < STREAMS; i++) {
    self->ours[i] = INVALID_HANDLE_VALUE;
    self->done[i] = CreateEventW(NULL, TRUE, FALSE, NULL);
    is_whole = is_whole && self->done[i];
  }
  self->is_over = CreateEventW(NULL, TRUE, FALSE, NULL);
  if (!is_whole || !self->is_over || tail_init(&self->errors, ERRORS_MOST) != 0) {
    destroy(self);
    return NULL;
  }
  return self;
}

/* --- threads -------------------------------------------------------------------------------------- */

/* To its input, as long as it takes some; then to nobody, until the client has ended its direction. */
static DWORD WINAPI carry_input(void *context) {
  exec *self = context;
  char *block = malloc(CHUNK);
  const pipes_wait reading = {.done = self->end.read, .patience_ms = INFINITE};
  const pipes_wait writing = {.done = self->done[STREAM_IN], .calls = {self->is_over}, .patience_ms = INFINITE};
  long count = block ? 1 : PIPES_BROKEN;
  while (count > 0) {
    count = pipes_read(self->end.socket, &reading, block, CHUNK);
    if (count > 0 && self->ours[STREAM_IN] != INVALID_HANDLE_VALUE &&
        pipes_write(self->ours[STREAM_IN], &writing, block, (size_t)count) != 0) {
      close_if(&self->ours[STREAM_IN]);
    }
  }
  close_if(&self->ours[STREAM_IN]);
  if (count < 0) {
    (void)SetEvent(self->end.stop);
  }
  free(block);
  return 0;
}

/* A read that is done at once does not ask what calls it off: what the command has left behind may write on for ever.
 */
static int has_come(HANDLE event) {
  return WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}

static DWORD WINAPI keep_errors(void *context) {
  exec *self = context;
  char block[4096];
  const pipes_wait wait = {.done = self->done[STREAM_ERR], .calls = {self->is_over}, .patience_ms = INFINITE};
  long count = 1;
  while (count > 0) {
    count = has_come(self->is_over) ? PIPES_CALLED : pipes_read(self->ours[STREAM_ERR], &wait, block, sizeof(block));
    if (count > 0) {
      tail_add(&self->errors, block, (size_t)count);
    }
  }
  /* It has ended, and what it wrote is there. */
  size_t left = count <= PIPES_CALLED ? pipes_waiting(self->ours[STREAM_ERR]) : 0;
  while (left > 0) {
    const pipes_wait rest = {.done = self->done[STREAM_ERR], .patience_ms = INFINITE};
    long more = pipes_read(self->ours[STREAM_ERR], &rest, block, left < sizeof(block) ? left : sizeof(block));
    if (more <= 0) {
      break;
    }
    tail_add(&self->errors, block, (size_t)more);
    left -= (size_t)more;
  }
  return 0;
}

/* Until it has ended and what it wrote before that was sent, or nobody is there any more. */
static void carry_output(exec *self) {
  char *block = malloc(CHUNK);
  const pipes_wait wait = {
      .done = self->done[STREAM_OUT], .calls = {self->process, self->end.stop}, .patience_ms = INFINITE};
  const HANDLE either[] = {self->process, self->end.stop};
  long count = block ? 1 : 0;
  while (count > 0) {
    count = has_come(self->process) ? PIPES_CALLED : pipes_read(self->ours[STREAM_OUT], &wait, block, CHUNK);
    if (count > 0 && far_end_send(&self->end, block, (size_t)count) != 0) {
      (void)SetEvent(self->end.stop);
      count = PIPES_BROKEN;
    }
  }
  size_t left = block && count == PIPES_CALLED ? pipes_waiting(self->ours[STREAM_OUT]) : 0;
  while (left > 0) {
    const pipes_wait rest = {.done = self->done[STREAM_OUT], .patience_ms = INFINITE};
    long more = pipes_read(self->ours[STREAM_OUT], &rest, block, left < CHUNK ? left : CHUNK);
    if (more <= 0 || far_end_send(&self->end, block, (size_t)more) != 0) {
      break;
    }
    left -= (size_t)more;
  }
  /* It may have closed its output long before its end. */
  (void)WaitForMultipleObjects(2, either, FALSE, INFINITE);
  free(block);
}

/* What it has left behind in its job may go on. */
static void release_job(const exec *self) {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION none = {.BasicLimitInformation = {.LimitFlags = 0}};
  (void)SetInformationJobObject(self->job, JobObjectExtendedLimitInformation, &none, sizeof(none));
}

static unsigned await_end(exec *self) {
  if (WaitForSingleObject(self->end.stop, 0) == WAIT_OBJECT_0) {
    (void)TerminateJobObject(self->job, STATUS_STOPPED);
  } else {
    release_job(self);
  }
  (void)WaitForSingleObject(self->process, INFINITE);
  (void)GetExitCodeProcess(self->process, &self->code);
  (void)SetEvent(self->is_over);
  return ending_status(self->code);
}

/* A crash says nothing of itself. */
static void add_ending(exec *self, uint32_t flags) {
  char words[200];
  char line[240];
  if (self->code <= 255) {
    return;
  }
  ending_words(self->code, words, sizeof(words));
  int length = snprintf(line, sizeof(line), "penstock: the command ended %s\n", words);
  if (flags & PENSTOCK_COMMAND_MERGE) {
    (void)far_end_send(&self->end, line, (size_t)length);
  } else {
    tail_add(&self->errors, line, (size_t)length);
  }
}

static DWORD WINAPI carry(void *context) {
  exec *self = context;
  uint32_t flags = self->ours[STREAM_ERR] == INVALID_HANDLE_VALUE ? PENSTOCK_COMMAND_MERGE : 0;
  HANDLE input = CreateThread(NULL, CHUNK, carry_input, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  HANDLE errors = flags ? NULL : CreateThread(NULL, CHUNK, keep_errors, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  int is_broken = 1;
  if (input && (errors || flags)) {
    carry_output(self);
  } else {
    (void)SetEvent(self->end.stop);
  }
  unsigned status = await_end(self);
  if (errors) {
    (void)WaitForSingleObject(errors, INFINITE);
    (void)CloseHandle(errors);
  }
  if (input) {
    size_t size;
    add_ending(self, flags);
    const char *said = tail_text(&self->errors, &size);
    is_broken = far_end_say(&self->end, status, said, size) != 0;
    if (is_broken) {
      (void)shutdown((SOCKET)self->end.socket, SD_BOTH);
      (void)CancelIoEx(self->end.socket, NULL);
    }
    (void)WaitForSingleObject(input, INFINITE);
    (void)CloseHandle(input);
  }
  far_end_close(&self->end, is_broken);
  destroy(self);
  return 0;
}

/* --- its beginning -------------------------------------------------------------------------------- */

static int fail_start(const char *name, DWORD reason, penstock_error *error) {
  char text[160];
  ps_reason(reason, text, sizeof(text));
  return penstock_fail(error, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_TRANSIENT, "'%.100s' could not be started: %s", name,
                       text);
}

static DWORD make_streams(exec *self, uint32_t flags, ps_process *how) {
  DWORD reason = pipes_make(0, &self->ours[STREAM_IN], &how->input);
  reason = reason ? reason : pipes_make(1, &self->ours[STREAM_OUT], &how->output);
  if (flags & PENSTOCK_COMMAND_MERGE) {
    how->errors = how->output;
  } else {
    reason = reason ? reason : pipes_make(1, &self->ours[STREAM_ERR], &how->errors);
  }
  return reason;
}

static DWORD start(exec *self, const ps_process *how) {
  PROCESS_INFORMATION made = {0};
  self->job = ps_process_make_job(NULL);
  DWORD reason = self->job ? ps_process_create(how, &made) : GetLastError();
  reason = reason ? reason : ps_process_set_off(&made, self->job);
  self->process = made.hProcess;
  return reason;
}

/* Starts it with its streams. Only once that is done there is a stream, and it can be of no use. */
static DWORD start_with_streams(exec *self, uint32_t flags, ps_process *how) {
  how->input = how->output = how->errors = INVALID_HANDLE_VALUE;
  DWORD reason = make_streams(self, flags, how);
  reason = reason ? reason : start(self, how);
  if (how->errors == how->output) {
    how->errors = INVALID_HANDLE_VALUE;
  }
  close_if(&how->input);
  close_if(&how->output);
  close_if(&how->errors);
  return reason;
}

/* One that cannot be run is one that has ended, in the words of a trailer. */
typedef struct refused {
  far_end end;
  unsigned status;
  char text[1200];
} refused;

static DWORD WINAPI say_refused(void *context) {
  refused *self = context;
  char rest[512];
  const pipes_wait wait = {.done = self->end.read, .calls = {self->end.stop}, .patience_ms = INFINITE};
  int is_broken = far_end_say(&self->end, self->status, self->text, strlen(self->text)) != 0;
  while (!is_broken && pipes_read(self->end.socket, &wait, rest, sizeof(rest)) > 0) {
  }
  far_end_close(&self->end, is_broken);
  free(self);
  return 0;
}

/* `why` becomes the command's words. */
static int refuse(const exec_wanted *wanted, unsigned status, const penstock_error *why, penstock_socket *stream,
                  penstock_error *error) {
  refused *self = calloc(1, sizeof(*self));
  DWORD reason = self ? far_end_open(&self->end, wanted->token, wanted->mark, stream) : ERROR_NOT_ENOUGH_MEMORY;
  if (reason != 0) {
    free(self);
    return fail_start(wanted->argv[0], reason, error);
  }
  self->status = status;
  (void)snprintf(self->text, sizeof(self->text), "penstock: %s%s%s\n", why->what, why->next[0] ? ". " : "", why->next);
  if (wanted->flags & PENSTOCK_COMMAND_MERGE) {
    (void)far_end_send(&self->end, self->text, strlen(self->text));
    self->text[0] = '\0';
  }
  HANDLE thread = CreateThread(NULL, CHUNK, say_refused, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (thread) {
    (void)CloseHandle(thread);
    return PENSTOCK_OK;
  }
  (void)closesocket((SOCKET)*stream);
  far_end_close(&self->end, 1);
  free(self);
  return fail_start(wanted->argv[0], ERROR_NOT_ENOUGH_MEMORY, error);
}

/* Begins one whose program is known. */
static int begin_runner(const exec_wanted *wanted, const runner *made, wchar_t *environment, const wchar_t *folder,
                        penstock_socket *stream, penstock_error *error) {
  ps_process how = {
      .program = made->program, .line = made->line, .environment = environment, .folder = folder, .leaves_job = 1};
  exec *self = create();
  DWORD reason = self ? start_with_streams(self, wanted->flags, &how) : ERROR_NOT_ENOUGH_MEMORY;
  if (reason != 0) {
    if (self) {
      destroy(self); /* and with its job whatever has begun */
    }
    penstock_error why;
    (void)fail_start(wanted->argv[0], reason, &why);
    return refuse(wanted, STATUS_NOT_RUN, &why, stream, error);
  }
  reason = far_end_open(&self->end, wanted->token, wanted->mark, stream);
  if (reason != 0) {
    destroy(self);
    return fail_start(wanted->argv[0], reason, error);
  }
  HANDLE thread = CreateThread(NULL, CHUNK, carry, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (!thread) {
    (void)closesocket((SOCKET)*stream);
    far_end_close(&self->end, 1);
    destroy(self);
    return fail_start(wanted->argv[0], ERROR_NOT_ENOUGH_MEMORY, error);
  }
  (void)CloseHandle(thread);
  return PENSTOCK_OK;
}

/* Finds what is to be run, and begins it. */
static int begin_in(const solver_settings *settings, const exec_wanted *wanted, const layout *found,
                    penstock_socket *stream, penstock_error *error) {
  char token[64];
  runner made = {0};
  penstock_error why = {.struct_size = sizeof(why)};
  (void)snprintf(token, sizeof(token), "PENSTOCK_EXEC=%s", wanted->token);
  const char *folder = found ? found->root : getenv("USERPROFILE");
  wchar_t *environment = environment_make(settings, found, token);
  wchar_t *wide = folder ? files_wide_path(folder) : NULL;
  char *program = environment ? runner_find(wanted->argv[0], environment, folder) : NULL;
  char *name = wanted->argv[0];
  int result;
  if (!environment) {
    result = fail_start(name, ERROR_NOT_ENOUGH_MEMORY, error);
  } else if (!program) {
    (void)penstock_fail(&why, PENSTOCK_LEG_EXEC, PENSTOCK_CLASS_CONFIG, "There is no program '%.200s' on this machine",
                        name);
    penstock_next(&why, "What cmd.exe itself knows, such as dir, is run by `cmd /c dir`");
    result = refuse(wanted, STATUS_NO_SUCH, &why, stream, error);
  } else {
    wanted->argv[0] = program;
    if (runner_make(&made, (const char *const *)wanted->argv, environment, &why) != PENSTOCK_OK) {
      result = refuse(wanted, STATUS_NOT_RUN, &why, stream, error);
    } else {
      result = begin_runner(wanted, &made, environment, wide, stream, error);
    }
    wanted->argv[0] = name;
  }
  runner_clear(&made);
  free(program);
  free(environment);
  free(wide);
  return result;
}

int exec_begin(const solver_settings *settings, const exec_wanted *wanted, penstock_socket *stream,
               penstock_error *error) {
  layout found;
  penstock_error unused;
  int is_found = settings->root && place_find(settings, &found, &unused) == PENSTOCK_OK;
  int result = begin_in(settings, wanted, is_found ? &found : NULL, stream, error);
  if (is_found) {
    layout_clear(&found);
  }
  return result;
}

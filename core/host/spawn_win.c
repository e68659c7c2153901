/* SPDX-License-Identifier: MIT */
/*
 * Children as in spawn_unix.c, with what Windows has: a job in the place of a process group. There is no asking a
 * program without a window to end, so a job is ended at once where others are asked first.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "host/captured.h"
#include "host/child_win.h"
#include "host/services.h"

/* A grandchild may hold the outputs open for days; what the child itself wrote is read by then. */
#define DRAIN_MS 250

typedef struct capture {
  uv_pipe_t pipe;
  ps_captured kept;
  int ended;
} capture;

struct penstock_process {
  ps_list node;
  ps_host *host;
  HANDLE process; /* NULL once it has ended */
  HANDLE job;
  HANDLE wait;
  int abandoned; /* the host is going away: nobody is to be told */
  penstock_exit exit;
  void (*done)(void *context, const penstock_exit *exit);
  void *context;
  unsigned handles; /* of libuv, that are not closed yet */
  uv_async_t ended;
  uv_timer_t timer;
  uv_pipe_t input;
  uv_write_t input_request;
  char *input_data;
  size_t input_size;
  size_t capture_limit;
  capture output;
  capture error_output;
  char chunk[16384];
};

static void destroy(penstock_process *process) {
  ps_host *host = process->host;
  ps_free_wiped(process->input_data, process->input_size);
  ps_captured_clear(&process->output.kept);
  ps_captured_clear(&process->error_output.kept);
  if (process->job) {
    (void)CloseHandle(process->job);
  }
  free(process);
  ps_host_release(host);
}

static void on_closed(uv_handle_t *handle) {
  penstock_process *process = handle->data;
  if (--process->handles == 0) {
    destroy(process);
  }
}

static void close_handle(uv_handle_t *handle) {
  if (!uv_is_closing(handle)) {
    uv_close(handle, on_closed);
  }
}

static void close_all(penstock_process *process) {
  close_handle((uv_handle_t *)&process->input);
  close_handle((uv_handle_t *)&process->output.pipe);
  close_handle((uv_handle_t *)&process->error_output.pipe);
  close_handle((uv_handle_t *)&process->timer);
  close_handle((uv_handle_t *)&process->ended);
}

/* The last step, with `done` unless the host is going away. The memory goes with the last handle. */
static void finish(penstock_process *process) {
  ps_list_remove(&process->node);
  close_all(process);
  if (!process->abandoned) {
    ps_captured_tell(&process->output.kept, &process->error_output.kept, &process->exit);
    process->done(process->context, &process->exit);
  }
}

static void finish_if_read(penstock_process *process) {
  if (!process->process && process->output.ended && process->error_output.ended) {
    finish(process);
  }
}

static void end_job(const penstock_process *process) {
  if (process->process) {
    (void)TerminateJobObject(process->job, 1);
  }
}

static void on_timer(uv_timer_t *timer) {
  penstock_process *process = timer->data;
  if (process->process) {
    process->exit.timed_out = 1;
    end_job(process);
  } else {
    finish(process);
  }
}

static void on_ended(uv_async_t *async) {
  penstock_process *process = async->data;
  DWORD code = 0;
  if (!process->process || uv_is_closing((uv_handle_t *)async)) {
    return;
  }
  (void)UnregisterWaitEx(process->wait, INVALID_HANDLE_VALUE);
  process->exit.code = GetExitCodeProcess(process->process, &code) && !process->exit.timed_out ? (int32_t)code : -1;
  (void)CloseHandle(process->process);
  process->process = NULL;
  if (process->abandoned || (process->output.ended && process->error_output.ended)) {
    finish(process);
    return;
  }
  (void)uv_timer_start(&process->timer, on_timer, DRAIN_MS, 0);
}

/* On a thread of the system's. */
static void CALLBACK on_waited(void *context, BOOLEAN timed_out) {
  penstock_process *process = context;
  (void)timed_out;
  (void)uv_async_send(&process->ended);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  penstock_process *process = handle->data;
  (void)suggested;
  *buffer = uv_buf_init(process->chunk, sizeof(process->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  penstock_process *process = stream->data;
  capture *to = PS_CONTAINER(stream, capture, pipe);
  if (count > 0) {
    ps_captured_keep(&to->kept, buffer->base, (size_t)count, process->capture_limit);
  } else if (count < 0) {
    to->ended = 1;
    close_handle((uv_handle_t *)stream);
    if (!process->abandoned) {
      finish_if_read(process);
    }
  }
}

/* A program need not read its input: that it does not is no error. */
static void on_written(uv_write_t *request, int status) {
  (void)status;
  close_handle((uv_handle_t *)request->handle);
}

/* --- starting ------------------------------------------------------------------------------------- */

/* Ours and the child's end of its three descriptors. */
typedef struct ends {
  uv_file input[2]; /* read, write */
  uv_file output[2];
  uv_file error_output[2];
} ends;

static void close_ends(const ends *all) {
  const uv_file list[] = {all->input[0],  all->input[1],        all->output[0],
                          all->output[1], all->error_output[0], all->error_output[1]};
  for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
    if (list[i] >= 0) {
      (void)close(list[i]);
    }
  }
}

static int make_handles(penstock_process *process) {
  uv_loop_t *loop = process->host->loop;
  uv_handle_t *handles[] = {(uv_handle_t *)&process->timer, (uv_handle_t *)&process->input,
                            (uv_handle_t *)&process->output.pipe, (uv_handle_t *)&process->error_output.pipe,
                            (uv_handle_t *)&process->ended};
  (void)uv_timer_init(loop, &process->timer);
  (void)uv_pipe_init(loop, &process->input, 0);
  (void)uv_pipe_init(loop, &process->output.pipe, 0);
  (void)uv_pipe_init(loop, &process->error_output.pipe, 0);
  int result = uv_async_init(loop, &process->ended, on_ended);
  for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
    handles[i]->data = process;
  }
  process->handles = result == 0 ? 5 : 4;
  return result;
}

/* 0 or a code of libuv's. */
static int open_ends(ends *all, int with_input) {
  int result = 0;
  if (with_input) {
    result = uv_pipe(all->input, 0, UV_NONBLOCK_PIPE);
  } else if ((all->input[0] = open("NUL", O_RDONLY | O_CLOEXEC)) < 0) {
    result = UV_EMFILE;
  }
  result = result ? result : uv_pipe(all->output, UV_NONBLOCK_PIPE, 0);
  return result ? result : uv_pipe(all->error_output, UV_NONBLOCK_PIPE, 0);
}

/* Gives our end to libuv; 0 or a code. */
static int adopt(uv_pipe_t *pipe, uv_file *end) {
  int result = uv_pipe_open(pipe, *end);
  if (result == 0) {
    *end = -1;
  }
  return result;
}

static int prepare(penstock_process *process, ends *all) {
  int result = open_ends(all, process->input_size > 0);
  result = result ? result : adopt(&process->output.pipe, &all->output[0]);
  result = result ? result : adopt(&process->error_output.pipe, &all->error_output[0]);
  if (!result && process->input_size > 0) {
    result = adopt(&process->input, &all->input[1]);
  }
  result = result ? result : uv_read_start((uv_stream_t *)&process->output.pipe, on_room, on_read);
  return result ? result : uv_read_start((uv_stream_t *)&process->error_output.pipe, on_room, on_read);
}

/* Handles of the list must be inheritable; nothing but the list is inherited. */
static HANDLE lend(uv_file file) {
  HANDLE handle = (HANDLE)_get_osfhandle(file);
  (void)SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  return handle;
}

static int32_t run(penstock_process *process, const penstock_spawn *spawn, const ends *all, penstock_error *error) {
  ps_child child = {spawn->argv,         spawn->env,           spawn->cwd,
                    lend(all->input[0]), lend(all->output[1]), lend(all->error_output[1])};
  int32_t result = ps_child_start(&child, &process->process, &process->job, error);
  if (result == PENSTOCK_OK && !RegisterWaitForSingleObject(&process->wait, process->process, on_waited, process,
                                                            INFINITE, WT_EXECUTEONLYONCE)) {
    (void)TerminateJobObject(process->job, 1);
    (void)CloseHandle(process->process);
    process->process = NULL;
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot wait for '%s'", spawn->argv[0]);
    result = PENSTOCK_E_LIMIT;
  }
  return result;
}

static int32_t start(penstock_process *process, const penstock_spawn *spawn, penstock_error *error) {
  ends all = {{-1, -1}, {-1, -1}, {-1, -1}};
  int32_t result = PENSTOCK_E_LIMIT;
  int reason = make_handles(process);
  reason = reason ? reason : prepare(process, &all);
  if (reason != 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start '%s': %s", spawn->argv[0],
                  uv_strerror(reason));
    penstock_next(error, "a limit of this machine is reached: end other programs");
  } else {
    result = run(process, spawn, &all, error);
  }
  close_ends(&all);
  return result;
}

static void feed(penstock_process *process) {
  uv_buf_t buffer = uv_buf_init(process->input_data, (unsigned)process->input_size);
  if (process->input_size == 0 ||
      uv_write(&process->input_request, (uv_stream_t *)&process->input, &buffer, 1, on_written) != 0) {
    close_handle((uv_handle_t *)&process->input);
  }
}

static penstock_process *create(ps_host *host, const penstock_spawn *spawn) {
  penstock_process *process = calloc(1, sizeof(*process));
  char *input = process && spawn->input_size > 0 ? malloc(spawn->input_size) : NULL;
  if (!process || (spawn->input_size > 0 && !input)) {
    free(process);
    return NULL;
  }
  if (input) {
    memcpy(input, spawn->input, spawn->input_size);
  }
  ps_list_init(&process->node);
  process->host = host;
  process->input_data = input;
  process->input_size = spawn->input_size;
  process->capture_limit = spawn->capture_limit;
  process->done = spawn->done;
  process->context = spawn->context;
  process->exit.struct_size = (uint32_t)sizeof(process->exit);
  ps_host_retain(host);
  return process;
}

int32_t ps_spawn(const penstock_host *table, const penstock_spawn *given, penstock_process **started,
                 penstock_error *error) {
  ps_host *host = ps_host_of(table);
  penstock_spawn spawn = {0};
  *started = NULL;
  memcpy(&spawn, given, given->struct_size < sizeof(spawn) ? given->struct_size : sizeof(spawn));
  if (host->closing) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CANCELLED, "the gateway is shutting down");
    return PENSTOCK_E_CANCELLED;
  }
  if (!spawn.argv || !spawn.argv[0] || !spawn.argv[0][0] || !spawn.done || (spawn.input_size > 0 && !spawn.input) ||
      spawn.input_size > INT32_MAX) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                  "a plugin asked to start a program without saying which, or whom to tell of its end");
    return PENSTOCK_E_INVALID;
  }
  penstock_process *process = create(host, &spawn);
  if (!process) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "out of memory while starting '%s'",
                  spawn.argv[0]);
    return PENSTOCK_E_NOMEM;
  }
  int32_t result = start(process, &spawn, error);
  if (result != PENSTOCK_OK) {
    process->abandoned = 1;
    close_handle((uv_handle_t *)&process->input);
    close_handle((uv_handle_t *)&process->output.pipe);
    close_handle((uv_handle_t *)&process->error_output.pipe);
    close_handle((uv_handle_t *)&process->timer);
    if (process->handles == 5) {
      close_handle((uv_handle_t *)&process->ended);
    }
    return result;
  }
  feed(process);
  if (spawn.timeout_ms > 0) {
    (void)uv_timer_start(&process->timer, on_timer, spawn.timeout_ms, 0);
  }
  ps_list_append(&host->processes, &process->node);
  *started = process;
  return PENSTOCK_OK;
}

void ps_process_kill(const penstock_host *table, penstock_process *process, uint32_t force) {
  (void)table;
  (void)force;
  if (process) {
    end_job(process);
  }
}

void ps_processes_close(ps_host *host) {
  for (ps_list *node = host->processes.next, *next; node != &host->processes; node = next) {
    penstock_process *process = PS_CONTAINER(node, penstock_process, node);
    next = node->next;
    process->abandoned = 1;
    if (process->process) {
      end_job(process); /* it is told of soon, and then goes */
    } else {
      finish(process);
    }
  }
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/captured.h"
#include "host/child_unix.h"
#include "host/prompt.h"
#include "host/services.h"
#include "log/log.h"

/* From the request to end (SIGTERM) to the end (SIGKILL). */
#define TERM_GRACE_MS 2000
/* A grandchild may hold the outputs open for days; what the child itself wrote is in the pipe by now. */
#define DRAIN_MS 250
/* More than a pipe holds. */
#define DRAIN_CHUNKS 64
/* A killed process that the kernel cannot end (its disk is gone, say) must not hold up the shutdown. */
#define REAP_PATIENCE_MS 2000

typedef struct capture {
  uv_pipe_t pipe;
  ps_captured kept;
  int ended;
} capture;

/* What the timer waits for. */
typedef enum phase { PHASE_RUN, PHASE_TERM, PHASE_DRAIN, PHASE_ABANDONED } phase;

struct penstock_process {
  ps_list node;
  ps_host *host;
  pid_t pid; /* 0 once it is reaped: from then on the number may be another's */
  phase phase;
  int kill_rest; /* its group goes with it */
  penstock_exit exit;
  void (*done)(void *context, const penstock_exit *exit);
  void *context;
  unsigned handles; /* of libuv, that are not closed yet */
  uv_signal_t child_ended;
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
  /* What went through may be a password on its way. */
  ps_free_wiped(process->input_data, process->input_size);
  ps_captured_clear(&process->output.kept);
  ps_captured_clear(&process->error_output.kept);
  ps_wipe(process->chunk, sizeof(process->chunk));
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

static void close_pipes(penstock_process *process) {
  close_handle((uv_handle_t *)&process->input);
  close_handle((uv_handle_t *)&process->output.pipe);
  close_handle((uv_handle_t *)&process->error_output.pipe);
}

/* The last step, with `done` unless the host is going away. The memory goes with the last handle. */
static void finish(penstock_process *process) {
  penstock_exit *result = &process->exit;
  ps_list_remove(&process->node);
  close_pipes(process);
  close_handle((uv_handle_t *)&process->timer);
  close_handle((uv_handle_t *)&process->child_ended);
  if (process->phase != PHASE_ABANDONED) {
    ps_captured_tell(&process->output.kept, &process->error_output.kept, result);
    process->done(process->context, result);
  }
}

static void finish_if_read(penstock_process *process) {
  if (process->pid == 0 && process->phase == PHASE_DRAIN && process->output.ended && process->error_output.ended) {
    finish(process);
  }
}

static void on_timer(uv_timer_t *timer);

static void set_timer(penstock_process *process, phase next, uint64_t delay_ms) {
  process->phase = next;
  uv_update_time(process->host->loop);
  (void)uv_timer_start(&process->timer, on_timer, delay_ms, 0);
}

static void signal_group(const penstock_process *process, int signal_number) {
  if (process->pid > 0) {
    (void)kill(-process->pid, signal_number);
  }
}

/* Has it ended? It stays unreaped while its group is dealt with: until then nobody else can have its number. */
static int reap(penstock_process *process) {
  siginfo_t info = {0};
  int status = 0;
  if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
    return 0;
  }
  if (process->kill_rest) {
    signal_group(process, SIGKILL);
  }
  pid_t got = waitpid(process->pid, &status, 0);
  process->exit.code = got > 0 && WIFEXITED(status) && !process->exit.timed_out ? WEXITSTATUS(status) : -1;
  process->exit.signal = got > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  process->pid = 0;
  return 1;
}

static void on_child_ended(uv_signal_t *handle, int number) {
  penstock_process *process = handle->data;
  (void)number;
  if (process->pid == 0 || !reap(process)) {
    return;
  }
  if (process->phase == PHASE_ABANDONED) {
    finish(process);
    return;
  }
  (void)uv_signal_stop(handle);
  set_timer(process, PHASE_DRAIN, DRAIN_MS);
  finish_if_read(process);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
  penstock_process *process = handle->data;
  (void)suggested;
  *buffer = uv_buf_init(process->chunk, sizeof(process->chunk));
}

/* What is in the pipe now: a loop that was held up has not had its turn to read it. */
static void drain(penstock_process *process, capture *from) {
  uv_os_fd_t fd = -1;
  if (from->ended || uv_fileno((uv_handle_t *)&from->pipe, &fd) != 0) {
    return;
  }
  ssize_t count = 1;
  for (int i = 0; i < DRAIN_CHUNKS && count > 0; i++) {
    count = read(fd, process->chunk, sizeof(process->chunk));
    if (count > 0) {
      ps_captured_keep(&from->kept, process->chunk, (size_t)count, process->capture_limit);
    }
  }
}

static void on_timer(uv_timer_t *timer) {
  penstock_process *process = timer->data;
  switch (process->phase) {
  case PHASE_RUN:
    process->exit.timed_out = 1;
    process->kill_rest = 1;
    signal_group(process, SIGTERM);
    set_timer(process, PHASE_TERM, TERM_GRACE_MS);
    break;
  case PHASE_TERM:
    signal_group(process, SIGKILL);
    break;
  case PHASE_DRAIN:
    drain(process, &process->output);
    drain(process, &process->error_output);
    finish(process);
    break;
  case PHASE_ABANDONED:
    ps_log(PENSTOCK_LOG_WARN, process->host->source, "process %ld does not end although it was killed; left behind",
           (long)process->pid);
    process->pid = 0;
    finish(process);
    break;
  }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  penstock_process *process = stream->data;
  capture *to = PS_CONTAINER(stream, capture, pipe);
  if (count > 0) {
    ps_captured_keep(&to->kept, buffer->base, (size_t)count, process->capture_limit);
  } else if (count < 0) {
    to->ended = 1;
    close_handle((uv_handle_t *)stream);
    finish_if_read(process);
  }
}

/* A program need not read its input: EPIPE is no error. */
static void on_written(uv_write_t *request, int status) {
  (void)status;
  close_handle((uv_handle_t *)request->handle);
}

static int make_handles(penstock_process *process) {
  uv_loop_t *loop = process->host->loop;
  uv_handle_t *handles[] = {(uv_handle_t *)&process->timer, (uv_handle_t *)&process->input,
                            (uv_handle_t *)&process->output.pipe, (uv_handle_t *)&process->error_output.pipe,
                            (uv_handle_t *)&process->child_ended};
  (void)uv_timer_init(loop, &process->timer);
  (void)uv_pipe_init(loop, &process->input, 0);
  (void)uv_pipe_init(loop, &process->output.pipe, 0);
  (void)uv_pipe_init(loop, &process->error_output.pipe, 0);
  int result = uv_signal_init(loop, &process->child_ended);
  process->handles = result == 0 ? 5 : 4;
  for (unsigned i = 0; i < process->handles; i++) {
    handles[i]->data = process;
  }
  return result;
}

/* Never started: everything goes, on later turns. */
static void discard(penstock_process *process) {
  close_pipes(process);
  close_handle((uv_handle_t *)&process->timer);
  if (process->handles == 5) {
    close_handle((uv_handle_t *)&process->child_ended);
  }
}

static penstock_process *create(ps_host *host, const penstock_spawn *spawn) {
  penstock_process *process = calloc(1, sizeof(*process));
  if (process && spawn->input_size > 0) {
    process->input_data = malloc(spawn->input_size);
    if (!process->input_data) {
      free(process);
      return NULL;
    }
    memcpy(process->input_data, spawn->input, spawn->input_size);
    process->input_size = spawn->input_size;
  }
  if (process) {
    ps_list_init(&process->node);
    process->host = host;
    process->exit.struct_size = (uint32_t)sizeof(process->exit);
    process->capture_limit = spawn->capture_limit;
    process->done = spawn->done;
    process->context = spawn->context;
    ps_host_retain(host);
  }
  return process;
}

/* Ours and the child's end of its three descriptors. */
typedef struct ends {
  uv_file input[2]; /* read, write */
  uv_file output[2];
  uv_file error_output[2];
} ends;

static void close_ends(ends *all) {
  uv_file *list[] = {&all->input[0],  &all->input[1],        &all->output[0],
                     &all->output[1], &all->error_output[0], &all->error_output[1]};
  for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
    if (*list[i] >= 0) {
      (void)close(*list[i]);
    }
  }
}

/* 0 or a code of libuv's. */
static int open_ends(ends *all, int with_input) {
  int result = 0;
  if (with_input) {
    result = uv_pipe(all->input, 0, UV_NONBLOCK_PIPE);
  } else if ((all->input[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
    result = uv_translate_sys_error(errno);
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

/* Everything that can fail, before the child exists. 0 or a code of libuv's. */
static int prepare(penstock_process *process, ends *all) {
  int result = make_handles(process);
  result = result ? result : open_ends(all, process->input_size > 0);
  result = result ? result : adopt(&process->output.pipe, &all->output[0]);
  result = result ? result : adopt(&process->error_output.pipe, &all->error_output[0]);
  if (!result && process->input_size > 0) {
    result = adopt(&process->input, &all->input[1]);
  }
  result = result ? result : uv_read_start((uv_stream_t *)&process->output.pipe, on_room, on_read);
  result = result ? result : uv_read_start((uv_stream_t *)&process->error_output.pipe, on_room, on_read);
  return result ? result : uv_signal_start(&process->child_ended, on_child_ended, SIGCHLD);
}

static void feed(penstock_process *process) {
  uv_buf_t buffer = uv_buf_init(process->input_data, (unsigned)process->input_size);
  if (process->input_size == 0 ||
      uv_write(&process->input_request, (uv_stream_t *)&process->input, &buffer, 1, on_written) != 0) {
    close_handle((uv_handle_t *)&process->input);
  }
}

static int32_t start(penstock_process *process, const penstock_spawn *spawn, penstock_error *error) {
  ends all = {{-1, -1}, {-1, -1}, {-1, -1}};
  int32_t result = PENSTOCK_E_LIMIT;
  int reason = prepare(process, &all);
  if (reason != 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_TRANSIENT, "cannot start '%s': %s", spawn->argv[0],
                  uv_strerror(reason));
    penstock_next(error, "a limit of this machine is reached: end other programs, or raise it (ulimit -n)");
  } else {
    ps_child child = {spawn->argv, spawn->env, spawn->cwd, all.input[0], all.output[1], all.error_output[1]};
    result = ps_child_start(&child, &process->pid, error);
  }
  close_ends(&all);
  return result;
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
                  "a plugin asked to start a program without "
                  "saying which, or whom to tell of its end");
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
    discard(process);
    return result;
  }
  feed(process);
  if (spawn.timeout_ms > 0) {
    set_timer(process, PHASE_RUN, spawn.timeout_ms);
  }
  ps_list_append(&host->processes, &process->node);
  *started = process;
  return PENSTOCK_OK;
}

void ps_process_kill(const penstock_host *table, penstock_process *process, uint32_t force) {
  (void)table;
  if (process) {
    process->kill_rest = process->kill_rest || force;
    signal_group(process, force ? SIGKILL : SIGTERM);
  }
}

void ps_processes_close(ps_host *host) {
  ps_list *node = NULL;
  while ((node = ps_list_take(&host->processes)) != NULL) {
    penstock_process *process = PS_CONTAINER(node, penstock_process, node);
    close_pipes(process);
    if (process->pid == 0) {
      process->phase = PHASE_ABANDONED;
      finish(process);
      continue;
    }
    process->kill_rest = 1;
    signal_group(process, SIGKILL);
    set_timer(process, PHASE_ABANDONED, REAP_PATIENCE_MS);
  }
}

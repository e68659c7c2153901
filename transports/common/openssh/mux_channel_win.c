/* SPDX-License-Identifier: MIT */
/* One channel: an ssh.exe whose input and output are its data, and whose messages say what happens to it. */
#include <stdlib.h>

#include "common/far_denial.h"
#include "common/openssh/mux_internal_win.h"
#include "win/reason.h"

enum {
  READ_CHUNK = 64 << 10,
  READ_ROUNDS = 8, /* chunks in a turn, so that others have theirs */
  END_TICK_MS = 10,
  END_TICKS = 200,           /* between the end of its outputs and its own */
  VERSION_SESSION_TYPE = 807 /* SessionType, StdinNull: ssh_config may set them */
};

/* --- its program ------------------------------------------------------------------------------------ */

/* The words of the command line, to free(); they themselves are borrowed. */
static const char **make_argv(const mux_channel *channel) {
  const mux_programs *how = &channel->owner->how;
  size_t count = 0;
  while (how->argv[count]) {
    count++;
  }
  const char **argv = calloc(count + 12, sizeof(*argv));
  if (!argv) {
    return NULL;
  }
  memcpy(argv, how->argv, count * sizeof(*argv));
  if (channel->is_session) {
    argv[count++] = "-T";
    if (how->version >= VERSION_SESSION_TYPE) {
      argv[count++] = "-oSessionType=default";
      argv[count++] = "-oStdinNull=no";
    }
  } else {
    argv[count++] = "-W";
    argv[count++] = channel->target;
  }
  argv[count++] = "--";
  argv[count++] = how->host;
  if (channel->is_session) {
    argv[count++] = channel->target;
  }
  return argv;
}

static void on_data(void *context, uint32_t events);
static void on_messages(void *context, uint32_t events);

void mux_channel_launch(mux_channel *channel) {
  const mux *owner = channel->owner;
  const char **argv = make_argv(channel);
  const child_command command = {.program = owner->how.program, .argv = argv, .env = owner->how.env};
  channel->stage = MUX_CHANNEL_STARTING;
  channel->start_error = ERROR_NOT_ENOUGH_MEMORY;
  if (argv) {
    channel->child = socket_child_start(&command, &channel->data, &channel->messages, &channel->start_error);
  }
  free(argv);
  if (channel->child) {
    channel->start_error = 0;
    channel->data_watch = owner->host->watch_start(owner->host, channel->data, PENSTOCK_EVENT_READ, on_data, channel);
    channel->messages_watch =
        owner->host->watch_start(owner->host, channel->messages, PENSTOCK_EVENT_READ, on_messages, channel);
    channel->start_error = channel->data_watch && channel->messages_watch ? 0 : ERROR_NOT_ENOUGH_MEMORY;
  }
}

static void stop_watch(const mux_channel *channel, penstock_watch **watch) {
  if (*watch) {
    channel->owner->host->watch_stop(channel->owner->host, *watch);
    *watch = NULL;
  }
}

static void close_socket(penstock_socket *socket) {
  if (*socket != PENSTOCK_SOCKET_NONE) {
    (void)closesocket((SOCKET)*socket);
    *socket = PENSTOCK_SOCKET_NONE;
  }
}

static void end_program(mux_channel *channel) {
  const penstock_host *host = channel->owner->host;
  stop_watch(channel, &channel->data_watch);
  stop_watch(channel, &channel->messages_watch);
  if (channel->end_timer) {
    host->timer_stop(host, channel->end_timer);
    channel->end_timer = NULL;
  }
  if (channel->child) {
    child_kill(socket_child_process(channel->child));
  }
  close_socket(&channel->data);
  close_socket(&channel->messages);
  socket_child_free(channel->child);
  channel->child = NULL;
}

void mux_channel_free(mux_channel *channel) {
  end_program(channel);
  free(channel->target);
  free(channel);
}

/* --- what its user hears ---------------------------------------------------------------------------- */

static void set_data_events(mux_channel *channel) {
  if (channel->data_watch) {
    uint32_t events = (channel->holds_data ? 0 : PENSTOCK_EVENT_READ) |
                      (channel->wants_to_write && !channel->is_input_ended ? PENSTOCK_EVENT_WRITE : 0);
    channel->owner->host->watch_set(channel->owner->host, channel->data_watch, events);
  }
}

static void tell_open(mux_channel *channel) {
  channel->is_told_open = 1;
  channel->user->opened(channel->context);
}

static void refuse(mux_channel *channel, uint32_t code, const char *text) {
  channel->stage = MUX_CHANNEL_OVER;
  channel->user->refused(channel->context, code, text);
}

int mux_channel_has_news(const mux_channel *channel) {
  return channel->user && channel->stage != MUX_CHANNEL_OVER &&
         (channel->start_error || (channel->is_refused && !channel->child) ||
          (channel->is_session && !channel->is_told_open));
}

void mux_channel_tell(mux_channel *channel) {
  char reason[160];
  char text[240];
  if (!mux_channel_has_news(channel)) {
    return;
  }
  if (channel->start_error) {
    ps_reason(channel->start_error, reason, sizeof(reason));
    (void)snprintf(text, sizeof(text), "ssh.exe cannot be started: %s", reason);
    refuse(channel, FAR_DENIAL_NO_SESSION, text);
  } else if (channel->is_refused) {
    refuse(channel, 3, "");
  } else {
    tell_open(channel);
  }
}

/* A command's end, as the message of RFC 4254 that a server would send. */
static void tell_exit(mux_channel *channel, int status) {
  static const char with_status[] = "exit-status";
  static const char with_signal[] = "exit-signal";
  uint8_t number[4] = {0, 0, 0, (uint8_t)status};
  static const uint8_t signal_name[] = {0, 0, 0, 1, '?'};
  const char *name = status < 0 ? with_signal : with_status;
  const mux_message message = {.type = MUX_REQUEST,
                               .name = (const uint8_t *)name,
                               .name_size = strlen(name),
                               .data = status < 0 ? signal_name : number,
                               .size = status < 0 ? sizeof(signal_name) : sizeof(number)};
  channel->user->request(channel->context, &message);
}

/* Why there was no channel, in ssh's last words. */
static void tell_no_session(mux_channel *channel, int code) {
  char text[360];
  (void)snprintf(text, sizeof(text), "%s", channel->last_words);
  if (!text[0]) {
    (void)snprintf(text, sizeof(text), "ssh.exe ended with status %d and said nothing", code);
  }
  refuse(channel, FAR_DENIAL_NO_SESSION, text);
}

/* The program has ended, and all that it wrote has been read. */
static void conclude(mux_channel *channel, int code) {
  int was_open = channel->stage == MUX_CHANNEL_UP;
  int status = code != 255 ? code : channel->status; /* 255 is also what ssh says of itself */
  end_program(channel);
  if (!was_open) {
    if (channel->is_refused) {
      refuse(channel, channel->refusal.code, channel->refusal.text);
    } else if (channel->has_no_exec) {
      channel->stage = MUX_CHANNEL_OVER;
      channel->user->answered(channel->context, 0);
    } else {
      tell_no_session(channel, code);
    }
    return;
  }
  channel->stage = MUX_CHANNEL_OVER;
  if (channel->is_session) {
    if (status >= 0 || channel->was_signalled) {
      tell_exit(channel, channel->was_signalled ? -1 : status);
    }
  } else if (code == 0 && channel->has_far_eof) {
    channel->user->eof(channel->context);
  }
  if (channel->user) {
    if (channel->is_session) {
      channel->user->eof(channel->context);
    }
  }
  if (channel->user) {
    channel->user->closed(channel->context);
  }
}

/* --- its end ---------------------------------------------------------------------------------------- */

static void read_messages(mux_channel *channel);

static void on_end_tick(void *context) {
  mux_channel *channel = context;
  int code = -1;
  int has_ended = child_has_ended(socket_child_process(channel->child), &code);
  channel->end_ticks++;
  /* What it has started (a ProxyCommand) may hold its messages open. */
  if (channel->end_ticks < END_TICKS && (!has_ended || !channel->has_messages_ended)) {
    return;
  }
  mux *owner = channel->owner;
  mux_begin_turn(owner);
  read_messages(channel);
  if (channel->user) {
    conclude(channel, has_ended ? code : 255);
  }
  mux_end_turn(owner);
}

static void output_has_ended(mux_channel *channel) {
  const penstock_host *host = channel->owner->host;
  channel->has_output_ended = 1;
  stop_watch(channel, &channel->data_watch);
  if (!channel->end_timer) {
    channel->end_timer = host->timer_start(host, END_TICK_MS, END_TICK_MS, on_end_tick, channel);
  }
}

/* --- what it says ----------------------------------------------------------------------------------- */

static void is_up(mux_channel *channel) {
  channel->stage = MUX_CHANNEL_UP;
  channel->holds_data = 0;
  set_data_events(channel);
  if (channel->is_session) {
    channel->user->answered(channel->context, 1);
  } else {
    tell_open(channel);
  }
}

static void on_word(mux_channel *channel, openssh_word word, const openssh_words *words) {
  switch (word) {
  case OPENSSH_WORD_OPEN:
    if (!channel->is_session && channel->stage == MUX_CHANNEL_STARTING) {
      is_up(channel);
    }
    break;
  case OPENSSH_WORD_RUNS:
    if (channel->is_session && channel->stage == MUX_CHANNEL_STARTING) {
      is_up(channel);
    }
    break;
  case OPENSSH_WORD_REFUSED:
    channel->is_refused = 1;
    channel->refusal = *words;
    break;
  case OPENSSH_WORD_NO_EXEC:
    channel->has_no_exec = 1;
    break;
  case OPENSSH_WORD_EOF:
    channel->has_far_eof = 1;
    break;
  case OPENSSH_WORD_SIGNAL:
    channel->was_signalled = 1;
    break;
  case OPENSSH_WORD_STATUS:
    channel->status = words->status;
    break;
  default:
    break;
  }
}

/* Once its command runs, what is not ssh's is the command's. `with_end`: the line has come to its end. */
static void on_line(mux_channel *channel, int with_end) {
  openssh_words words = {0};
  size_t size = channel->line_size;
  char *line = channel->line;
  channel->line_size = 0;
  line[size] = '\0';
  size_t length = strcspn(line, "\r");
  if (length + 1 != size || line[length] != '\r') {
    length = size;
  }
  char kept = line[length];
  line[length] = '\0';
  openssh_word word = openssh_words_read(line, &words);
  line[length] = kept;
  if (word == OPENSSH_WORD_NONE && channel->stage == MUX_CHANNEL_UP && channel->is_session) {
    if (with_end) {
      line[size++] = '\n';
    }
    channel->user->data(channel->context, (const uint8_t *)line, size, 1);
  } else if (word == OPENSSH_WORD_NONE && length > 0) {
    line[length] = '\0';
    (void)snprintf(channel->last_words, sizeof(channel->last_words), "%s", line);
    penstock_utf8_trim(channel->last_words, sizeof(channel->last_words));
    penstock_logf(channel->owner->host, PENSTOCK_LOG_DEBUG, "ssh (%s): %s", channel->target, channel->last_words);
  } else {
    on_word(channel, word, &words);
  }
}

static void hear(mux_channel *channel, const char *text, size_t size) {
  for (size_t i = 0; i < size && channel->user; i++) {
    if (text[i] == '\n') {
      on_line(channel, 1);
      continue;
    }
    if (channel->line_size >= sizeof(channel->line) - 2) {
      on_line(channel, 0);
    }
    if (channel->user) {
      channel->line[channel->line_size++] = text[i];
    }
  }
}

static void read_messages(mux_channel *channel) {
  char text[4096];
  while (channel->user && !channel->has_messages_ended) {
    int count = recv((SOCKET)channel->messages, text, sizeof(text), 0);
    if (count > 0) {
      hear(channel, text, (size_t)count);
    } else if (count == 0 || WSAGetLastError() != WSAEWOULDBLOCK) {
      channel->has_messages_ended = 1;
      stop_watch(channel, &channel->messages_watch);
      if (channel->line_size > 0) {
        on_line(channel, 0);
      }
    } else {
      return;
    }
  }
}

static void on_messages(void *context, uint32_t events) {
  mux_channel *channel = context;
  mux *owner = channel->owner;
  (void)events;
  mux_begin_turn(owner);
  read_messages(channel);
  mux_end_turn(owner);
}

/* --- its data --------------------------------------------------------------------------------------- */

/* With nothing granted: is there something, or has it ended? */
static void look_ahead(mux_channel *channel) {
  char byte;
  int count = recv((SOCKET)channel->data, &byte, 1, MSG_PEEK);
  if (count > 0) {
    channel->holds_data = 1;
  } else if (count == 0 || WSAGetLastError() != WSAEWOULDBLOCK) {
    output_has_ended(channel);
  }
}

static void read_data(mux_channel *channel) {
  static const size_t most = READ_CHUNK;
  uint8_t *chunk = malloc(most);
  for (int i = 0; chunk && i < READ_ROUNDS && channel->user && channel->granted > 0; i++) {
    size_t size = channel->granted < most ? (size_t)channel->granted : most;
    int count = recv((SOCKET)channel->data, (char *)chunk, (int)size, 0);
    if (count > 0) {
      channel->granted -= (uint64_t)count;
      channel->user->data(channel->context, chunk, (size_t)count, 0);
    } else if (count == 0 || WSAGetLastError() != WSAEWOULDBLOCK) {
      output_has_ended(channel);
      break;
    } else {
      break;
    }
  }
  free(chunk);
  if (channel->user && channel->granted == 0 && !channel->has_output_ended) {
    look_ahead(channel);
  }
}

static void on_data(void *context, uint32_t events) {
  mux_channel *channel = context;
  mux *owner = channel->owner;
  mux_begin_turn(owner);
  /* One that was given up outside of a turn is there until the next one. */
  if (channel->user && events & PENSTOCK_EVENT_WRITE && channel->wants_to_write) {
    channel->wants_to_write = 0;
    channel->user->writable(channel->context);
  }
  /* A command's output is not the user's before it is known to run. */
  if (channel->user && events & PENSTOCK_EVENT_READ && !channel->has_output_ended) {
    if (channel->stage == MUX_CHANNEL_UP) {
      read_data(channel);
    } else {
      look_ahead(channel);
    }
  }
  if (channel->user) {
    set_data_events(channel);
  }
  mux_end_turn(owner);
}

/* --- what its user asks for ------------------------------------------------------------------------- */

void mux_channel_pass(mux_channel *channel, const mux_user *user, void *context) {
  channel->user = user;
  channel->context = context;
}

void mux_channel_grant(mux_channel *channel, uint64_t bytes) {
  channel->granted += bytes;
  channel->holds_data = 0;
  set_data_events(channel);
}

void mux_channel_exec(mux_channel *channel, const char *command) {
  channel->target = strdup(command);
  channel->stage = channel->target ? MUX_CHANNEL_QUEUED : MUX_CHANNEL_IDLE;
  channel->start_error = channel->target ? 0 : ERROR_NOT_ENOUGH_MEMORY;
  mux_kick(channel->owner);
}

/* ssh.exe sends what ssh_config names (SetEnv, SendEnv) by itself, and there is nobody else to ask for more. */
void mux_channel_env(mux_channel *channel, const char *name, const char *value) {
  (void)channel;
  (void)name;
  (void)value;
}

/* ssh.exe cannot be asked to send one: the end of its input is all that a command hears, and the end of its session. */
void mux_channel_signal(mux_channel *channel, const char *name) {
  (void)name;
  mux_channel_eof(channel);
}

size_t mux_channel_write(mux_channel *channel, const void *data, size_t size) {
  size_t done = 0;
  if (channel->stage != MUX_CHANNEL_UP || channel->is_input_ended || channel->data == PENSTOCK_SOCKET_NONE) {
    return 0;
  }
  while (done < size) {
    size_t part = size - done < READ_CHUNK ? size - done : READ_CHUNK;
    int count = send((SOCKET)channel->data, (const char *)data + done, (int)part, 0);
    if (count <= 0) {
      break;
    }
    done += (size_t)count;
  }
  channel->wants_to_write = done < size;
  set_data_events(channel);
  return done;
}

void mux_channel_eof(mux_channel *channel) {
  if (!channel->is_input_ended && channel->data != PENSTOCK_SOCKET_NONE) {
    channel->is_input_ended = 1;
    (void)shutdown((SOCKET)channel->data, SD_SEND);
  }
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/child_unix.h"
#include "common/ssh/ssh_dial.h"

enum {
  LINE_SIZE = 512,
  TAIL_SIZE = 2048,  /* of standard error, for the error's detail */
  GRACE_STEPS = 20,  /* of STEP_NS: for a command to end that was asked to */
  STEP_NS = 5000000, /* 5 ms */
  READS_A_TURN = 4
};

struct ssh_proxy {
  const penstock_host *host;
  const char *name;
  char *command;
  pid_t pid; /* 0 once it has been waited for */
  int status;
  penstock_socket messages; /* its standard error */
  penstock_watch *watch;
  char line[LINE_SIZE];
  size_t line_size;
  char tail[TAIL_SIZE];
};

/* --- standard error -------------------------------------------------------------------------------- */

/* Keeps a line, and lets the oldest go. */
static void keep_line(ssh_proxy *proxy, const char *line) {
  size_t size = strlen(line) + 1;
  size_t used = strlen(proxy->tail);
  while (used + size >= TAIL_SIZE) {
    const char *second = strchr(proxy->tail, '\n');
    size_t gone = second ? (size_t)(second + 1 - proxy->tail) : used;
    used -= gone;
    memmove(proxy->tail, proxy->tail + gone, used + 1);
  }
  (void)snprintf(proxy->tail + used, TAIL_SIZE - used, "%s%s", used ? "\n" : "", line);
}

static void end_line(ssh_proxy *proxy) {
  proxy->line[proxy->line_size] = '\0';
  proxy->line_size = 0;
  penstock_utf8_trim(proxy->line, sizeof(proxy->line));
  if (proxy->line[0]) {
    penstock_logf(proxy->host, PENSTOCK_LOG_INFO, "ProxyCommand for %s: %s", proxy->name, proxy->line);
    keep_line(proxy, proxy->line);
  }
}

static void add_text(ssh_proxy *proxy, const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '\n' || proxy->line_size + 1 == LINE_SIZE) {
      end_line(proxy);
    }
    if (c >= ' ' && c != 0x7F) {
      proxy->line[proxy->line_size++] = (char)c;
    }
  }
}

static void close_messages(ssh_proxy *proxy) {
  if (proxy->watch) {
    proxy->host->watch_stop(proxy->host, proxy->watch);
    proxy->watch = NULL;
  }
  dial_close(proxy->messages);
  proxy->messages = PENSTOCK_SOCKET_NONE;
}

static void read_messages(ssh_proxy *proxy) {
  char text[1024];
  for (int i = 0; i < READS_A_TURN && proxy->messages != PENSTOCK_SOCKET_NONE; i++) {
    int64_t count = dial_receive(proxy->messages, text, sizeof(text));
    if (count == DIAL_AGAIN) {
      return;
    }
    if (count <= 0) {
      end_line(proxy);
      close_messages(proxy);
      return;
    }
    add_text(proxy, text, (size_t)count);
  }
}

static void on_messages(void *context, uint32_t events) {
  (void)events;
  read_messages(context);
}

/* --- start ----------------------------------------------------------------------------------------- */

static int spawn(ssh_proxy *proxy, int connection, int messages) {
  const char *shell = getenv("SHELL");
  size_t size = strlen(proxy->command) + sizeof("exec ");
  char *line = malloc(size);
  if (!line) {
    return ENOMEM;
  }
  (void)snprintf(line, size, "exec %s", proxy->command);
  const char *const argv[] = {shell && shell[0] ? shell : "/bin/sh", "-c", line, NULL};
  int code = child_start(argv, connection, connection, messages, &proxy->pid);
  proxy->pid = code ? 0 : proxy->pid;
  free(line);
  return code;
}

/* The command's ends block, as a program expects of its input and output. */
static int make_pair(penstock_socket pair[2]) {
  int code = dial_pair(pair);
  if (code == 0) {
    int flags = fcntl((int)pair[1], F_GETFL);
    (void)fcntl((int)pair[1], F_SETFL, flags & ~O_NONBLOCK);
  }
  return code;
}

ssh_proxy *ssh_proxy_start(const penstock_host *host, const char *name, const char *command, penstock_socket *socket,
                           penstock_error *error) {
  penstock_socket connection[2] = {PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE};
  penstock_socket messages[2] = {PENSTOCK_SOCKET_NONE, PENSTOCK_SOCKET_NONE};
  ssh_proxy *proxy = calloc(1, sizeof(*proxy));
  int code = ENOMEM;
  *socket = PENSTOCK_SOCKET_NONE;
  if (!proxy || !(proxy->command = strdup(command))) {
    goto out;
  }
  proxy->host = host;
  proxy->name = name;
  proxy->messages = PENSTOCK_SOCKET_NONE;
  if ((code = make_pair(connection)) != 0 || (code = make_pair(messages)) != 0 ||
      (code = spawn(proxy, (int)connection[1], (int)messages[1])) != 0) {
    goto out;
  }
  proxy->messages = messages[0];
  messages[0] = PENSTOCK_SOCKET_NONE;
  proxy->watch = host->watch_start(host, proxy->messages, PENSTOCK_EVENT_READ, on_messages, proxy);
  *socket = connection[0];
  connection[0] = PENSTOCK_SOCKET_NONE;
out:
  for (int i = 0; i < 2; i++) {
    dial_close(connection[i]);
    dial_close(messages[i]);
  }
  if (code) {
    const char *shell = getenv("SHELL");
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL,
                        "the ProxyCommand for %s cannot be started: %s", name, strerror(code));
    if (code == ENOENT && shell) {
      penstock_next(error, "It is run by $SHELL, and %s is not there", shell);
    }
    if (proxy) {
      free(proxy->command);
    }
    free(proxy);
    return NULL;
  }
  return proxy;
}

/* --- end ------------------------------------------------------------------------------------------- */

static int has_ended(ssh_proxy *proxy) {
  if (proxy->pid && waitpid(proxy->pid, &proxy->status, WNOHANG) == proxy->pid) {
    proxy->pid = 0;
  }
  return proxy->pid == 0;
}

/* Waits for it for a moment: it has nothing more to do. */
static int wait_briefly(ssh_proxy *proxy) {
  const struct timespec step = {.tv_nsec = STEP_NS};
  for (int i = 0; i < GRACE_STEPS && !has_ended(proxy); i++) {
    (void)nanosleep(&step, NULL);
  }
  return proxy->pid == 0;
}

void ssh_proxy_end(ssh_proxy *proxy) {
  if (!proxy) {
    return;
  }
  close_messages(proxy);
  /* The group's number is the command's, and cannot be another's before the command has been waited for. */
  if (!has_ended(proxy)) {
    pid_t group = proxy->pid;
    (void)kill(-group, SIGHUP);
    (void)kill(-group, SIGTERM);
    if (!wait_briefly(proxy)) {
      (void)kill(-group, SIGKILL);
      while (waitpid(proxy->pid, &proxy->status, 0) < 0 && errno == EINTR) {
      }
    }
  }
  free(proxy->command);
  free(proxy);
}

void ssh_proxy_explain(ssh_proxy *proxy, penstock_error *error) {
  char how[80];
  int is_over = wait_briefly(proxy);
  read_messages(proxy);
  end_line(proxy);
  if (is_over) {
    (void)snprintf(how, sizeof(how), WIFEXITED(proxy->status) ? "ended with code %d" : "was ended by signal %d",
                   WIFEXITED(proxy->status) ? WEXITSTATUS(proxy->status) : WTERMSIG(proxy->status));
    (void)penstock_fail(error, PENSTOCK_LEG_TCP, PENSTOCK_CLASS_TRANSIENT, "the ProxyCommand for %s %s: %.300s",
                        proxy->name, how, proxy->command);
    penstock_next(error, "Try it by hand: it must connect its standard input and output to the SSH server, which then "
                         "greets with SSH-2.0-…");
  } else {
    char words[300];
    (void)snprintf(words, sizeof(words), "%.299s", error->what);
    penstock_utf8_trim(words, sizeof(words));
    (void)snprintf(error->what, sizeof(error->what), "%s (through the ProxyCommand: %.150s)", words, proxy->command);
    penstock_utf8_trim(error->what, sizeof(error->what));
    penstock_next(error, "Try the ProxyCommand by hand: the SSH server greets with SSH-2.0-…");
  }
  (void)snprintf(error->detail, sizeof(error->detail), "%s", proxy->tail);
}

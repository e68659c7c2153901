/* SPDX-License-Identifier: MIT */
#include "common/ssh/ssh_proxy.h"

#include <stdlib.h>

#include "common/ssh/ssh_dial.h"
#include "common/ssh/ssh_proxy_command.h"

enum {
  LINE_SIZE = 512,
  TAIL_SIZE = 2048, /* of standard error, for the error's detail */
  GRACE_MS = 100,   /* for a command to end that has nothing more to do */
  READS_A_TURN = 4
};

struct ssh_proxy {
  const penstock_host *host;
  const char *name;
  char *command;
  ssh_proxy_command *process;
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

/* --- life ------------------------------------------------------------------------------------------ */

static void destroy(ssh_proxy *proxy) {
  free(proxy->command);
  free(proxy);
}

ssh_proxy *ssh_proxy_start(const penstock_host *host, const char *name, const char *command, penstock_socket *socket,
                           penstock_error *error) {
  ssh_proxy *proxy = calloc(1, sizeof(*proxy));
  *socket = PENSTOCK_SOCKET_NONE;
  if (!proxy || !(proxy->command = strdup(command))) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory");
    free(proxy);
    return NULL;
  }
  proxy->host = host;
  proxy->name = name;
  proxy->process = ssh_proxy_command_start(name, command, socket, &proxy->messages, error);
  if (!proxy->process) {
    destroy(proxy);
    return NULL;
  }
  proxy->watch = host->watch_start(host, proxy->messages, PENSTOCK_EVENT_READ, on_messages, proxy);
  return proxy;
}

void ssh_proxy_end(ssh_proxy *proxy) {
  if (!proxy) {
    return;
  }
  close_messages(proxy);
  ssh_proxy_command_end(proxy->process, GRACE_MS);
  destroy(proxy);
}

void ssh_proxy_explain(ssh_proxy *proxy, penstock_error *error) {
  char how[80];
  int is_over = ssh_proxy_command_wait(proxy->process, GRACE_MS);
  read_messages(proxy);
  end_line(proxy);
  if (is_over) {
    ssh_proxy_command_how(proxy->process, how, sizeof(how));
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

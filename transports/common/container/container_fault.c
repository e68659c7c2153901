/* SPDX-License-Identifier: MIT */
/* What a client's words mean. */
#include "common/container/container_report.h"

#include <ctype.h>

/* In this order: the first whose texts are in what the client said, letters' case aside. */
static const struct {
  container_fault fault;
  const char *text;
  const char *more; /* must be there, too; NULL = nothing */
} signs[] = {
    {CONTAINER_FAULT_SUDO_PASSWORD, "sudo: a password is required", NULL},
    {CONTAINER_FAULT_SUDO_PASSWORD, "sudo: a terminal is required", NULL},
    {CONTAINER_FAULT_SUDO_DENIED, "is not in the sudoers file", NULL},
    {CONTAINER_FAULT_SUDO_DENIED, "may not run sudo", NULL},
    {CONTAINER_FAULT_SUDO_DENIED, "is not allowed to execute", NULL},
    {CONTAINER_FAULT_SUDO_DENIED, "sudo:", "effective uid is not 0"},
    {CONTAINER_FAULT_SUDO_DENIED, "sudo:", "no new privileges"},
    {CONTAINER_FAULT_NO_CLIENT, "sudo:", "command not found"},
    {CONTAINER_FAULT_SUDO_DENIED, "doas: ", NULL},
    {CONTAINER_FAULT_PERMISSION, "permission denied", "docker daemon socket"},
    {CONTAINER_FAULT_PERMISSION, "permission denied", "docker API"},
    {CONTAINER_FAULT_PERMISSION, "dial unix", "permission denied"},
    {CONTAINER_FAULT_UNREACHABLE, "docker system dial-stdio", NULL},
    {CONTAINER_FAULT_TLS, "x509: ", NULL},
    {CONTAINER_FAULT_TLS, "tls: ", NULL},
    {CONTAINER_FAULT_TLS, "HTTP response to HTTPS client", NULL},
    {CONTAINER_FAULT_TLS, "HTTP request to an HTTPS server", NULL},
    {CONTAINER_FAULT_TLS, "unable to resolve docker endpoint", ".pem"},
    {CONTAINER_FAULT_CONTEXT, "unable to resolve docker endpoint", NULL},
    {CONTAINER_FAULT_CONTEXT, "context", "is not found on the file system"},
    {CONTAINER_FAULT_CONTEXT, "context", "context not found"},
    {CONTAINER_FAULT_CONTEXT, "context", "does not exist"},
    {CONTAINER_FAULT_CONTEXT, "service destination not found", NULL},
    {CONTAINER_FAULT_CONTEXT, "failed to resolve active destination", NULL},
    {CONTAINER_FAULT_VERSION, "client version", "is too new"},
    {CONTAINER_FAULT_VERSION, "client version", "is too old"},
    {CONTAINER_FAULT_SILENT, "context deadline exceeded", NULL},
    {CONTAINER_FAULT_SILENT, "Client.Timeout exceeded", NULL},
    {CONTAINER_FAULT_UNREACHABLE, "Cannot connect to the Docker daemon at tcp:", NULL},
    {CONTAINER_FAULT_UNREACHABLE, "Cannot connect to the Docker daemon at ssh:", NULL},
    {CONTAINER_FAULT_UNREACHABLE, "Cannot connect to the Docker daemon at http", NULL},
    {CONTAINER_FAULT_NO_ENGINE, "Cannot connect to the Docker daemon", NULL},
    {CONTAINER_FAULT_NO_ENGINE, "failed to connect to the docker API at unix", NULL},
    {CONTAINER_FAULT_NO_ENGINE, "failed to connect to the docker API at npipe", NULL},
    {CONTAINER_FAULT_UNREACHABLE, "failed to connect to the docker API", NULL},
    {CONTAINER_FAULT_NO_ENGINE, "docker daemon is not running", NULL},
    {CONTAINER_FAULT_NO_ENGINE, "Cannot connect to Podman", "dial unix"},
    {CONTAINER_FAULT_UNREACHABLE, "Cannot connect to Podman", NULL},
    {CONTAINER_FAULT_UNREACHABLE, "Error: failed to connect: ", NULL},
    {CONTAINER_FAULT_NO_ENGINE, "error during connect", "dial unix"},
    {CONTAINER_FAULT_NO_ENGINE, "error during connect", "EOF"},
    {CONTAINER_FAULT_UNREACHABLE, "error during connect", NULL},
    {CONTAINER_FAULT_PODMAN_SETUP, "newuidmap", NULL},
    {CONTAINER_FAULT_PODMAN_SETUP, "cannot find UID/GID", NULL},
    {CONTAINER_FAULT_PODMAN_SETUP, "cannot clone", NULL},
    {CONTAINER_FAULT_PODMAN_SETUP, "storage.conf: permission denied", NULL},
    {CONTAINER_FAULT_PODMAN_SETUP, "XDG_RUNTIME_DIR", NULL},
    {CONTAINER_FAULT_PODMAN_SETUP, "creating runtime", NULL},
    {CONTAINER_FAULT_PODMAN_SETUP, "creating tmpdir", NULL},
};

/* The same for what it says once it has got through to its engine. `call`: only of that; NULL = of any. */
static const struct {
  container_fault fault;
  const char *call;
  const char *text;
  const char *more;
} answers[] = {
    {CONTAINER_FAULT_OPTION, "version", "unknown flag: ", NULL}, /* `--version` itself is known to all */
    {CONTAINER_FAULT_OPTION, "version", "unknown shorthand flag: ", NULL},
    {CONTAINER_FAULT_OPTION, "version", "flag provided but not defined", NULL},
    {CONTAINER_FAULT_OPTION, "version", "unrecognized option", NULL},
    {CONTAINER_FAULT_OPTION, "version", "invalid option", NULL},
    {CONTAINER_FAULT_PORT_TAKEN, "start", "port is already allocated", NULL},
    {CONTAINER_FAULT_PORT_TAKEN, "start", "address already in use", NULL},
    {CONTAINER_FAULT_PORT_TAKEN, "start", "ports are not available", NULL},
    {CONTAINER_FAULT_PORT_TAKEN, "compose", "port is already allocated", NULL},
    {CONTAINER_FAULT_PORT_TAKEN, "compose", "address already in use", NULL},
    {CONTAINER_FAULT_NO_GPU, NULL, "could not select device driver", NULL},
    {CONTAINER_FAULT_NO_GPU, NULL, "nvidia-container-cli", NULL},
    {CONTAINER_FAULT_NO_GPU, NULL, "nvidia-container-runtime", NULL},
    {CONTAINER_FAULT_NO_GPU, NULL, "unresolvable CDI devices", NULL},
    {CONTAINER_FAULT_NO_GPU, NULL, "stat /dev/nvidia", NULL},
    {CONTAINER_FAULT_DISK_FULL, NULL, "no space left on device", NULL},
    {CONTAINER_FAULT_NO_MOUNT, "start", "bind source path does not exist", NULL},
    {CONTAINER_FAULT_NO_MOUNT, "start", "error mounting", NULL},
    {CONTAINER_FAULT_NO_MOUNT, "start", "statfs ", "no such file or directory"},
    {CONTAINER_FAULT_NO_COMMAND, "start", "exec: ", "no such file or directory"},
    {CONTAINER_FAULT_NO_COMMAND, "start", "exec: ", "executable file not found"},
    {CONTAINER_FAULT_NO_COMMAND, "start", "exec: ", "permission denied"},
    {CONTAINER_FAULT_NO_COMPOSE, "compose", "compose: not found", NULL},
    {CONTAINER_FAULT_NO_COMPOSE, "compose", "compose: command not found", NULL},
    {CONTAINER_FAULT_COMPOSE_FILE, "compose", "no configuration file provided", NULL},
    {CONTAINER_FAULT_COMPOSE_FILE, "compose", "Can't find a suitable configuration file", NULL},
    {CONTAINER_FAULT_COMPOSE_FILE, "compose", ".y", "No such file or directory"},
    {CONTAINER_FAULT_COMPOSE_FILE, "compose", "missing files", NULL},
    {CONTAINER_FAULT_NO_SERVICE, "compose", "No such service", NULL},
    {CONTAINER_FAULT_NO_WORKDIR, "exec", "chdir to cwd", NULL},
    {CONTAINER_FAULT_NO_WORKDIR, "exec", "mkdir ", "not a directory"},
    {CONTAINER_FAULT_NO_WORKDIR, "exec", "Cwd must be an absolute path", NULL},
    {CONTAINER_FAULT_NO_USER, "exec", "unable to find user", NULL},
    {CONTAINER_FAULT_NO_USER, "exec", "unable to find group", NULL},
    {CONTAINER_FAULT_NO_SHELL, "exec", "\"/bin/sh\"", NULL},
    {CONTAINER_FAULT_NO_SHELL, "exec", "executable file `/bin/sh`", NULL},
    {CONTAINER_FAULT_ABSENT, NULL, "no such container", NULL},
    {CONTAINER_FAULT_ABSENT, NULL, "no container with name or ID", NULL},
    {CONTAINER_FAULT_ABSENT, NULL, "no such object", NULL},
    {CONTAINER_FAULT_PAUSED, "exec", "is paused", NULL},
    {CONTAINER_FAULT_STOPPED, "exec", "is not running", NULL},
    {CONTAINER_FAULT_STOPPED, "exec", "is restarting", NULL},
    {CONTAINER_FAULT_STOPPED, "exec", "container state improper", NULL},
    {CONTAINER_FAULT_STOPPED, "exec", "cannot exec in a stopped", NULL},
    {CONTAINER_FAULT_STOPPED, "exec", "container not running", NULL},
    {CONTAINER_FAULT_STOPPED, "exec", "no running task found", NULL},
    {CONTAINER_FAULT_STOPPED, "exec", "procReady not received", NULL},
};

/* strcasestr, which POSIX lacks, for ASCII. */
static int says(const char *said, const char *text) {
  size_t length = strlen(text);
  for (; *said; said++) {
    size_t i = 0;
    while (i < length && said[i] && tolower((unsigned char)said[i]) == tolower((unsigned char)text[i])) {
      i++;
    }
    if (i == length) {
      return 1;
    }
  }
  return 0;
}

container_fault container_report_classify(const char *call, int64_t code, const char *said) {
  if (strcmp(call, "find") == 0) {
    return CONTAINER_FAULT_NO_CLIENT;
  }
  if (strcmp(call, "projects") == 0) {
    return CONTAINER_FAULT_PROJECTS;
  }
  for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
    if (says(said, signs[i].text) && (!signs[i].more || says(said, signs[i].more))) {
      return signs[i].fault;
    }
  }
  for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
    if ((!answers[i].call || strcmp(answers[i].call, call) == 0) && says(said, answers[i].text) &&
        (!answers[i].more || says(said, answers[i].more))) {
      return answers[i].fault;
    }
  }
  if (strcmp(call, "compose") == 0 && code == 127) {
    return CONTAINER_FAULT_NO_COMPOSE;
  }
  if (strcmp(call, "version") == 0 && (code == 126 || code == 127)) {
    return CONTAINER_FAULT_NO_CLIENT;
  }
  /* Killed from outside: with its container, or for want of memory. */
  if (strcmp(call, "exec") == 0 && code == 137) {
    return CONTAINER_FAULT_STOPPED;
  }
  return CONTAINER_FAULT_OTHER;
}

/* SPDX-License-Identifier: MIT */
/*
 * Who listens on a port: /proc/net/tcp gives the socket's inode, /proc/PID/fd the process that holds it. What another
 * user's process holds cannot be read; Docker's forwarder runs as root, but its command line, which everybody can
 * read, says for which port it is there.
 */
#include "net/net.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define STATE_LISTEN 0x0A

/* The inode and owner of the socket that listens on `port` in one table; 0 if there is none. */
static unsigned long find_listener(const char *table, uint16_t port, unsigned *uid) {
  char line[512];
  unsigned long found = 0;
  FILE *file = fopen(table, "re");
  if (!file) {
    return 0;
  }
  while (!found && fgets(line, sizeof(line), file)) {
    unsigned local_port = 0;
    unsigned state = 0;
    unsigned owner = 0;
    unsigned long inode = 0;
    /* proc(5): sl local_address rem_address st queues timer retransmits uid timeout inode */
    // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
    if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %u %*d %lu", &local_port, &state, &owner,
               &inode) == 4 &&
        local_port == port && state == STATE_LISTEN) {
      found = inode;
      *uid = owner;
    }
  }
  (void)fclose(file);
  return found;
}

static int holds_inode(const char *pid, const char *wanted) {
  char path[64];
  char link[64];
  int found = 0;
  (void)snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
  DIR *folder = opendir(path);
  if (!folder) {
    return 0;
  }
  for (struct dirent *entry = readdir(folder); entry && !found; entry = readdir(folder)) {
    ssize_t size = readlinkat(dirfd(folder), entry->d_name, link, sizeof(link) - 1);
    if (size > 0) {
      link[size] = '\0';
      found = strcmp(link, wanted) == 0;
    }
  }
  (void)closedir(folder);
  return found;
}

static void program_name(const char *pid, char *name, size_t size) {
  char path[64];
  (void)snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
  FILE *file = fopen(path, "re");
  if (!file || !fgets(name, (int)size, file)) {
    (void)snprintf(name, size, "?");
  }
  if (file) {
    (void)fclose(file);
  }
  name[strcspn(name, "\n")] = '\0';
}

/* What listens on a published port: Docker's, rootless Docker's, Docker Desktop's (the kernel cuts names), Podman's. */
static int publishes_containers(const char *program) {
  static const char *const programs[] = {"docker-proxy", "rootlesskit", "com.docker.back", "rootlessport",
                                         "conmon",       "slirp4netns", "pasta",           "pasta.avx2"};
  for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
    if (strcmp(program, programs[i]) == 0) {
      return 1;
    }
  }
  return 0;
}

/* Is it Docker's forwarder for the port, by its command line (docker-proxy -proto tcp … -host-port PORT …)? */
static int forwards_port(const char *pid, uint16_t port) {
  char path[64];
  char line[1024];
  char wanted[8];
  int matches = 0;
  int is_tcp = 0;
  (void)snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
  (void)snprintf(wanted, sizeof(wanted), "%u", port);
  FILE *file = fopen(path, "re");
  if (!file) {
    return 0;
  }
  size_t size = fread(line, 1, sizeof(line) - 1, file);
  (void)fclose(file);
  line[size] = '\0';
  const char *slash = strrchr(line, '/');
  if (strcmp(slash ? slash + 1 : line, "docker-proxy") != 0) {
    return 0;
  }
  const char *word = line;
  for (const char *next = word + strlen(word) + 1; next < line + size; next = word + strlen(word) + 1) {
    matches |= strcmp(word, "-host-port") == 0 && strcmp(next, wanted) == 0;
    is_tcp |= strcmp(word, "-proto") == 0 && strcmp(next, "tcp") == 0;
    word = next;
  }
  return matches && is_tcp;
}

int ps_net_port_owner(uint16_t port, ps_port_owner *owner) {
  unsigned uid = 0;
  char wanted[64];
  unsigned long inode = find_listener("/proc/net/tcp", port, &uid);
  if (inode == 0) {
    inode = find_listener("/proc/net/tcp6", port, &uid);
  }
  if (inode == 0) {
    return PENSTOCK_E_NOT_FOUND;
  }
  (void)snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
  (void)snprintf(owner->text, sizeof(owner->text), "a program of user id %u", uid);
  owner->publishes_containers = owner->is_penstock = owner->is_socket_unit = 0;
  DIR *folder = opendir("/proc");
  if (!folder) {
    return PENSTOCK_OK;
  }
  int found = 0;
  for (struct dirent *entry = readdir(folder); entry && !found; entry = readdir(folder)) {
    if (!isdigit((unsigned char)entry->d_name[0])) {
      continue;
    }
    int is_forwarder = forwards_port(entry->d_name, port);
    found = holds_inode(entry->d_name, wanted);
    if (found || is_forwarder) {
      char name[64];
      program_name(entry->d_name, name, sizeof(name));
      (void)snprintf(owner->text, sizeof(owner->text), "'%s' (pid %.16s)", name, entry->d_name);
      owner->publishes_containers = is_forwarder || publishes_containers(name);
      owner->is_penstock = strcmp(name, "penstock") == 0;
      /* The system's own, which is process 1, holds the ports of others. */
      owner->is_socket_unit = strcmp(name, "systemd") == 0 && strcmp(entry->d_name, "1") != 0 && uid == getuid();
    }
  }
  (void)closedir(folder);
  return PENSTOCK_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * main() of a fuzz target where there is no libFuzzer: runs over the files of a folder, each as it is and
 * in a fixed number of mutations. The same input gives the same run.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define LARGEST   65536
#define MUTATIONS 1500

static uint64_t seed = 0x9E3779B97F4A7C15U;

static size_t below(size_t limit) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return limit ? (size_t)(seed % limit) : 0;
}

/* The input in memory of exactly its size, so that a sanitizer sees each byte read beyond it. */
static void run(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) {
    abort();
  }
  memcpy(copy, data, size);
  (void)LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

/* Changes the input a little; returns its new size. `data` has room for twice LARGEST. */
static size_t mutate(uint8_t *data, size_t size) {
  static const char telling[] = "[]=:;#\"'\\,\n\r\t ${}~\0\xFF\x01.0-";
  size_t at = below(size + 1);
  size_t count = 1 + below(32);
  switch (below(6)) {
  case 0: /* another byte */
    if (at < size) {
      data[at] = (uint8_t)below(256);
    }
    return size;
  case 1: /* a byte that means something */
    if (at < size) {
      data[at] = (uint8_t)telling[below(sizeof(telling) - 1)];
    }
    return size;
  case 2: /* one more of them */
    memmove(data + at + 1, data + at, size - at);
    data[at] = (uint8_t)telling[below(sizeof(telling) - 1)];
    return size + 1;
  case 3: /* a number in its place, as binary formats have them: none, all, a power, about the size */
    at &= ~(size_t)7;
    if (at + 8 <= size) {
      const uint64_t numbers[] = {0, UINT64_MAX, (uint64_t)1 << below(64), size - below(64)};
      memcpy(data + at, &numbers[below(4)], (size_t)1 << below(4));
    }
    return size;
  case 4: /* a piece less */
    count = count < size - at ? count : size - at;
    memmove(data + at, data + at + count, size - at - count);
    return size - count;
  default: /* a piece twice */
    count = count < size - at ? count : size - at;
    memmove(data + at + count, data + at, size - at);
    return size + count;
  }
}

static void run_mutations(const uint8_t *data, size_t size) {
  static uint8_t changed[2 * LARGEST];
  for (int i = 0; i < MUTATIONS; i++) {
    size_t now = size;
    memcpy(changed, data, size);
    for (size_t steps = 1 + below(8); steps > 0; steps--) {
      now = mutate(changed, now);
    }
    run(changed, now);
  }
}

int main(int count, char **arguments) {
  static uint8_t data[LARGEST];
  int files = 0;
  DIR *folder = count == 2 ? opendir(arguments[1]) : NULL;
  if (!folder) {
    (void)fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
    return 2;
  }
  for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
    char path[4096];
    if (entry->d_name[0] == '.') {
      continue;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", arguments[1], entry->d_name);
    FILE *file = fopen(path, "rbe");
    if (!file) {
      perror(path);
      return 1;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    run(data, size);
    run_mutations(data, size);
    files++;
  }
  (void)closedir(folder);
  (void)printf("%d files, %d mutations of each\n", files, MUTATIONS);
  return files > 0 ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "load.h"

uint64_t load_now_ns(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int load_times_create(load_times *self, int room) {
  *self = (load_times){.us = calloc((size_t)room, sizeof(*self->us)), .room = room};
  return self->us ? 0 : -1;
}

void load_times_destroy(load_times *self) {
  free(self->us);
}

void load_times_add(load_times *self, uint64_t began) {
  if (self->count < self->room) {
    self->us[self->count++] = (double)(load_now_ns() - began) / 1e3;
  }
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left;
  double b = *(const double *)right;
  return (a > b) - (a < b);
}

void load_times_print(load_times *self) {
  qsort(self->us, (size_t)self->count, sizeof(*self->us), compare);
  printf("\"median_us\": %.2f, \"p99_us\": %.2f, \"count\": %d", self->us[self->count / 2],
         self->us[(long)self->count * 99 / 100], self->count);
}

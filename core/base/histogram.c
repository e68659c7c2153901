/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

static const double bounds_ms[PS_HISTOGRAM_BOUNDS] = {0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000};

double ps_histogram_bound_ms(size_t index) {
  return bounds_ms[index];
}

void ps_histogram_add(ps_histogram *histogram, uint64_t ns) {
  size_t at = 0;
  while (at < PS_HISTOGRAM_BOUNDS && (double)ns > bounds_ms[at] * 1e6) {
    at++;
  }
  histogram->counts[at]++;
  histogram->sum_ns += ns;
}

void ps_histogram_merge(ps_histogram *histogram, const ps_histogram *other) {
  for (size_t i = 0; i <= PS_HISTOGRAM_BOUNDS; i++) {
    histogram->counts[i] += other->counts[i];
  }
  histogram->sum_ns += other->sum_ns;
}

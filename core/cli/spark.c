/* SPDX-License-Identifier: MIT */
#include "cli/spark.h"

void ps_spark_add(ps_spark *spark, double sample) {
  spark->samples[spark->count++ % PS_SPARK_SAMPLES] = sample;
}

/* The sample that is `back` before the newest; below 0: there is none, or it is not known. */
static double sample_at(const ps_spark *spark, size_t back) {
  if (back >= spark->count || back >= PS_SPARK_SAMPLES) {
    return -1;
  }
  return spark->samples[(spark->count - 1 - back) % PS_SPARK_SAMPLES];
}

double ps_spark_peak(const ps_spark *spark, size_t width) {
  double peak = 0;
  for (size_t back = 0; back < width; back++) {
    double sample = sample_at(spark, back);
    peak = sample > peak ? sample : peak;
  }
  return peak;
}

void ps_spark_draw(ps_text *text, const ps_spark *spark, size_t width, int unicode) {
  static const char *const bars[] = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
  static const char *const marks[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  const char *const *drawn = unicode ? bars : marks;
  double peak = ps_spark_peak(spark, width);
  for (size_t back = width; back-- > 0;) {
    double sample = sample_at(spark, back);
    /* Something, however little, is more than nothing. */
    size_t level = sample > 0 ? 1 + (size_t)(6 * sample / peak) : 0;
    ps_text_adds(text, sample < 0 ? " " : drawn[level]);
  }
}

/* SPDX-License-Identifier: MIT */
/**
 * @file spark.h
 * The last samples of a figure, drawn as a row of bars.
 */
#ifndef PS_SPARK_H
#define PS_SPARK_H

#include "base/text.h"

/** So many samples are kept. */
#define PS_SPARK_SAMPLES 60

/** Zero-initialise. */
typedef struct ps_spark {
  double samples[PS_SPARK_SAMPLES]; /**< below 0: not known */
  size_t count;                     /**< so far; the last one is at (count - 1) % PS_SPARK_SAMPLES */
} ps_spark;

/** Adds a sample; below 0: it is not known. */
void ps_spark_add(ps_spark *spark, double sample);
/** The largest of the last `width`; 0 if none is known. */
double ps_spark_peak(const ps_spark *spark, size_t width);
/** Draws the last `width` samples, the newest at the right, each against the largest of them. In ASCII if not
 * `unicode`. */
void ps_spark_draw(ps_text *text, const ps_spark *spark, size_t width, int unicode);

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file fuzz.h
 * What each fuzz target defines, as libFuzzer wants it.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** Runs the code under test on one input; aborts if something that must hold does not. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

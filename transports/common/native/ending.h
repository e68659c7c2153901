/* SPDX-License-Identifier: MIT */
/**
 * @file ending.h
 * How a program of Windows has ended, in words. Nothing here needs Windows. Thread: any.
 */
#ifndef TRANSPORTS_NATIVE_ENDING_H
#define TRANSPORTS_NATIVE_ENDING_H

#include <stddef.h>
#include <stdint.h>

/** What comes behind "it ended": "with exit code 3", "by an access violation (0xC0000005)". */
void ending_words(uint32_t code, char *text, size_t size);
/** The same as an exit status of 0 to 255, as penstock/exec.h has it: 128 + N for what is signal N elsewhere. */
unsigned ending_status(uint32_t code);

#endif

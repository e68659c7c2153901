/* SPDX-License-Identifier: MIT */
/**
 * @file frames.h
 * What a client sends on a control connection that has become a stream, where a connection has no end of one direction
 * (a named pipe of Windows): frames, each four bytes, big-endian, that say how many bytes follow, and these. A frame
 * without bytes is the end of that direction. No I/O. Thread: any, one at a time.
 */
#ifndef PS_CONTROL_FRAMES_H
#define PS_CONTROL_FRAMES_H

#include <stddef.h>

/** Bytes before those of a frame. */
#define PS_FRAME_HEAD ((size_t)4)
/** Most bytes of a frame, without its head. */
#define PS_FRAME_MOST ((size_t)64 * 1024)

/** What has come. Zero-initialise. */
typedef struct ps_frames {
  unsigned char head[PS_FRAME_HEAD];
  size_t head_size; /**< bytes of it that have come */
  size_t left;      /**< bytes of the frame that are still to come */
  int has_ended;
  int is_bad; /**< a frame that is too long, or something behind the end */
} ps_frames;

/** Writes the head of a frame of `size` bytes, at most PS_FRAME_MOST. */
void ps_frames_head(unsigned char head[PS_FRAME_HEAD], size_t size);
/**
 * Takes from what has come, up to the first run of a frame's bytes. Returns how much of `data` was taken; *part is
 * within `data`, *part_size 0 if there was none. Takes nothing more once it is bad.
 */
size_t ps_frames_take(ps_frames *self, const char *data, size_t size, const char **part, size_t *part_size);

#endif

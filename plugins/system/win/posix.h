/* SPDX-License-Identifier: MIT */
/**
 * @file posix.h
 * What the C library of mingw-w64 lacks of POSIX and our files use that are for all systems, with the meaning it has
 * there. The build includes it before everything else on Windows, and nowhere else; files named x_win.c say themselves
 * what else they need of the system.
 *
 * Text is UTF-8 everywhere: the program's manifest makes that its code page, so that the C library's main(), getenv(),
 * open(), stat() and fopen() take and give UTF-8 too (Windows 10 1903 and newer).
 */
#ifndef PS_POSIX_WIN_H
#define PS_POSIX_WIN_H

/* Functions whose names files of ours have for their own, static ones. */
#define accept accept_of_the_system
#define tell   tell_of_the_system
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <io.h>
#undef accept
#undef tell

/* Words of ours that the system's headers define away. */
#undef near
#undef far
#undef small
#undef interface

#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* What open() is told: a descriptor that children do not inherit, and bytes as they are. What the others are about does
 * not exist here. */
#define O_CLOEXEC  (_O_NOINHERIT | _O_BINARY)
#define O_NOCTTY   0
#define O_NONBLOCK 0
#define O_NOFOLLOW 0

/* Of a file whose place nobody else counts on. */
static inline ssize_t pread(int file, void *buffer, size_t size, off_t at) {
  return _lseeki64(file, at, SEEK_SET) < 0 ? -1 : read(file, buffer, size > INT_MAX ? INT_MAX : (unsigned)size);
}

/* `e`, which here is `N`: not for children; and bytes as they are. */
static inline FILE *fopen_bytes(const char *path, const char *mode) {
  char own[8];
  size_t used = strcspn(mode, "e");
  (void)snprintf(own, sizeof(own), "%.*sb%s", (int)(used < 4 ? used : 4), mode, mode[used] ? "N" : "");
  return fopen(path, own);
}
#define fopen(path, mode) fopen_bytes(path, mode)

/* What is no file of a disk has nothing to be written out. */
static inline int fsync(int file) {
  return GetFileType((HANDLE)_get_osfhandle(file)) != FILE_TYPE_DISK ? 0 : _commit(file);
}

/* Who may use a folder follows from the one that it is in. */
#define mkdir(path, mode) _mkdir(path)

/* One line with its end, to be freed by the caller. */
static inline ssize_t getline(char **line, size_t *room, FILE *from) {
  size_t used = 0;
  int c = 0;
  while (c != '\n' && (c = getc(from)) != EOF) {
    if (used + 2 > *room) {
      size_t more = *room ? 2 * *room : 256;
      char *grown = realloc(*line, more);
      if (!grown) {
        return -1;
      }
      *line = grown;
      *room = more;
    }
    (*line)[used++] = (char)c;
    (*line)[used] = '\0';
  }
  return used > 0 ? (ssize_t)used : -1;
}

/* A path that counts from nowhere, to free(); `into` must be NULL. */
static inline char *realpath(const char *path, char *into) {
  char *whole = _fullpath(into, path, 0);
  for (char *at = whole; at && *at; at++) {
    *at = *at == '\\' ? '/' : *at;
  }
  return whole;
}

static inline struct tm *gmtime_r(const time_t *when, struct tm *parts) {
  return gmtime_s(parts, when) == 0 ? parts : NULL;
}

/* mingw-w64 gives a file without a buffer, as standard error is, a byte at a time: a console would show halves of
 * characters. */
__attribute__((format(gnu_printf, 2, 0))) static inline int vfprintf_whole(FILE *file, const char *format,
                                                                           va_list arguments) {
  char *text = NULL;
  int size = vasprintf(&text, format, arguments);
  if (size >= 0) {
    int written = file == stderr ? write(2, text, (unsigned)size) : (int)fwrite(text, 1, (size_t)size, file);
    size = written == size ? size : -1;
    free(text);
  }
  return size;
}
__attribute__((format(gnu_printf, 2, 3))) static inline int fprintf_whole(FILE *file, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vfprintf_whole(file, format, arguments);
  va_end(arguments);
  return size;
}
#define vfprintf vfprintf_whole
#define fprintf  fprintf_whole

#define TIME_UTC 1
static inline int timespec_get(struct timespec *when, int base) {
  return clock_gettime(CLOCK_REALTIME, when) == 0 ? base : 0;
}

static inline char *strndup(const char *text, size_t size) {
  size_t length = strnlen(text, size);
  char *copy = malloc(length + 1);
  if (copy) {
    memcpy(copy, text, length);
    copy[length] = '\0';
  }
  return copy;
}

static inline char *strsep(char **rest, const char *separators) {
  char *begin = *rest;
  if (begin) {
    char *end = begin + strcspn(begin, separators);
    *rest = *end ? end + 1 : NULL;
    *end = '\0';
  }
  return begin;
}

#endif

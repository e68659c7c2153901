/* SPDX-License-Identifier: MIT */
/*
 * pipe NAME LINES: a client of a control pipe that knows nothing of penstock. Sends what comes on standard input, then
 * writes what the pipe says on standard output, until that was LINES lines or the pipe has ended. Exits with 0 if there
 * were so many, with 1 if there were fewer, and with 2 if it could not be opened.
 */
#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>

static int count_lines(const char *block, DWORD size) {
  int count = 0;
  for (DWORD i = 0; i < size; i++) {
    count += block[i] == '\n';
  }
  return count;
}

int main(int argc, char **argv) {
  static char block[65536];
  DWORD size;
  DWORD sent;
  if (argc != 3) {
    return 2;
  }
  int missing = atoi(argv[2]);
  HANDLE pipe = CreateFileA(argv[1], GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
  if (pipe == INVALID_HANDLE_VALUE) {
    fprintf(stderr, "%s: error %lu\n", argv[1], GetLastError());
    return 2;
  }
  _setmode(_fileno(stdin), _O_BINARY);
  _setmode(_fileno(stdout), _O_BINARY);
  while ((size = (DWORD)fread(block, 1, sizeof(block), stdin)) > 0 && WriteFile(pipe, block, size, &sent, NULL)) {
  }
  while (missing > 0 && ReadFile(pipe, block, sizeof(block), &size, NULL) && size > 0) {
    fwrite(block, 1, size, stdout);
    missing -= count_lines(block, size);
  }
  CloseHandle(pipe);
  return missing > 0;
}

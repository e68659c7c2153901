/* SPDX-License-Identifier: MIT */
/*
 * tool WHAT …: a command for tests of `exec`.
 *
 *   words …         each word on a line, in brackets; then PENSTOCK_EXEC, CUDA_VISIBLE_DEVICES and the folder
 *   cat             standard input to standard output, to its end
 *   say OUT ERR N   OUT to standard output, ERR to standard error, and exits with N
 *   much N          N lines on standard error, one on standard output
 *   crash           an access violation
 *   tree            starts another one of itself; both do nothing for ever
 *   leave           starts another one, which does nothing for ever and has the same outputs, and ends
 *   shout           starts another one, which writes to the same outputs as long as it can, and ends meanwhile
 *
 * Under the name nvidia-smi it is one, of a machine with one GPU.
 */
#include <windows.h>

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int words(int argc, char **argv) {
  char folder[1024] = "";
  for (int i = 2; i < argc; i++) {
    printf("[%s]\n", argv[i]);
  }
  GetCurrentDirectoryA(sizeof(folder), folder);
  printf("token=%s\ngpu=%s\nfolder=%s\nwindow=%s\n", getenv("PENSTOCK_EXEC") ? getenv("PENSTOCK_EXEC") : "",
         getenv("CUDA_VISIBLE_DEVICES") ? getenv("CUDA_VISIBLE_DEVICES") : "", folder,
         GetConsoleWindow() && IsWindowVisible(GetConsoleWindow()) ? "visible" : "none");
  return 0;
}

static int cat(void) {
  static char block[65536];
  size_t size;
  while ((size = fread(block, 1, sizeof(block), stdin)) > 0) {
    if (fwrite(block, 1, size, stdout) != size) {
      return 1;
    }
  }
  return 0;
}

/* Set once the other one writes. */
#define SHOUTING L"penstock-tool-shouting"

static int shout_on(void) {
  static const char text[4096] = "and on";
  HANDLE event = OpenEventW(EVENT_MODIFY_STATE, FALSE, SHOUTING);
  while (fwrite(text, 1, sizeof(text), stdout) == sizeof(text) && fwrite(text, 1, sizeof(text), stderr) > 0) {
    SetEvent(event);
  }
  return 0;
}

/* It has our streams. */
static void start_other(const wchar_t *what) {
  wchar_t path[MAX_PATH];
  wchar_t line[64];
  STARTUPINFOW info = {.cb = sizeof(info)};
  PROCESS_INFORMATION made;
  _snwprintf(line, 64, L"tool %ls", what);
  GetModuleFileNameW(NULL, path, MAX_PATH);
  if (!CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &info, &made)) {
    exit(9);
  }
}

static int much(int lines) {
  for (int i = 0; i < lines; i++) {
    fprintf(stderr, "line %d of what nobody wants to read\n", i);
  }
  puts("done");
  return 0;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  const char *name = strrchr(argv[0], '\\');
  _setmode(_fileno(stdin), _O_BINARY);
  _setmode(_fileno(stdout), _O_BINARY);
  _setmode(_fileno(stderr), _O_BINARY);
  if (strncmp(name ? name + 1 : argv[0], "nvidia-smi", 10) == 0) {
    puts("0, GPU-7e57, Stand-in 3000, 8192, 512, 7, 555.42");
    return 0;
  }
  if (strcmp(what, "words") == 0) {
    return words(argc, argv);
  }
  if (strcmp(what, "cat") == 0) {
    return cat();
  }
  if (strcmp(what, "say") == 0 && argc > 4) {
    printf("%s", argv[2]);
    fflush(stdout);
    fprintf(stderr, "%s", argv[3]);
    return atoi(argv[4]);
  }
  if (strcmp(what, "much") == 0 && argc > 2) {
    return much(atoi(argv[2]));
  }
  if (strcmp(what, "crash") == 0) {
    TerminateProcess(GetCurrentProcess(),
                     (UINT)EXCEPTION_ACCESS_VIOLATION); /* without a debugger, which takes its time */
  }
  if (strcmp(what, "tree") == 0 || strcmp(what, "leave") == 0) {
    start_other(L"idle");
    puts("begun");
    fflush(stdout);
  }
  if (strcmp(what, "shout") == 0) {
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, SHOUTING);
    start_other(L"shouting");
    WaitForSingleObject(event, INFINITE);
  }
  if (strcmp(what, "shouting") == 0) {
    return shout_on();
  }
  if (strcmp(what, "tree") == 0 || strcmp(what, "idle") == 0) {
    Sleep(INFINITE);
  }
  return 0;
}

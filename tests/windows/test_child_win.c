/* SPDX-License-Identifier: MIT */
/*
 * Children whose standard input and output are sockets, and those of the local carrier and of ssh's settings that stand
 * on them. The program is its own child: its first word says what it does then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <winsock2.h>

#include <windows.h>

#include <cmocka.h>
#include <fcntl.h>
#include <io.h>
#include <tlhelp32.h>

#include "common/local_shell.h"
#include "common/win/child_win.h"
#include "common/win/socket_child_win.h"

enum { PATIENCE_MS = 20000, BULK = 8 << 20 };

static char own_path[1024];

/* --- the child ------------------------------------------------------------------------------------- */

static int copy_input(void) {
  static char block[65536];
  DWORD size;
  DWORD sent;
  while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), block, sizeof(block), &size, NULL) && size > 0) {
    for (DWORD at = 0; at < size; at += sent) {
      if (!WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), block + at, size - at, &sent, NULL)) {
        return 9;
      }
    }
  }
  return 0;
}

static int say(int handle, const char *text) {
  DWORD sent;
  return WriteFile(GetStdHandle((DWORD)handle), text, (DWORD)strlen(text), &sent, NULL) ? 0 : 9;
}

/* A program of its own that waits for ever, and holds what it has inherited. */
static int start_grandchild(void) {
  STARTUPINFOA info = {.cb = sizeof(info)};
  PROCESS_INFORMATION made;
  char line[1100];
  char text[32];
  (void)snprintf(line, sizeof(line), "\"%s\" sleep", own_path);
  if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &info, &made)) {
    return 9;
  }
  (void)snprintf(text, sizeof(text), "%lu\n", made.dwProcessId);
  return say((int)STD_OUTPUT_HANDLE, text);
}

/* Is the handle with that number one of ours here? Only what was passed on is. */
static int has_handle(const char *number) {
  DWORD flags;
  return GetHandleInformation((HANDLE)(uintptr_t)strtoull(number, NULL, 10), &flags) ? 1 : 0;
}

static int be_child(int argc, char **argv) {
  const char *what = argv[1];
  char block[4];
  DWORD size;
  if (strcmp(what, "copy") == 0) {
    return copy_input();
  }
  if (strcmp(what, "exit") == 0) {
    return atoi(argv[2]);
  }
  if (strcmp(what, "say") == 0) {
    return say((int)STD_OUTPUT_HANDLE, argv[2]) + say((int)STD_ERROR_HANDLE, argv[3]);
  }
  if (strcmp(what, "leave") == 0) { /* takes four bytes, and ends well */
    return ReadFile(GetStdHandle(STD_INPUT_HANDLE), block, 4, &size, NULL) ? 0 : 9;
  }
  if (strcmp(what, "tree") == 0) {
    return start_grandchild();
  }
  if (strcmp(what, "tree-sleep") == 0) {
    (void)start_grandchild();
    Sleep(INFINITE);
  }
  if (strcmp(what, "handle") == 0) {
    return has_handle(argv[2]);
  }
  if (strcmp(what, "environment") == 0) {
    return say((int)STD_OUTPUT_HANDLE, getenv(argv[2]) ? getenv(argv[2]) : "(none)");
  }
  if (strcmp(what, "words") == 0) {
    for (int i = 2; i < argc; i++) {
      (void)say((int)STD_OUTPUT_HANDLE, argv[i]);
      (void)say((int)STD_OUTPUT_HANDLE, "|");
    }
    return GetConsoleWindow() && IsWindowVisible(GetConsoleWindow());
  }
  if (strcmp(what, "crash") == 0) {
    ExitProcess((UINT)EXCEPTION_ACCESS_VIOLATION); /* what the system makes of one, without a debugger */
  }
  Sleep(INFINITE);
  return 0;
}

/* --- helpers --------------------------------------------------------------------------------------- */

static socket_child *start(const char *const *words, penstock_socket *data, penstock_socket *messages) {
  const child_command command = {.program = own_path, .argv = words};
  DWORD reason = 1;
  socket_child *child = socket_child_start(&command, data, messages, &reason);
  assert_int_equal(reason, 0);
  assert_non_null(child);
  return child;
}

static void wait_ready(penstock_socket socket, short events) {
  WSAPOLLFD poller = {.fd = (SOCKET)socket, .events = events};
  assert_int_equal(WSAPoll(&poller, 1, PATIENCE_MS), 1);
}

/* Reads to the end, or what there is room for. */
static size_t read_all(penstock_socket socket, char *text, size_t room) {
  size_t used = 0;
  while (used < room) {
    int count = recv((SOCKET)socket, text + used, (int)(room - used), 0);
    if (count < 0) {
      assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);
      wait_ready(socket, POLLRDNORM);
      continue;
    }
    if (count == 0) {
      break;
    }
    used += (size_t)count;
  }
  return used;
}

static const char *read_text(penstock_socket socket) {
  static char text[4096];
  text[read_all(socket, text, sizeof(text) - 1)] = '\0';
  return text;
}

static int wait_end(const socket_child *child) {
  int code = -2;
  assert_int_equal(WaitForSingleObject(socket_child_process(child)->process, PATIENCE_MS), WAIT_OBJECT_0);
  assert_true(child_has_ended(socket_child_process(child), &code));
  return code;
}

static void finish(socket_child *child, penstock_socket data, penstock_socket messages) {
  (void)closesocket((SOCKET)data);
  (void)closesocket((SOCKET)messages);
  socket_child_free(child);
}

static int is_alive(DWORD pid) {
  HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, pid);
  int alive = process && WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
  if (process) {
    (void)CloseHandle(process);
  }
  return alive;
}

static void wait_dead(DWORD pid) {
  for (int i = 0; i < PATIENCE_MS / 10 && is_alive(pid); i++) {
    Sleep(10);
  }
  assert_false(is_alive(pid));
}

static unsigned count_threads(void) {
  HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
  THREADENTRY32 entry = {.dwSize = sizeof(entry)};
  unsigned count = 0;
  for (BOOL more = Thread32First(snapshot, &entry); more; more = Thread32Next(snapshot, &entry)) {
    count += entry.th32OwnerProcessID == GetCurrentProcessId();
  }
  (void)CloseHandle(snapshot);
  return count;
}

/* --- tests ----------------------------------------------------------------------------------------- */

static void test_both_outputs_and_the_status(void **state) {
  const char *const words[] = {"child", "say", "to the one", "to the other", NULL};
  const char *const failing[] = {"child", "exit", "7", NULL};
  penstock_socket data;
  penstock_socket messages;
  (void)state;
  socket_child *child = start(words, &data, &messages);
  assert_string_equal(read_text(data), "to the one");
  assert_string_equal(read_text(messages), "to the other");
  assert_int_equal(wait_end(child), 0);
  finish(child, data, messages);
  child = start(failing, &data, &messages);
  assert_string_equal(read_text(data), "");
  assert_int_equal(wait_end(child), 7);
  finish(child, data, messages);
}

static void test_words_arrive_as_they_are_and_no_window_opens(void **state) {
  const char *const words[] = {"child", "words", "a b", "q\"uo\\te\\", "", "gr\xc3\xbc\xc3\x9f", NULL};
  penstock_socket data;
  penstock_socket messages;
  (void)state;
  socket_child *child = start(words, &data, &messages);
  assert_string_equal(read_text(data), "a b|q\"uo\\te\\||gr\xc3\xbc\xc3\x9f|");
  assert_int_equal(wait_end(child), 0);
  finish(child, data, messages);
}

static void test_a_line_is_passed_on_as_it_is(void **state) {
  const child_command command = {.program = own_path, .line = "child  words \"x  y\" z"};
  penstock_socket data;
  penstock_socket messages;
  DWORD reason = 1;
  (void)state;
  socket_child *child = socket_child_start(&command, &data, &messages, &reason);
  assert_non_null(child);
  assert_string_equal(read_text(data), "x  y|z|");
  finish(child, data, messages);
}

static void test_the_environment_is_added_to(void **state) {
  const char *const words[] = {"child", "environment", "Penstock_Word", NULL};
  const char *const env[] = {"PENSTOCK_WORD=the new one", NULL};
  const child_command command = {.program = own_path, .argv = words, .env = env};
  penstock_socket data;
  penstock_socket messages;
  DWORD reason = 1;
  (void)state;
  assert_true(SetEnvironmentVariableA("penstock_word", "the old one"));
  socket_child *child = socket_child_start(&command, &data, &messages, &reason);
  assert_non_null(child);
  assert_string_equal(read_text(data), "the new one");
  finish(child, data, messages);
}

static void test_a_missing_program_is_told(void **state) {
  const char *const words[] = {"penstock-no-such-program", NULL};
  const child_command command = {.argv = words};
  penstock_socket data = 0;
  penstock_socket messages = 0;
  DWORD reason = 0;
  (void)state;
  assert_null(socket_child_start(&command, &data, &messages, &reason));
  assert_int_equal(reason, ERROR_FILE_NOT_FOUND);
  assert_true(data == PENSTOCK_SOCKET_NONE && messages == PENSTOCK_SOCKET_NONE);
  assert_null(child_find("penstock-no-such-program"));
  char *found = child_find("cmd"); /* along PATH, and with an ending */
  assert_non_null(found);
  assert_non_null(strstr(found, "cmd.exe"));
  free(found);
}

/* An empty file in the current folder. */
static void put_file(const char *name) {
  FILE *file = fopen(name, "wb");
  assert_non_null(file);
  (void)fclose(file);
}

/* An empty entry of PATH stands for the current folder, to the system. */
static void test_the_current_folder_is_not_looked_into(void **state) {
  char before[32768] = "";
  char with[32768 + 8];
  (void)state;
  (void)GetEnvironmentVariableA("PATH", before, sizeof(before));
  (void)snprintf(with, sizeof(with), ";;.;%s", before);
  put_file("penstock-planted.exe");
  (void)SetEnvironmentVariableA("PATH", with);
  char *planted = child_find("penstock-planted");
  char *found = child_find("cmd");
  char *named = child_find(".\\penstock-planted.exe");
  (void)SetEnvironmentVariableA("PATH", "");
  char *nowhere = child_find("penstock-planted");
  (void)SetEnvironmentVariableA("PATH", before);
  (void)remove("penstock-planted.exe");
  assert_true(!planted && !nowhere && found && named);
  free(found);
  free(named);
}

/* cmd.exe would run it, and read `&calc` as a command. */
static void test_a_batch_file_is_no_program(void **state) {
  static const char *const names[] = {".\\penstock-words.bat", ".\\penstock-words.bat. ", "./penstock-words.BAT"};
  (void)state;
  put_file("penstock-words.bat");
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *const words[] = {names[i], "a\"&calc", NULL};
    const child_command by_name = {.argv = words};
    const child_command by_path = {.program = names[i], .argv = words};
    penstock_socket data;
    penstock_socket messages;
    DWORD reason = 0;
    assert_null(socket_child_start(&by_name, &data, &messages, &reason));
    assert_int_equal(reason, ERROR_BAD_EXE_FORMAT);
    assert_null(socket_child_start(&by_path, &data, &messages, &reason));
    assert_int_equal(reason, ERROR_BAD_EXE_FORMAT);
  }
  (void)remove("penstock-words.bat");
}

/* Megabytes both ways at once, and an end of each direction by itself. */
static void test_bulk_goes_through(void **state) {
  const char *const words[] = {"child", "copy", NULL};
  char *sent = malloc(BULK);
  char *got = malloc(BULK);
  penstock_socket data;
  penstock_socket messages;
  size_t at = 0;
  size_t used = 0;
  int has_ended = 0;
  (void)state;
  for (size_t i = 0; i < BULK; i++) {
    sent[i] = (char)((i * 2654435761u) >> 13);
  }
  socket_child *child = start(words, &data, &messages);
  while (!has_ended) {
    WSAPOLLFD poller = {.fd = (SOCKET)data, .events = (short)(POLLRDNORM | (at < BULK ? POLLWRNORM : 0))};
    assert_int_equal(WSAPoll(&poller, 1, PATIENCE_MS), 1);
    int count = at < BULK ? send((SOCKET)data, sent + at, (int)(BULK - at), 0) : 0;
    at += count > 0 ? (size_t)count : 0;
    if (count > 0 && at == BULK) {
      assert_int_equal(shutdown((SOCKET)data, SD_SEND), 0);
    }
    count = used < BULK ? recv((SOCKET)data, got + used, (int)(BULK - used), 0) : recv((SOCKET)data, got, 1, 0);
    has_ended = count == 0;
    assert_false(count > 0 && used == BULK);
    used += count > 0 ? (size_t)count : 0;
  }
  assert_int_equal(used, BULK);
  assert_memory_equal(sent, got, BULK);
  assert_int_equal(wait_end(child), 0);
  while (socket_child_has_lost_input(child, BULK) == SOCKET_CHILD_UNKNOWN) {
    Sleep(1);
  }
  assert_int_equal(socket_child_has_lost_input(child, BULK), 0);
  finish(child, data, messages);
  free(sent);
  free(got);
}

static void test_input_that_is_left_unread_is_known(void **state) {
  const char *const words[] = {"child", "leave", NULL};
  penstock_socket data;
  penstock_socket messages;
  (void)state;
  socket_child *child = start(words, &data, &messages);
  assert_int_equal(send((SOCKET)data, "12345", 5, 0), 5);
  assert_string_equal(read_text(data), "");
  assert_int_equal(wait_end(child), 0);
  for (int i = 0; i < PATIENCE_MS && socket_child_has_lost_input(child, 5) == SOCKET_CHILD_UNKNOWN; i++) {
    Sleep(1);
  }
  assert_int_equal(socket_child_has_lost_input(child, 5), 1);
  finish(child, data, messages);
}

/* Whoever reads no more breaks the program's output. */
static void test_a_hang_up_reaches_the_program(void **state) {
  const char *const words[] = {"child", "copy", NULL};
  penstock_socket data;
  penstock_socket messages;
  (void)state;
  socket_child *child = start(words, &data, &messages);
  (void)closesocket((SOCKET)data);
  assert_int_equal(wait_end(child), 0); /* its input has ended */
  (void)closesocket((SOCKET)messages);
  socket_child_free(child);
}

static void test_a_tree_ends_with_its_child(void **state) {
  const char *const kinds[] = {"tree-sleep", "tree"};
  (void)state;
  for (int i = 0; i < 2; i++) {
    const char *const words[] = {"child", kinds[i], NULL};
    char text[16] = "";
    penstock_socket data;
    penstock_socket messages;
    socket_child *child = start(words, &data, &messages);
    wait_ready(data, POLLRDNORM);
    assert_true(recv((SOCKET)data, text, sizeof(text) - 1, 0) > 0);
    DWORD pid = strtoul(text, NULL, 10);
    assert_true(is_alive(pid));
    if (i == 0) {
      child_kill(socket_child_process(child));
      wait_dead(pid);
      assert_int_equal(wait_end(child), 1);
    } else {
      assert_int_equal(wait_end(child), 0); /* the grandchild holds its outputs open, and so threads of ours wait */
      assert_true(is_alive(pid));
    }
    finish(child, data, messages);
    wait_dead(pid);
  }
}

static void test_a_crash_is_no_status(void **state) {
  const char *const words[] = {"child", "crash", NULL};
  penstock_socket data;
  penstock_socket messages;
  (void)state;
  socket_child *child = start(words, &data, &messages);
  assert_true(wait_end(child) < 0);
  finish(child, data, messages);
}

/* Neither what may be inherited by anybody, nor a socket of another child's. */
static void test_nothing_else_is_inherited(void **state) {
  SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
  HANDLE event = CreateEventW(&inherited, TRUE, FALSE, NULL);
  char number[32];
  const char *const copying[] = {"child", "copy", NULL};
  const char *const words[] = {"child", "handle", number, NULL};
  penstock_socket data[2];
  penstock_socket messages[2];
  (void)state;
  socket_child *other = start(copying, &data[0], &messages[0]);
  const HANDLE foreign[] = {event, (HANDLE)data[0], (HANDLE)messages[0]};
  for (int i = 0; i < 3; i++) {
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)(uintptr_t)foreign[i]);
    socket_child *child = start(words, &data[1], &messages[1]);
    int code = wait_end(child);
    DWORD flags = 0;
    assert_true(i == 0 || (GetHandleInformation(foreign[i], &flags) && !(flags & HANDLE_FLAG_INHERIT)));
    assert_true(i > 0 || code == 0); /* another number may be one of the child's own */
    finish(child, data[1], messages[1]);
  }
  finish(other, data[0], messages[0]);
  (void)CloseHandle(event);
}

static void test_nothing_is_left(void **state) {
  const char *const words[] = {"child", "sleep", NULL};
  const char *const said[] = {"child", "say", "x", "y", NULL};
  DWORD before = 0;
  DWORD after = 0;
  unsigned threads = 0;
  (void)state;
  for (int i = 0; i < 6; i++) {
    penstock_socket data;
    penstock_socket messages;
    if (i == 1) { /* the first one may have loaded things for all */
      assert_true(GetProcessHandleCount(GetCurrentProcess(), &before));
      threads = count_threads();
    }
    socket_child *child = start(i % 2 ? said : words, &data, &messages);
    if (i % 2) {
      (void)wait_end(child);
    }
    finish(child, data, messages);
  }
  assert_true(GetProcessHandleCount(GetCurrentProcess(), &after));
  assert_int_equal(count_threads(), threads);
  assert_in_range(after, before > 2 ? before - 2 : 0, before + 2);
}

/* --- which shell ----------------------------------------------------------------------------------- */

static const char git_key[] = "SOFTWARE\\GitForWindows";
static const char wsl_key[] = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Lxss";
static char folder[800]; /* of programs that stand in for shells */

static void set_key(const char *key, const char *name, const char *value) {
  assert_int_equal(RegSetKeyValueA(HKEY_CURRENT_USER, key, name, REG_SZ, value, (DWORD)strlen(value) + 1),
                   ERROR_SUCCESS);
}

static void make_program(const char *name) {
  char path[1000];
  (void)snprintf(path, sizeof(path), "%s\\%s", folder, name);
  assert_true(CopyFileA(own_path, path, FALSE));
}

static int prepare_shells(void **state) {
  char path[1000];
  (void)state;
  (void)snprintf(folder, sizeof(folder), "%.*s\\sh\xc3\xa9lls", (int)(strrchr(own_path, '\\') - own_path), own_path);
  const char *const parts[] = {"", "\\usr", "\\usr\\bin", "\\path"};
  for (int i = 0; i < 4; i++) {
    (void)snprintf(path, sizeof(path), "%s%s", folder, parts[i]);
    (void)CreateDirectoryA(path, NULL);
  }
  make_program("usr\\bin\\sh.exe");
  make_program("path\\sh.exe");
  make_program("path\\wsl.exe");
  return 0;
}

/* Nothing of it stays: other tests want a machine without a shell. */
static int remove_shells(void **state) {
  const char *const names[] = {"usr\\bin\\sh.exe", "path\\sh.exe", "path\\wsl.exe"};
  char path[1000];
  (void)state;
  for (int i = 0; i < 3; i++) {
    (void)snprintf(path, sizeof(path), "%s\\%s", folder, names[i]);
    (void)DeleteFileA(path);
  }
  (void)RegDeleteTreeA(HKEY_CURRENT_USER, git_key);
  (void)RegDeleteTreeA(HKEY_CURRENT_USER, wsl_key);
  return 0;
}

/* Of the places in their order, the first that is there; and what each kind is told. */
static void test_the_shell_that_is_there_is_found(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  char expected[1000];
  char path[1000];
  (void)state;
  assert_null(local_shell_find(NULL, NULL, &error));
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  assert_non_null(strstr(error.what, "Git for Windows"));
  (void)snprintf(path, sizeof(path), "%s\\path", folder);
  assert_true(SetEnvironmentVariableA("PATH", path));
  set_key(git_key, "InstallPath", folder);
  local_shell *shell = local_shell_find(NULL, NULL, &error);
  assert_non_null(shell);
  (void)snprintf(expected, sizeof(expected), "%s\\usr\\bin\\sh.exe", folder);
  assert_string_equal(shell->name, expected);
  assert_int_equal(shell->kind, LOCAL_SHELL_MSYS);
  (void)snprintf(expected, sizeof(expected), "PATH=%s\\usr\\bin;%s", folder, path);
  assert_string_equal(shell->env[0], expected);
  assert_string_equal(shell->env[1], "MSYS_NO_PATHCONV=1");
  assert_string_equal(shell->env[2], "MSYS2_ARG_CONV_EXCL=*");
  local_shell_free(shell);
  set_key(git_key, "InstallPath", "C:\\no such folder"); /* what is left of one that was uninstalled */
  shell = local_shell_find("", NULL, &error);
  assert_non_null(shell);
  (void)snprintf(expected, sizeof(expected), "%s\\sh.exe", path);
  assert_string_equal(shell->name, expected);
  local_shell_free(shell);
}

static void test_a_distribution_is_found(void **state) {
  penstock_error error = {.struct_size = sizeof(error)};
  char expected[1000];
  char path[1000];
  (void)state;
  (void)snprintf(path, sizeof(path), "%s\\path\\sh.exe", folder);
  assert_true(DeleteFileA(path));
  assert_null(local_shell_find(NULL, NULL, &error)); /* its wsl.exe alone is on every Windows */
  set_key(wsl_key, "DefaultDistribution", "{00000000-0000-0000-0000-000000000000}");
  local_shell *shell = local_shell_find(NULL, NULL, &error);
  assert_non_null(shell);
  (void)snprintf(expected, sizeof(expected), "%s\\path\\wsl.exe --exec /bin/sh", folder);
  assert_string_equal(shell->name, expected);
  assert_int_equal(shell->kind, LOCAL_SHELL_WSL);
  assert_string_equal(shell->env[0], "WSL_UTF8=1");
  local_shell_free(shell);
  shell = local_shell_find("wsl:Debian", NULL, &error);
  assert_non_null(shell);
  assert_string_equal(shell->words[1], "-d");
  assert_string_equal(shell->words[2], "Debian");
  local_shell_free(shell);
  assert_null(local_shell_find("no-such-shell", "lab.ini:7", &error));
  assert_string_equal(error.what, "lab.ini:7: shell = no-such-shell: there is no such program");
}

int main(int argc, char **argv) {
  WSADATA data;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_both_outputs_and_the_status),
      cmocka_unit_test(test_words_arrive_as_they_are_and_no_window_opens),
      cmocka_unit_test(test_a_line_is_passed_on_as_it_is),
      cmocka_unit_test(test_the_environment_is_added_to),
      cmocka_unit_test(test_a_missing_program_is_told),
      cmocka_unit_test(test_the_current_folder_is_not_looked_into),
      cmocka_unit_test(test_a_batch_file_is_no_program),
      cmocka_unit_test(test_bulk_goes_through),
      cmocka_unit_test(test_input_that_is_left_unread_is_known),
      cmocka_unit_test(test_a_hang_up_reaches_the_program),
      cmocka_unit_test(test_a_tree_ends_with_its_child),
      cmocka_unit_test(test_a_crash_is_no_status),
      cmocka_unit_test(test_nothing_else_is_inherited),
      cmocka_unit_test(test_nothing_is_left),
      cmocka_unit_test(test_the_shell_that_is_there_is_found),
      cmocka_unit_test(test_a_distribution_is_found),
  };
  (void)GetModuleFileNameA(NULL, own_path, sizeof(own_path));
  if (argc > 1) {
    return be_child(argc, argv);
  }
  (void)WSAStartup(MAKEWORD(2, 2), &data);
  return cmocka_run_group_tests(tests, prepare_shells, remove_shells);
}

/* SPDX-License-Identifier: MIT */
#define SECURITY_WIN32
#include "common/ssh/login/pageant_win.h"

#include <dpapi.h>
#include <openssl/sha.h>
#include <secext.h>

#include "common/ssh/login/agent_end.h"
#include "common/ssh/login/agent_wire.h"
#include "win/user.h"

/* What WM_COPYDATA says that it is about: the name of a file mapping that holds the request, and gets the answer. */
#define PAGEANT_COPYDATA 0x804e50baUL

enum {
  NAME_MAX_SIZE = 256,
  WINDOW_ROOM = 8192, /* bytes of the mapping, lengths included: what every Pageant takes */
};

/* --- the pipe --------------------------------------------------------------------------------------- */

/* The name as Pageant has it: of an account of a domain, what stands before the "@". */
static int user_name(char *name, size_t size) {
  wchar_t wide[NAME_MAX_SIZE];
  ULONG length = NAME_MAX_SIZE;
  DWORD plain = NAME_MAX_SIZE;
  if (GetUserNameExW(NameUserPrincipal, wide, &length)) {
    wchar_t *at = wcschr(wide, L'@');
    if (at) {
      *at = L'\0';
    }
  } else if (!GetUserNameW(wide, &plain)) {
    return -1;
  }
  return WideCharToMultiByte(CP_UTF8, 0, wide, -1, name, (int)size, NULL, NULL) > 0 ? 0 : -1;
}

int pageant_pipe(char *path, size_t size) {
  /* The word, padded to a block, as memory of this user's that all of the user's processes encrypt alike; its SHA-256
   * with the length before it. If the system does not encrypt, Pageant does without, too. */
  BYTE text[4 + CRYPTPROTECTMEMORY_BLOCK_SIZE] = {0,   0,   0,  CRYPTPROTECTMEMORY_BLOCK_SIZE, 'P', 'a', 'g', 'e',
                                                  'a', 'n', 't'};
  BYTE digest[SHA256_DIGEST_LENGTH];
  char name[NAME_MAX_SIZE * 3];
  char hash[2 * SHA256_DIGEST_LENGTH + 1];
  if (user_name(name, sizeof(name))) {
    return -1;
  }
  (void)CryptProtectMemory(text + 4, CRYPTPROTECTMEMORY_BLOCK_SIZE, CRYPTPROTECTMEMORY_CROSS_PROCESS);
  (void)SHA256(text, sizeof(text), digest);
  for (size_t i = 0; i < sizeof(digest); i++) {
    (void)snprintf(hash + 2 * i, 3, "%02x", digest[i]);
  }
  return (size_t)snprintf(path, size, "//./pipe/pageant.%s.%s", name, hash) < size ? 0 : -1;
}

/* --- the window ------------------------------------------------------------------------------------- */

/* Another user's program may have a window on this desktop (runas), and would get what is to be signed. */
static int is_own_window(HWND window) {
  ps_user ours;
  ps_user theirs;
  DWORD id = 0;
  (void)GetWindowThreadProcessId(window, &id);
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);
  if (!process) {
    return 0;
  }
  int is_own = ps_user_of(GetCurrentProcess(), &ours) && ps_user_of(process, &theirs) &&
               EqualSid(ours.user.User.Sid, theirs.user.User.Sid);
  (void)CloseHandle(process);
  return is_own;
}

static HWND find_window(void) {
  return FindWindowW(L"Pageant", L"Pageant");
}

int pageant_has_window(char *why, size_t why_size) {
  HWND window = find_window();
  if (!window) {
    (void)snprintf(why, why_size, "Pageant does not run");
    return 0;
  }
  if (!is_own_window(window)) {
    (void)snprintf(why, why_size,
                   "the Pageant on this desktop runs as another user, or as administrator, so it is not used");
    return -1;
  }
  return 1;
}

/* Memory that is this user's by name: Pageant asks who owns it, and answers nobody else. */
static HANDLE make_mapping(const char *name) {
  ps_user user;
  SECURITY_DESCRIPTOR descriptor;
  SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes), .lpSecurityDescriptor = &descriptor};
  if (!ps_user_of(GetCurrentProcess(), &user) ||
      !InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION) ||
      !SetSecurityDescriptorOwner(&descriptor, user.user.User.Sid, FALSE)) {
    return NULL;
  }
  HANDLE mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, &attributes, PAGE_READWRITE, 0, WINDOW_ROOM, name);
  if (mapping && GetLastError() == ERROR_ALREADY_EXISTS) { /* somebody else's */
    (void)CloseHandle(mapping);
    mapping = NULL;
  }
  return mapping;
}

static int send_name(HWND window, char *name, uint64_t deadline_ns) {
  COPYDATASTRUCT data = {.dwData = PAGEANT_COPYDATA, .cbData = (DWORD)strlen(name) + 1, .lpData = name};
  uint64_t now = agent_clock_ns();
  uint64_t left = deadline_ns > now ? (deadline_ns - now) / 1000000u + 1 : 1;
  DWORD_PTR result = 0;
  /* It may ask its user first, and take no messages meanwhile: that is no reason to give it up before its time. */
  LRESULT sent = SendMessageTimeoutA(window, WM_COPYDATA, 0, (LPARAM)&data, SMTO_BLOCK,
                                     left > 3600000u ? 3600000u : (UINT)left, &result);
  return sent != 0 && result != 0 ? 0 : -1;
}

static uint8_t *copy_answer(const uint8_t *from, size_t *size) {
  uint32_t length = agent_wire_number(from);
  uint8_t *answer = NULL;
  if (length > 0 && length <= WINDOW_ROOM - AGENT_LENGTH_SIZE) {
    *size = AGENT_LENGTH_SIZE + length;
    answer = malloc(*size);
  }
  if (answer) {
    memcpy(answer, from, *size);
  }
  return answer;
}

uint8_t *pageant_ask_window(const uint8_t *request, size_t size, size_t *answer_size, uint64_t deadline_ns) {
  char name[32];
  uint8_t *answer = NULL;
  HWND window = find_window();
  if (!window || !is_own_window(window) || size > WINDOW_ROOM) {
    return NULL;
  }
  (void)snprintf(name, sizeof(name), "PageantRequest%08lx", GetCurrentThreadId());
  HANDLE mapping = make_mapping(name);
  uint8_t *view = mapping ? MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0) : NULL;
  if (view) {
    memcpy(view, request, size);
    if (send_name(window, name, deadline_ns) == 0) {
      answer = copy_answer(view, answer_size);
    }
    (void)UnmapViewOfFile(view);
  }
  if (mapping) {
    (void)CloseHandle(mapping);
  }
  return answer;
}

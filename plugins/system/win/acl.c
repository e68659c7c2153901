/* SPDX-License-Identifier: MIT */
#include "win/acl.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "win/user.h"

/* Room for any SID. */
typedef union sid_room {
  SID sid;
  BYTE bytes[SECURITY_MAX_SID_SIZE];
} sid_room;

/* Windows' own installer owns what came with it: S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464. */
static int is_installer(PSID sid) {
  static const DWORD parts[] = {80, 956008885, 3418522649, 1831038044, 1853292631, 2271478464};
  if (*GetSidSubAuthorityCount(sid) != sizeof(parts) / sizeof(parts[0])) {
    return 0;
  }
  for (DWORD i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    if (*GetSidSubAuthority(sid, i) != parts[i]) {
      return 0;
    }
  }
  return 1;
}

static int is_well_known(PSID sid, WELL_KNOWN_SID_TYPE type) {
  return IsWellKnownSid(sid, type);
}

static int is_user(PSID sid) {
  ps_user room;
  PSID own = ps_user_of(GetCurrentProcess(), &room);
  return own && EqualSid(own, sid) != 0;
}

static int is_trusted(PSID sid) {
  return is_user(sid) || is_well_known(sid, WinLocalSystemSid) || is_well_known(sid, WinBuiltinAdministratorsSid) ||
         is_well_known(sid, WinCreatorOwnerSid) || is_well_known(sid, WinCreatorOwnerRightsSid) || is_installer(sid);
}

static void name_of(PSID sid, char *who, size_t size) {
  wchar_t name[128];
  wchar_t domain[128];
  DWORD name_size = sizeof(name) / sizeof(name[0]);
  DWORD domain_size = sizeof(domain) / sizeof(domain[0]);
  SID_NAME_USE use;
  LPSTR text = NULL;
  if (LookupAccountSidW(NULL, sid, name, &name_size, domain, &domain_size, &use) &&
      WideCharToMultiByte(CP_UTF8, 0, name, -1, who, (int)size, NULL, NULL) > 0) {
    return;
  }
  (void)snprintf(who, size, "%s", ConvertSidToStringSidA(sid, &text) ? text : "somebody");
  (void)LocalFree(text);
}

static ACCESS_MASK map(ACCESS_MASK mask) {
  static const GENERIC_MAPPING mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};
  MapGenericMask(&mask, (PGENERIC_MAPPING)(uintptr_t)&mapping);
  return mask;
}

/* Whom an entry gives what is looked for; NULL if nobody. What denies comes before and only takes away: it is not
 * counted on. */
static PSID given_to(PACL list, DWORD index, ACCESS_MASK rights) {
  void *entry = NULL;
  if (!GetAce(list, index, &entry)) {
    return NULL;
  }
  const ACE_HEADER *header = entry;
  ACCESS_ALLOWED_ACE *allowed = entry;
  int counts = (header->AceType == ACCESS_ALLOWED_ACE_TYPE || header->AceType == ACCESS_ALLOWED_CALLBACK_ACE_TYPE) &&
               !(header->AceFlags & INHERIT_ONLY_ACE) && (map(allowed->Mask) & rights) != 0;
  return counts ? (PSID)&allowed->SidStart : NULL;
}

int ps_acl_others(HANDLE file, ACCESS_MASK rights, char *who, size_t size) {
  PSECURITY_DESCRIPTOR descriptor = NULL;
  PSID owner = NULL;
  PACL list = NULL;
  int result = 0;
  if (GetSecurityInfo(file, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, NULL, &list,
                      NULL, &descriptor) != ERROR_SUCCESS ||
      !owner) {
    (void)snprintf(who, size, "cannot be known");
    return -1;
  }
  if (!is_trusted(owner)) {
    name_of(owner, who, size);
    result = 1;
  } else if (!list) { /* no list at all: everybody may do everything */
    (void)snprintf(who, size, "Everyone");
    result = 1;
  }
  for (DWORD i = 0; result == 0 && i < list->AceCount; i++) {
    PSID sid = given_to(list, i, rights);
    if (sid && !is_trusted(sid)) {
      name_of(sid, who, size);
      result = 1;
    }
  }
  (void)LocalFree(descriptor);
  return result;
}

/* This user as icacls takes it: with the domain or machine, for another one may have an account of that name, too. */
static void name_self(char *text, size_t size) {
  wchar_t name[128];
  wchar_t domain[128];
  wchar_t whole[sizeof(name) / sizeof(name[0]) + sizeof(domain) / sizeof(domain[0])];
  DWORD name_size = sizeof(name) / sizeof(name[0]);
  DWORD domain_size = sizeof(domain) / sizeof(domain[0]);
  SID_NAME_USE use;
  ps_user room;
  PSID own = ps_user_of(GetCurrentProcess(), &room);
  LPSTR sid = NULL;
  if (own && LookupAccountSidW(NULL, own, name, &name_size, domain, &domain_size, &use)) {
    (void)swprintf(whole, sizeof(whole) / sizeof(whole[0]), L"%ls%ls%ls", domain, domain[0] ? L"\\" : L"", name);
    if (WideCharToMultiByte(CP_UTF8, 0, whole, -1, text, (int)size, NULL, NULL) > 0) {
      return;
    }
  }
  (void)snprintf(text, size, "*%s", own && ConvertSidToStringSidA(own, &sid) ? sid : "YOUR-SID");
  (void)LocalFree(sid);
}

void ps_acl_write_remedy(char *text, size_t size, const char *path) {
  char name[300];
  name_self(name, sizeof(name));
  (void)snprintf(text, size, "icacls \"%s\" /inheritance:r /grant:r \"%s:F\"", path, name);
  /* As Windows writes paths: programs of its console take a slash for an option. */
  for (char *at = text; *at && strncmp(at, "\" /", 3) != 0; at++) {
    *at = *at == '/' ? '\\' : *at;
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * By the Task Scheduler's COM interface, whose library is only loaded for it: no other command is to wait for that. A
 * task for the logon of its own user needs no administrator.
 */
#include "service/autostart.h"

#include <stdlib.h>

#define COBJMACROS
#include <initguid.h>

#include <objbase.h>
#include <oleauto.h>
#include <sddl.h>
#include <taskschd.h>

#include "command_line.h"
#include "service/task.h"
#include "win/reason.h"
#include "win/user.h"
#include "win/wide.h"

DEFINE_GUID(task_scheduler_class, 0x0f87369f, 0xa4e5, 0x4cfc, 0xbd, 0x3e, 0x73, 0xe6, 0x15, 0x45, 0x72, 0xdd);
DEFINE_GUID(task_service_interface, 0x2faba4c7, 0x4da9, 0x4013, 0x96, 0x97, 0x20, 0xcc, 0x3f, 0xd4, 0x0f, 0x85);

/* The program that runs ours without a window; beside it. */
#define WINDOWLESS L"penstockw.exe"

/* The scheduler, and who we are. */
typedef struct scheduler {
  ITaskService *service;
  ITaskFolder *root;
  char *sid;
  char mark[PS_TASK_MARK_SIZE];
  BSTR(WINAPI *make_text)(const OLECHAR *text);
  void(WINAPI *free_text)(BSTR text);
  void(WINAPI *end)(void);
} scheduler;

static int fail(const char *doing, HRESULT result, penstock_error *error) {
  char text[160];
  ps_reason((DWORD)result, text, sizeof(text));
  (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "cannot %s: %s (0x%08lX)", doing, text,
                      (unsigned long)result);
  penstock_next(error, result == E_ACCESSDENIED
                           ? "your administrator has forbidden tasks of users: put a link to 'penstockw up PROFILE' "
                             "into the folder that shell:startup opens"
                           : "see whether the service Task Scheduler runs: sc.exe query schedule");
  return PENSTOCK_E_FAILED;
}

static char *read_sid(void) {
  ps_user room;
  PSID sid = ps_user_of(GetCurrentProcess(), &room);
  char *text = NULL;
  char *copy = NULL;
  if (sid && ConvertSidToStringSidA(sid, &text)) {
    copy = strdup(text);
    (void)LocalFree(text);
  }
  return copy;
}

static void close_scheduler(const scheduler *self) {
  if (self->root) {
    (void)ITaskFolder_Release(self->root);
  }
  if (self->service) {
    (void)ITaskService_Release(self->service);
  }
  if (self->end) {
    self->end();
  }
  free(self->sid);
}

static FARPROC find(const wchar_t *library, const char *name) {
  HMODULE module = LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
  return module ? GetProcAddress(module, name) : NULL;
}

typedef HRESULT(WINAPI *initialize_function)(void *reserved, DWORD model);
typedef HRESULT(WINAPI *create_function)(REFCLSID class, IUnknown *outer, DWORD context, REFIID interface_id,
                                         void **made);

static HRESULT connect_to(scheduler *self) {
  initialize_function initialize = (initialize_function)(void *)find(L"ole32.dll", "CoInitializeEx");
  create_function create = (create_function)(void *)find(L"ole32.dll", "CoCreateInstance");
  void(WINAPI * end)(void) = (void(WINAPI *)(void))(void *)find(L"ole32.dll", "CoUninitialize");
  self->make_text = (BSTR(WINAPI *)(const OLECHAR *))(void *)find(L"oleaut32.dll", "SysAllocString");
  self->free_text = (void(WINAPI *)(BSTR))(void *)find(L"oleaut32.dll", "SysFreeString");
  if (!initialize || !create || !end || !self->make_text || !self->free_text) {
    return E_NOTIMPL;
  }
  HRESULT result = initialize(NULL, COINIT_MULTITHREADED);
  if (FAILED(result)) {
    return result;
  }
  self->end = end;
  VARIANT none = {0};
  result = create(&task_scheduler_class, NULL, CLSCTX_INPROC_SERVER, &task_service_interface, (void **)&self->service);
  if (SUCCEEDED(result)) {
    result = ITaskService_Connect(self->service, none, none, none, none);
  }
  if (SUCCEEDED(result)) {
    BSTR path = self->make_text(L"\\");
    result = path ? ITaskService_GetFolder(self->service, path, &self->root) : E_OUTOFMEMORY;
    self->free_text(path);
  }
  return result;
}

/* Close it in any case. */
static int open_scheduler(scheduler *self, penstock_error *error) {
  memset(self, 0, sizeof(*self));
  self->sid = read_sid();
  if (!self->sid) {
    return fail("find out who you are", HRESULT_FROM_WIN32(GetLastError()), error);
  }
  ps_task_mark(self->mark, self->sid);
  HRESULT result = connect_to(self);
  return SUCCEEDED(result) ? PENSTOCK_OK : fail("ask the Task Scheduler", result, error);
}

/* UTF-8 as the interface wants it; NULL if memory is out. */
static BSTR to_text(const scheduler *self, const char *text) {
  wchar_t *wide = text ? ps_wide(text) : NULL;
  BSTR made = wide ? self->make_text(wide) : NULL;
  free(wide);
  return made;
}

static BSTR name_of(const scheduler *self, const char *profile) {
  ps_text name = {0};
  ps_task_name(&name, profile, self->mark);
  BSTR made = to_text(self, name.no_memory ? NULL : name.data);
  free(name.data);
  return made;
}

/* --- what the command does ------------------------------------------------------------------------ */

int ps_autostart_check(penstock_error *error) {
  (void)error;
  return PENSTOCK_OK;
}

/* Beside this program, to free(); NULL if it is not there. */
static char *find_windowless(void) {
  wchar_t path[32768];
  DWORD length = GetModuleFileNameW(NULL, path, 32768 - 32);
  wchar_t *name = length > 0 && length < 32768 - 32 ? wcsrchr(path, L'\\') : NULL;
  if (!name) {
    return NULL;
  }
  (void)wcscpy(name + 1, WINDOWLESS);
  return GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES ? NULL : ps_narrow(path);
}

static HRESULT register_task(const scheduler *self, const char *profile, const ps_task *task) {
  ps_text xml = {0};
  VARIANT none = {0};
  IRegisteredTask *made = NULL;
  ps_task_xml(&xml, task);
  BSTR text = to_text(self, xml.no_memory ? NULL : xml.data);
  BSTR name = name_of(self, profile);
  HRESULT result = E_OUTOFMEMORY;
  if (text && name) {
    result = ITaskFolder_RegisterTask(self->root, name, text, TASK_CREATE_OR_UPDATE, none, none,
                                      TASK_LOGON_INTERACTIVE_TOKEN, none, &made);
  }
  if (made) {
    (void)IRegisteredTask_Release(made);
  }
  self->free_text(text);
  self->free_text(name);
  free(xml.data);
  return result;
}

int ps_autostart_enable(const char *profile, const char *const *words, penstock_error *error) {
  scheduler self;
  char description[320];
  char *program = find_windowless();
  char *arguments = ps_command_line(words);
  int result = PENSTOCK_E_FAILED;
  (void)snprintf(description, sizeof(description), "The penstock gateway of the profile '%.200s'", profile);
  penstock_utf8_trim(description, sizeof(description));
  if (!program || !arguments) {
    (void)penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG,
                        "penstockw.exe, which runs a gateway without a window, is not beside penstock.exe");
    penstock_next(error, "install penstock again, or unpack the whole zip");
  } else if ((result = open_scheduler(&self, error)) == PENSTOCK_OK) {
    const ps_task task = {.user = self.sid, .program = program, .arguments = arguments, .description = description};
    HRESULT made = register_task(&self, profile, &task);
    result = SUCCEEDED(made) ? PENSTOCK_OK : fail("register the task", made, error);
    close_scheduler(&self);
  } else {
    close_scheduler(&self);
  }
  free(program);
  free(arguments);
  return result;
}

int ps_autostart_disable(const char *profile, penstock_error *error) {
  scheduler self;
  int result = open_scheduler(&self, error);
  if (result == PENSTOCK_OK) {
    BSTR name = name_of(&self, profile);
    HRESULT gone = name ? ITaskFolder_DeleteTask(self.root, name, 0) : E_OUTOFMEMORY;
    self.free_text(name);
    result = SUCCEEDED(gone) ? 1
             : gone == HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND) || gone == HRESULT_FROM_WIN32(ERROR_PATH_NOT_FOUND)
                 ? 0
                 : fail("take the task away", gone, error);
  }
  close_scheduler(&self);
  return result;
}

static const char *state_word(TASK_STATE state) {
  switch (state) {
  case TASK_STATE_DISABLED:
    return "disabled";
  case TASK_STATE_QUEUED:
    return "about to start";
  case TASK_STATE_READY:
    return "starts when you log on";
  case TASK_STATE_RUNNING:
    return "runs";
  default:
    return "its state is not known";
  }
}

static void tell(const scheduler *self, IRegisteredTask *task,
                 void (*each)(void *context, const ps_autostart_entry *entry), void *context) {
  TASK_STATE state = TASK_STATE_UNKNOWN;
  BSTR name = NULL;
  if (FAILED(IRegisteredTask_get_Name(task, &name)) || !name) {
    return;
  }
  (void)IRegisteredTask_get_State(task, &state);
  char *narrow = ps_narrow(name);
  char *profile = narrow ? ps_task_profile(narrow, self->mark) : NULL;
  if (profile) {
    const ps_autostart_entry entry = {.profile = profile, .task = narrow, .state = state_word(state)};
    each(context, &entry);
  }
  self->free_text(name);
  free(narrow);
  free(profile);
}

int ps_autostart_each(void (*each)(void *context, const ps_autostart_entry *entry), void *context,
                      penstock_error *error) {
  scheduler self;
  IRegisteredTaskCollection *all = NULL;
  LONG count = 0;
  int result = open_scheduler(&self, error);
  if (result == PENSTOCK_OK) {
    HRESULT found = ITaskFolder_GetTasks(self.root, TASK_ENUM_HIDDEN, &all);
    if (SUCCEEDED(found)) {
      found = IRegisteredTaskCollection_get_Count(all, &count);
    }
    for (LONG i = 1; SUCCEEDED(found) && i <= count; i++) {
      IRegisteredTask *task = NULL;
      VARIANT index = {0};
      index.vt = VT_I4;
      index.lVal = i;
      if (SUCCEEDED(IRegisteredTaskCollection_get_Item(all, index, &task)) && task) { /* one may just have gone */
        tell(&self, task, each, context);
        (void)IRegisteredTask_Release(task);
      }
    }
    if (all) {
      (void)IRegisteredTaskCollection_Release(all);
    }
    result = SUCCEEDED(found) ? PENSTOCK_OK : fail("list the tasks", found, error);
  }
  close_scheduler(&self);
  return result;
}

/* SPDX-License-Identifier: MIT */
/* A library of its own, helper.dll, that the plugin needy.dll needs. */
__declspec(dllexport) int windows_helper(void);

int windows_helper(void) {
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* What makes a plugin that is well need a library: without helper.dll it cannot be loaded. */
__declspec(dllimport) int windows_helper(void);
int windows_needy(void);

int windows_needy(void) {
  return windows_helper();
}

/* SPDX-License-Identifier: MIT */
#include "common/ssh/config/ssh_settings.h"

/* One question to the processor; each compiler target has its own way to put it. */
#if defined(__x86_64__) || defined(__i386__)
int cpu_has_aes(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("aes") != 0;
}
#elif defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>
int cpu_has_aes(void) {
  return (getauxval(AT_HWCAP) & (1ul << 3)) != 0; /* HWCAP_AES */
}
#else
int cpu_has_aes(void) {
#if defined(__APPLE__)
  return 1; /* every Mac on ARM has them */
#else
  return 0;
#endif
}
#endif

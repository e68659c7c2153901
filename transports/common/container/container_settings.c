/* SPDX-License-Identifier: MIT */
#include "common/container/container_settings.h"

const char *const container_reach_words[] = {"auto", "published", "bridge", "exec", NULL};
const char *const container_exposure_words[] = {"warn", "error", "off", NULL};

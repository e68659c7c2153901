/* SPDX-License-Identifier: MIT */
/*
 * What instances are lent of the profile's settings: a view of those that count now. A text that one was given stays
 * valid until its end, whatever the files say meanwhile; so whose settings nobody has texts of is told to the crew,
 * which can free them.
 */
#include "lane/internal.h"

static const ps_settings *seen_by(const penstock_config *config) {
  const ps_lent *lent = config->impl;
  return lent->lane->settings;
}

/* The same, of which a text is given. */
static const ps_settings *lent_by(const penstock_config *config) {
  const ps_lent *lent = config->impl;
  lent->lane->lent.has_lent = 1;
  return lent->lane->settings;
}

static const char *get_string(const penstock_config *config, const char *key) {
  return ps_settings_string(lent_by(config), key);
}

static int64_t get_int(const penstock_config *config, const char *key, int64_t otherwise) {
  return ps_settings_int(seen_by(config), key, otherwise);
}

static const char *get_item(const penstock_config *config, const char *key, uint32_t index) {
  return ps_settings_item(lent_by(config), key, index);
}

static const char *get_origin(const penstock_config *config, const char *key) {
  return ps_settings_origin(lent_by(config), key);
}

void ps_lent_begin(ps_lane *lane) {
  lane->settings = lane->options.settings;
  lane->lent = (ps_lent){.lane = lane, .edition = lane->options.edition};
  lane->config = (penstock_config){.struct_size = sizeof(lane->config),
                                   .impl = &lane->lent,
                                   .profile = lane->options.profile,
                                   .get_string = get_string,
                                   .get_int = get_int,
                                   .get_item = get_item,
                                   .get_origin = get_origin};
}

void ps_lent_renew(ps_lane *lane, const ps_settings *settings, uint64_t edition) {
  ps_lent *lent = &lane->lent;
  uint64_t before = lent->edition;
  lane->settings = settings;
  lent->edition = edition;
  if (lent->has_lent) {
    lent->owes_older = 1;
  } else {
    ps_lane_tell_unused(lane, before, 0);
  }
  lent->has_lent = 0;
}

void ps_lent_given_back(ps_lane *lane) {
  ps_lent *lent = &lane->lent;
  if (lent->owes_older) {
    ps_lane_tell_unused(lane, lent->edition - 1, 1);
  }
  lent->owes_older = lent->has_lent = 0;
}

/* SPDX-License-Identifier: MIT */
/* Keys of penstock.ini, as the tables of the core and of the transports declare them. */
#include <stdlib.h>
#include <string.h>

#include "cli/plugin_show.h"
#include "config/config.h"
#include "manual/manual.h"
#include "manual/mdoc.h"

static void add_key(ps_text *page, const penstock_option *option) {
  ps_text facts = {0};
  ps_option_add_facts(&facts, option);
  ps_text_adds(page, ".It Ic");
  ps_mdoc_argument(page, option->key);
  ps_text_adds(page, " No");
  ps_mdoc_argument(page, facts.data ? facts.data : "");
  ps_text_adds(page, "\n");
  ps_mdoc_sentence(page, option->help ? option->help : "");
  free(facts.data);
}

static void add_table(ps_text *page, const ps_option_table *table) {
  ps_text_adds(page, ".Bl -tag -width Ds\n");
  for (uint32_t i = 0; i < table->count; i++) {
    add_key(page, &table->options[i]);
  }
  ps_text_adds(page, ".El\n");
}

void ps_manual_gateway_keys(ps_text *page, const ps_manual_plugins *plugins) {
  (void)plugins;
  add_table(page, &ps_gateway_table);
}

void ps_manual_profile_keys(ps_text *page, const ps_manual_plugins *plugins) {
  (void)plugins;
  add_table(page, &ps_profile_table);
}

/* --- transports --------------------------------------------------------------------------------- */

static const penstock_transport *transport_at(const ps_manual_plugins *plugins, size_t at) {
  for (size_t i = 0; i < plugins->count; i++) {
    if (at < plugins->plugins[i]->transport_count) {
      return plugins->plugins[i]->transports[at];
    }
    at -= plugins->plugins[i]->transport_count;
  }
  return NULL;
}

/* Would the same be written of both? */
static int is_same(const penstock_option *left, const penstock_option *right) {
  ps_text texts[2] = {{0}, {0}};
  add_key(&texts[0], left);
  add_key(&texts[1], right);
  int same = texts[0].data && texts[1].data && strcmp(texts[0].data, texts[1].data) == 0;
  free(texts[0].data);
  free(texts[1].data);
  return same;
}

/* Number of the first transport, before this one, that has the very same option; `before` if none has. */
static size_t told_at(const ps_manual_plugins *plugins, size_t before, const penstock_option *option) {
  for (size_t i = 0; i < before; i++) {
    const penstock_transport *transport = transport_at(plugins, i);
    for (uint32_t k = 0; k < transport->option_count; k++) {
      if (is_same(&transport->options[k], option)) {
        return i;
      }
    }
  }
  return before;
}

/* Names the keys that were told under an earlier transport, transport by transport. */
static void add_told(ps_text *page, const ps_manual_plugins *plugins, size_t at) {
  const penstock_transport *transport = transport_at(plugins, at);
  for (size_t earlier = 0; earlier < at; earlier++) {
    int count = 0;
    for (uint32_t i = 0; i < transport->option_count; i++) {
      const penstock_option *option = &transport->options[i];
      if (told_at(plugins, at, option) == earlier) {
        ps_text_adds(page, count++ == 0 ? ".Pp\nAs with transport\n.Cm" : " ,\n.Ic");
        if (count == 1) {
          ps_mdoc_argument(page, transport_at(plugins, earlier)->name);
          ps_text_adds(page, " :\n.Ic");
        }
        ps_mdoc_argument(page, option->key);
      }
    }
    ps_text_adds(page, count > 0 ? " .\n" : "");
  }
}

static void add_new(ps_text *page, const ps_manual_plugins *plugins, size_t at) {
  const penstock_transport *transport = transport_at(plugins, at);
  int count = 0;
  for (uint32_t i = 0; i < transport->option_count; i++) {
    if (told_at(plugins, at, &transport->options[i]) == at) {
      ps_text_adds(page, count++ == 0 ? ".Bl -tag -width Ds\n" : "");
      add_key(page, &transport->options[i]);
    }
  }
  ps_text_adds(page, count > 0 ? ".El\n" : "");
}

static void add_transport(ps_text *page, const penstock_transport *transport) {
  ps_mdoc_sentence(page, transport->summary);
  ps_mdoc_sentence(page, transport->launch ? "It can launch the solver" : "It only forwards");
}

void ps_manual_transport_keys(ps_text *page, const ps_manual_plugins *plugins) {
  const penstock_transport *transport;
  for (size_t i = 0; (transport = transport_at(plugins, i)) != NULL; i++) {
    ps_text_adds(page, ".Ss transport =");
    ps_mdoc_argument(page, transport->name);
    ps_text_adds(page, "\n");
    add_transport(page, transport);
    add_told(page, plugins, i);
    add_new(page, plugins, i);
  }
}

void ps_manual_transports(ps_text *page, const ps_manual_plugins *plugins) {
  const penstock_transport *transport;
  ps_text_adds(page, ".Bl -tag -width Ds\n");
  for (size_t i = 0; (transport = transport_at(plugins, i)) != NULL; i++) {
    ps_text_adds(page, ".It Cm");
    ps_mdoc_argument(page, transport->name);
    ps_text_adds(page, "\n");
    add_transport(page, transport);
  }
  ps_text_adds(page, ".El\n");
}

void ps_manual_abi(ps_text *page, const ps_manual_plugins *plugins) {
  (void)plugins;
  ps_text_addf(page, "This page is about version %d.%d of the interface.\n", PENSTOCK_ABI_MAJOR, PENSTOCK_ABI_MINOR);
}

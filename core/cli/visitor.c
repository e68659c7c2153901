/* SPDX-License-Identifier: MIT */
#include "cli/visitor.h"

#include "cli/cli.h"
#include "host/host.h"

/* A link that was never made cannot be lost; a transport that says so all the same is not listened to. */
static void ignore_link(const penstock_host *host, const penstock_error *error) {
  (void)host;
  (void)error;
}

static void ignore_progress(const penstock_host *host, penstock_op *op, const char *text) {
  (void)host;
  (void)op;
  (void)text;
}

static void ignore_leg(const penstock_host *host, penstock_op *op, uint32_t leg, uint64_t elapsed_ns,
                       const char *text) {
  (void)host;
  (void)op;
  (void)leg;
  (void)elapsed_ns;
  (void)text;
}

static void on_closed(void *context) {
  *(int *)context = 1;
}

static int visit_on_loop(const ps_profile *profile, uv_loop_t *loop,
                         int (*visit)(void *context, penstock_instance *instance, const ps_profile *profile),
                         void *context, penstock_error *error) {
  ps_host host;
  penstock_instance *instance = NULL;
  int closed = 0;
  int exit_code;
  ps_host_init(&host, loop, profile->name);
  host.table.link_lost = ignore_link;
  host.table.link_degraded = ignore_link;
  host.table.solver_exited = ignore_link;
  host.table.op_progress = ignore_progress;
  host.table.op_leg = ignore_leg;
  if (profile->transport->create(&host.table, ps_settings_abi(profile->settings), &instance, error) != PENSTOCK_OK) {
    exit_code = (int)ps_cli_exit_code(error);
  } else {
    exit_code = visit ? visit(context, instance, profile) : PS_EXIT_OK;
    profile->transport->destroy(instance);
  }
  ps_host_close(&host, on_closed, &closed);
  while (!closed) {
    (void)uv_run(loop, UV_RUN_ONCE);
  }
  return exit_code;
}

int ps_visit_instance(const ps_profile *profile,
                      int (*visit)(void *context, penstock_instance *instance, const ps_profile *profile),
                      void *context, penstock_error *error) {
  uv_loop_t loop;
  *error = (penstock_error){.struct_size = sizeof(*error)};
  if (uv_loop_init(&loop) != 0) {
    penstock_fail(error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_INTERNAL, "out of memory or descriptors");
    return PS_EXIT_FAILED;
  }
  int exit_code = visit_on_loop(profile, &loop, visit, context, error);
  (void)uv_run(&loop, UV_RUN_DEFAULT);
  (void)uv_loop_close(&loop);
  return exit_code;
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "relay/stream.h"

int ps_relay_join_socket(ps_relay *relay, uint64_t id, penstock_socket client, penstock_socket far) {
  ps_socket_stream *pair = calloc(1, sizeof(*pair));
  if (!pair) {
    ps_net_reset(client);
    ps_net_reset(far);
    return PENSTOCK_E_NOMEM;
  }
  ps_stream *stream = &pair->stream;
  stream->far = &pair->far;
  stream->up = (ps_flow){.from = &stream->client, .to = &pair->far};
  stream->down = (ps_flow){.from = &pair->far, .to = &stream->client};
  ps_stream_begin(relay, stream, id, client);
  ps_side_open(&pair->far, stream, far);
  ps_net_nodelay(far);
  return PENSTOCK_OK;
}

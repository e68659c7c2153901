# SPDX-License-Identifier: MIT
"""The ssh transport against a server that does not keep to the protocol, which no real one can be made to do."""

import socket
import threading

import paramiko
import pytest

from support.sshd import make_key


class Overrunning(paramiko.ServerInterface):
    """Lets everybody in, and sends into each forwarded channel far more than its window allows."""

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username):
        return "publickey"

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        return paramiko.OPEN_SUCCEEDED


@pytest.fixture
def overrunning(tmp):
    """The port of such a server, and its host key."""
    key = paramiko.ECDSAKey.generate()
    listener = socket.create_server(("127.0.0.1", 0))
    transports = []

    def flood(channel):
        piece = b"x" * 32768
        try:
            while True:
                channel.out_window_size = 1 << 30
                channel.sendall(piece)
        except (OSError, EOFError):
            pass  # the gateway has hung up

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(sock)
            transports.append(transport)
            transport.add_server_key(key)
            transport.start_server(server=Overrunning())
            channel = transport.accept(20)
            if channel:
                threading.Thread(target=flood, args=(channel,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], key
    listener.close()
    for transport in transports:
        transport.close()


@pytest.mark.memory
def test_a_server_that_overruns_the_window_is_given_up(overrunning, gateway, tmp):
    port, key = overrunning
    known = tmp / "known"
    known.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    user_key = make_key(tmp / "user")
    made = gateway(
        {
            "transport": "ssh",
            "ssh_config": "none",
            "host": "127.0.0.1",
            "port": port,
            "key": user_key,
            "known_hosts": known,
            "endpoint": "127.0.0.1:9",
            "launch": "never",
            "probe": "none",
        }
    )
    made.wait_serving()
    with socket.create_connection(("127.0.0.1", made.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        # Nothing is read: what the server sends beyond its window has nowhere to go.
        down = made.wait_event("state", state="down", timeout=60)
        assert "more than it was allowed" in down["error"]["what"]
        assert made.rss_kib() < 256_000

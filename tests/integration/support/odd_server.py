# SPDX-License-Identifier: MIT
"""An SSH server in the test's own process (paramiko), whose forwarded channels are the test's: they need not keep to the
protocol, and show what a real server does not tell."""

import socket
import threading
import time

import paramiko

from .sshd import make_key


class _LetsIn(paramiko.ServerInterface):
    def __init__(self, delay):
        self._delay = delay

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username):
        return "publickey"

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        time.sleep(self._delay)
        return paramiko.OPEN_SUCCEEDED


class OddServer:
    """Calls `on_channel(channel)` in a thread for each channel that is opened, which takes `delay` seconds."""

    def __init__(self, tmp, on_channel, delay=0):
        self._delay = delay
        self._tmp = tmp
        self._on_channel = on_channel
        self._key = paramiko.ECDSAKey.generate()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._transports = []
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock):
        transport = paramiko.Transport(sock)
        self._transports.append(transport)
        transport.add_server_key(self._key)
        transport.start_server(server=_LetsIn(self._delay))
        while transport.is_active():
            channel = transport.accept(20)
            if channel:
                threading.Thread(target=self._on_channel, args=(channel,), daemon=True).start()

    def profile(self, **keys):
        """A profile of the ssh transport that reaches it, and only forwards."""
        known = self._tmp / "known"
        known.write_text(f"[127.0.0.1]:{self.port} {self._key.get_name()} {self._key.get_base64()}\n")
        user_key = self._tmp / "user"
        return {
            "transport": "ssh",
            "ssh_config": "none",
            "host": "127.0.0.1",
            "port": self.port,
            "key": user_key if user_key.exists() else make_key(user_key),
            "known_hosts": known,
            "endpoint": "127.0.0.1:9",
            "launch": "never",
            "probe": "none",
            **keys,
        }

    def close(self):
        self._listener.close()
        for transport in self._transports:
            transport.close()

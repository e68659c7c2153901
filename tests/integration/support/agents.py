# SPDX-License-Identifier: MIT
"""An agent that does what ssh-agent cannot be made to do: holds a security key's key without the device, refuses to
sign, dies or hangs when it is asked to. Its signatures are real ones."""

import base64
import hashlib
import socket
import struct
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FAILURE, REQUEST_IDENTITIES, IDENTITIES_ANSWER, SIGN_REQUEST, SIGN_RESPONSE = 5, 11, 12, 13, 14


def string(data):
    return struct.pack(">I", len(data)) + data


class OddAgent:
    """Holds one key. `sign` says what comes of a request to sign: "yes", "no", "die" or "hang"."""

    def __init__(self, path, fido=False, sign="yes"):
        self.path, self.fido, self.sign, self.asked = path, fido, sign, 0
        self._key = Ed25519PrivateKey.generate()
        self._application = b"ssh:"
        self._type = b"sk-ssh-ed25519@openssh.com" if fido else b"ssh-ed25519"
        public = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.blob = string(self._type) + string(public) + (string(self._application) if fido else b"")
        self.env = {"SSH_AUTH_SOCK": str(path)}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def authorize_at(self, server):
        """Lets the key in."""
        with open(server.authorized_keys, "a") as file:
            file.write(f"{self._type.decode()} {base64.b64encode(self.blob).decode()}\n")

    def _signature(self, data):
        if not self.fido:
            return string(self._type) + string(self._key.sign(data))
        rest = b"\x01" + struct.pack(">I", 7)  # the user was there; a counter
        signed = hashlib.sha256(self._application).digest() + rest + hashlib.sha256(data).digest()
        return string(self._type) + string(self._key.sign(signed)) + rest

    def _answer(self, message):
        if message[0] == REQUEST_IDENTITIES:
            return bytes([IDENTITIES_ANSWER]) + struct.pack(">I", 1) + string(self.blob) + string(b"odd one")
        if message[0] != SIGN_REQUEST:
            return bytes([FAILURE])
        self.asked += 1
        if self.sign == "no":
            return bytes([FAILURE])
        if self.sign != "yes":
            return None
        size = struct.unpack(">I", message[1:5])[0]
        start = 5 + size + 4
        length = struct.unpack(">I", message[5 + size : start])[0]
        return bytes([SIGN_RESPONSE]) + string(self._signature(message[start : start + length]))

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            stream = connection.makefile("rb")
            while header := stream.read(4):
                answer = self._answer(stream.read(struct.unpack(">I", header)[0]))
                if answer:
                    connection.sendall(string(answer))
                elif self.sign == "die":
                    connection.shutdown(socket.SHUT_RDWR)
                    break

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

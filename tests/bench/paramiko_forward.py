#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Forwards a port as the Blender add-on reaches its solver: paramiko, compressed, a channel for each connection.

    paramiko_forward.py HOST PORT USER KEY KNOWN_HOSTS LOCAL-PORT FAR-PORT

The add-on does so within its own process; here there is a local socket more, so that the same client measures all ways.
"""

import socket
import sys
import threading

import paramiko

CHUNK = 32768  # as the add-on writes


def pump(receive, send, end):
    try:
        while data := receive(CHUNK):
            send(data)
        end()
    except (OSError, EOFError):
        pass


def serve(transport, client, far_port):
    try:
        channel = transport.open_channel("direct-tcpip", ("127.0.0.1", far_port), client.getpeername())
    except (paramiko.SSHException, OSError):
        client.close()
        return
    up = threading.Thread(target=pump, args=(client.recv, channel.sendall, channel.shutdown_write), daemon=True)
    up.start()
    pump(channel.recv, client.sendall, lambda: client.shutdown(socket.SHUT_WR))
    up.join()
    channel.close()
    client.close()


def main():
    host, port, user, key, known_hosts, local_port, far_port = sys.argv[1:]
    client = paramiko.SSHClient()
    client.load_host_keys(known_hosts)
    client.connect(host, int(port), user, key_filename=key, compress=True, allow_agent=False, look_for_keys=False)
    transport = client.get_transport()
    listener = socket.create_server(("127.0.0.1", int(local_port)), backlog=128)
    while True:
        accepted, _ = listener.accept()
        threading.Thread(target=serve, args=(transport, accepted, int(far_port)), daemon=True).start()


main()

# SPDX-License-Identifier: MIT
"""What the system grants too little of."""

import threading

from support.wait import eventually

FEW = ("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh")


def test_more_clients_than_descriptors(gateway, solver_root, port):
    """They wait their turn: those that are taken in must not use up what their own far sides need."""
    running = gateway(
        {"transport": "local", "root": solver_root(), "endpoint": f"127.0.0.1:{port()}", "on_exit": "stop"}, under=FEW
    )
    running.wait_serving()
    # As many as fill the descriptors twice: the limit is met for certain, and they wait in the kernel beyond it.
    held = [running.wire.open(b"HOLD") for _ in range(60)]
    eventually(lambda: "out of file descriptors" in running.log, what="the limit is not met")
    answers = []

    def ask():
        answers.append(running.wire.tcmd()["protocol_version"])

    threads = [threading.Thread(target=ask) for _ in range(300)]
    for thread in threads:
        thread.start()
    for sock in held:
        sock.close()
    for thread in threads:
        thread.join()
    assert answers == ["0.18"] * 300
    assert running.stop() == 0

# SPDX-License-Identifier: MIT
"""What the system grants too little of."""

import threading

FEW = ("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh")


def test_more_clients_than_descriptors(gateway, solver_root, port):
    """They wait their turn: those that are taken in must not use up what their own far sides need."""
    running = gateway(
        {"transport": "local", "root": solver_root(), "endpoint": f"127.0.0.1:{port()}", "on_exit": "stop"}, under=FEW
    )
    running.wait_serving()
    answers = []

    def ask():
        answers.append(running.wire.tcmd()["protocol_version"])

    threads = [threading.Thread(target=ask) for _ in range(300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["0.18"] * 300
    assert "out of file descriptors" in running.log
    assert running.stop() == 0

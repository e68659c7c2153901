# SPDX-License-Identifier: MIT
"""What is the ssh transport's own: its session, and servers that allow less. Streams as such: see test_streams_*."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import pattern, procs
from support.ports import free_port
from support.wire import ended_by, read_exact

MIB = 1 << 20


@pytest.fixture
def up(gateway, solver):
    """up(server, **keys) starts a gateway that only forwards to a demo solver (`up.solver`) over that server."""

    def start(server, **keys):
        keys = {"endpoint": f"127.0.0.1:{start.solver.port}", "launch": "never", **keys}
        return gateway(server.profile(**keys))

    start.solver = solver()
    return start


# --- the solver's life -----------------------------------------------------------------------------------


def test_solver_is_launched_outlives_the_gateway_and_is_adopted(sshd, gateway, solver_root, tmp):
    server = sshd()
    root = solver_root("a b'c$(touch x);")
    keys = server.profile(endpoint=f"127.0.0.1:{free_port()}", root=root)
    first = gateway(keys)
    serving = first.wait_serving(60)
    assert serving["adopted"] is False
    assert serving["protocol_version"] == "0.18"
    assert not list(tmp.rglob("x"))
    pid = root.pid()
    first.kill()
    server.kill_sessions()
    assert procs.alive(pid)
    began = time.monotonic()
    second = gateway(keys)
    assert second.wait_serving()["adopted"] is True
    assert time.monotonic() - began < 5  # nothing is launched or awaited: 0.2 s on a machine at rest
    assert root.pid() == pid
    assert second.wire.tcmd()["protocol_version"] == "0.18"


def test_root_that_is_not_there(sshd, gateway, tmp):
    up = gateway(sshd().profile(endpoint=f"127.0.0.1:{free_port()}", root=tmp / "nowhere"))
    assert up.wait(60) != 0
    error = up.find_events("stopped")[0]["error"]
    assert str(tmp / "nowhere") in error["what"]


# --- bytes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 32758, 32759, 65536, 65537, 640_001, 2 * MIB + 1, 64 * MIB])
def test_every_byte_arrives(sshd, up, size):
    wire = up(sshd()).wait_listening().wire
    assert wire.source(size, seed=3) == (size, pattern.sha256(size, seed=3))
    assert wire.sink(pattern.chunks(size, seed=5)) == (size, pattern.sha256(size, seed=5))


@pytest.mark.parametrize(
    "keys, config",
    [
        ({"compression": True}, []),
        ({"ciphers": "chacha20-poly1305@openssh.com"}, []),
        ({"ciphers": "aes256-gcm@openssh.com"}, []),
        ({"ciphers": "aes256-ctr"}, []),
        ({"ciphers": "aes128-ctr"}, ["MACs hmac-sha2-256"]),  # of the plain text
        ({"ciphers": "aes128-cbc"}, ["Ciphers aes128-cbc", "MACs hmac-sha2-512-etm@openssh.com"]),
    ],
)
def test_every_byte_arrives_with_other_settings(sshd, up, keys, config):
    gateway = up(sshd(config=config), **keys)
    gateway.wait_serving()
    size = 8 * MIB + 3
    assert gateway.wire.source(size) == (size, pattern.sha256(size))
    assert gateway.wire.sink(pattern.chunks(size)) == (size, pattern.sha256(size))
    if "ciphers" in keys:
        assert f"cipher {keys['ciphers']}" in gateway.log


def test_every_byte_arrives_while_keys_are_exchanged_anew(sshd, up):
    wire = up(sshd(config=["RekeyLimit 1M"])).wait_listening().wire
    size = 6 * MIB
    with ThreadPoolExecutor() as pool:
        down = [pool.submit(wire.source, size, seed) for seed in range(2)]
        sent = [pool.submit(wire.sink, pattern.chunks(size, seed)) for seed in range(2)]
        for seed in range(2):
            assert down[seed].result(120) == (size, pattern.sha256(size, seed))
            assert sent[seed].result(120) == (size, pattern.sha256(size, seed))


# --- ends ------------------------------------------------------------------------------------------------


def test_far_side_that_resets_during_an_upload_is_an_abort(sshd, up):
    """sshd cannot write any more, and closes the channel: the client must see that its data went nowhere."""
    gateway = up(sshd()).wait_listening()
    sock = gateway.wire.open_abort(1)
    assert read_exact(sock, 1)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        for _ in range(1000):
            sock.sendall(b"x" * 65536)
            time.sleep(0.01)


def test_nobody_listens_at_the_endpoint(sshd, gateway):
    up = gateway(sshd().profile(endpoint=f"127.0.0.1:{free_port()}", launch="never", hold="300ms"))
    up.wait_listening()
    with socket.create_connection(("127.0.0.1", up.port)) as sock:
        assert ended_by(sock) == "reset"


# --- breakage --------------------------------------------------------------------------------------------


def test_server_that_falls_silent_is_given_up_in_time(sshd, up):
    """A black hole: the connection stands, and nothing comes any more."""
    server = sshd()
    gateway = up(server, keepalive="1s", retry_min="50ms", connect_timeout="1s")
    gateway.wait_serving()
    sock = gateway.wire.open_source(1 << 40)
    read_exact(sock, MIB)
    stopped = server.sessions()
    for pid in stopped:
        procs.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    assert ended_by(sock) == "reset"
    assert time.monotonic() - began < 4
    for pid in stopped:
        procs.kill(pid)
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"


def test_idle_link_is_kept(sshd, up):
    """Keepalives are answered: a link that has nothing to do is not taken for dead."""
    gateway = up(sshd(), keepalive="1s")
    gateway.wait_serving()
    mark = gateway.mark()
    time.sleep(5)
    assert not gateway.find_events("state", since=mark)
    assert gateway.wire.tcmd()["protocol_version"] == "0.18"


def test_name_that_does_not_resolve(sshd, up):
    gateway = up(sshd(), host="no-such-host.invalid")
    error = gateway.wait_event("state", where=lambda event: event["error"], timeout=30)["error"]
    assert error["leg"] == "dns"
    assert "ssh -G no-such-host.invalid" in error["next"]


def test_port_where_nothing_listens(sshd, up):
    port = free_port()
    gateway = up(sshd(), port=port)
    error = gateway.wait_event("state", where=lambda event: event["error"])["error"]
    assert error["leg"] == "tcp"
    assert f"127.0.0.1:{port}" in error["what"] and "refused" in error["what"]


def test_port_of_something_that_is_no_ssh_server(sshd, up):
    gateway = up(sshd(), port=up.solver.port, connect_timeout="2s")
    error = gateway.wait_event("state", where=lambda event: event["error"], timeout=30)["error"]
    assert "no SSH server" in error["what"]


def test_stop_while_it_connects(sshd, up):
    """A machine that does not answer must not hold up the end."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):  # fills the queue, so that the next connect gets no answer
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
            waiting.append(sock)
        gateway = up(sshd(), port=full.getsockname()[1])
        gateway.wait_event("leg", leg="dns")
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 3
        for sock in waiting:
            sock.close()


# --- servers that allow less -----------------------------------------------------------------------------


def test_forwarding_that_is_not_allowed(sshd, up):
    gateway = up(sshd(config=["AllowTcpForwarding no"]))
    error = gateway.wait_event("state", where=lambda event: event["error"])["error"]
    assert error["leg"] == "endpoint" and error["class"] == "config"
    assert "AllowTcpForwarding" in error["next"]


def test_endpoint_that_is_not_permitted(sshd, up):
    gateway = up(sshd(config=["PermitOpen 127.0.0.1:1"]))
    error = gateway.wait_event("state", where=lambda event: event["error"])["error"]
    assert f"127.0.0.1:{up.solver.port}" in error["what"]
    assert "PermitOpen" in error["next"]


def launch_error(gateway):
    assert gateway.wait(60) != 0
    return gateway.find_events("stopped")[0]["error"]


def test_account_without_a_shell(sshd, gateway, solver_root):
    server = sshd(config=["ForceCommand echo 'This account is currently not available.'"])
    error = launch_error(gateway(server.profile(endpoint=f"127.0.0.1:{free_port()}", root=solver_root())))
    assert error["leg"] == "exec"
    assert "This account is currently not available." in error["what"]
    assert "launch = never" in error["next"]


def test_account_whose_command_does_nothing(sshd, gateway, solver_root):
    server = sshd(config=["ForceCommand exit 0"])
    error = launch_error(gateway(server.profile(endpoint=f"127.0.0.1:{free_port()}", root=solver_root())))
    assert error["leg"] == "exec"
    assert "ForceCommand" in error["next"]


def test_server_that_allows_no_sessions(sshd, gateway, solver_root):
    server = sshd(config=["MaxSessions 0"])
    up = gateway(server.profile(endpoint=f"127.0.0.1:{free_port()}", root=solver_root()))
    error = up.wait_event("state", where=lambda event: event["error"], timeout=30)["error"]
    assert error["leg"] == "exec"
    assert "MaxSessions" in error["next"]


NOISE = "echo welcome to this machine; echo penstock-begin-0 ; printf 'no newline'; echo to stderr >&2"


def test_noisy_login_shell(sshd, gateway, solver_root):
    """What start-up files print is not taken for an answer."""
    server = sshd(config=[f'ForceCommand {NOISE}; exec sh -c "$SSH_ORIGINAL_COMMAND"'])
    root = solver_root()
    up = gateway(server.profile(endpoint=f"127.0.0.1:{free_port()}", root=root))
    assert up.wait_serving(60)["adopted"] is False
    assert root.pid()


@pytest.mark.parametrize("shell", ["tcsh", "dash"])
def test_login_shells_of_other_kinds(sshd, gateway, solver_root, shell):
    server = sshd(config=[f'ForceCommand exec {shell} -c "$SSH_ORIGINAL_COMMAND"'])
    root = solver_root("a b'c$(touch x);!")
    up = gateway(server.profile(endpoint=f"127.0.0.1:{free_port()}", root=root))
    assert up.wait_serving(60)["adopted"] is False
    assert root.pid()

# SPDX-License-Identifier: MIT
"""The transports ssh and ssh-command on Windows, against the real OpenSSH server of Linux."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import wait_for, windows_path
from far import FarSolver, Sshd, Wire, demo_solver, ended_by, free_port, make_key, pattern, read_exact
from transfer import GIB, MIB, both_ways

OK, CONFIG, IDENTITY = 0, 3, 6


@pytest.fixture
def far(windows, tmp_path):
    """far.server(**options) starts an sshd, far.solver() makes a solver's folder, far.write(…) writes the profiles."""
    tmp_path.chmod(0o700)

    class Far:
        def __init__(self):
            self.made = []
            self.listen = free_port()
            self.config = tmp_path / "penstock.ini"
            self.program = demo_solver(windows.build)

        def server(self, **options):
            self.made.append(Sshd(tmp_path / f"sshd{len(self.made)}", **options))
            return self.made[-1]

        def solver(self):
            self.made.append(FarSolver(self.program, tmp_path / f"far{len(self.made)}" / "sölver"))
            return self.made[-1]

        def profile(self, server, **keys):
            """Keys of a profile; a value of None takes one out."""
            known = {
                "transport": "ssh",
                "host": server.host,
                "port": server.port,
                "user": server.user,
                "key": windows_path(server.client_key),
                "known_hosts": windows_path(server.known_hosts),
                "agent": "no",
                "ssh_config": "none",
                "listen": f"127.0.0.1:{self.listen}",
                "peers": "any",
            }
            return {key: value for key, value in (known | keys).items() if value is not None}

        def write(self, **profiles):
            sections = ["[gateway]\nlog_level = debug\n"]
            for name, keys in profiles.items():
                sections.append(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))
            self.config.write_text("\n".join(sections), "utf-8")
            self.config.chmod(0o600)
            return self.config

        @property
        def wire(self):
            return Wire(self.listen)

    made = Far()
    yield made
    for each in reversed(made.made):
        each.stop() if isinstance(each, Sshd) else each.close()


def legs(gateway):
    return {event["leg"]: event["text"] for event in gateway.events if event["event"] == "leg" and not event["error"]}


def refusal(windows, config, name="lab"):
    """Runs a gateway to its end; returns its exit code, and the error that it ended with."""
    with windows.gateway(config, name) as gateway:
        code = gateway.wait_end()
        return code, gateway.wait_event("stopped")["error"]


# --- the solver's life -----------------------------------------------------------------------------------


def test_a_solver_is_launched_served_found_again_and_ended(far, windows, tmp_path):
    """One gateway's life: a key with a passphrase, a launch, streams and their ends, a link that drops, the end."""
    server, solver = far.server(), far.solver()
    locked = make_key(tmp_path / "lockéd", passphrase="open sesame")
    server.authorize(locked)
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    far.write(
        lab=far.profile(
            server,
            key=windows_path(locked),
            passphrase=f"file:{windows_path(secret)}",
            root=solver.folder,
            endpoint=f"127.0.0.1:{solver.port}",
            on_exit="stop",
            retry_min="100ms",
        )
    )
    with windows.gateway(far.config, "lab") as gateway:
        serving = gateway.wait_event("serving")
        assert serving["adopted"] is False and serving["protocol_version"] == "0.18"
        assert legs(gateway)["host-key"] == "known_hosts:1 ssh-ed25519"
        assert "lockéd" in legs(gateway)["auth"]
        lives = solver.alive()
        assert lives
        # Many at once, with every byte looked at.
        size = MIB + 7
        with ThreadPoolExecutor(8) as pool:
            down = [pool.submit(far.wire.source, size, seed) for seed in range(4)]
            sent = [pool.submit(far.wire.sink, pattern.chunks(size, seed)) for seed in range(4)]
            for seed in range(4):
                assert down[seed].result(60) == sent[seed].result(60) == (size, pattern.sha256(size, seed))
        assert far.wire.echo(b"half closed") == b"half closed"
        script = 'cat; echo "to $0" >&2; exit 7'
        done = windows.run("exec", "lab", "--", "sh", "-c", script, "日本 & |")
        assert (done.returncode, done.stdout, done.stderr) == (7, "", "to 日本 & |\n"), done
        # A clean end is one, an abort is a reset.
        with far.wire.open_source(100_000) as sock:
            assert ended_by(sock) == "clean"
        with far.wire.open_abort(1) as sock:
            assert read_exact(sock, 1)
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                while True:
                    sock.sendall(b"x" * 65536)
        # The session is killed: who was served is told so, and the next is served by a new one.
        with far.wire.open(b"HOLD") as held:
            far.wire.wait_for("HOLD")
            before = len(gateway.events)
            server.kill_sessions()
            assert ended_by(held) == "reset"
        wait_for(
            lambda: any(event["event"] == "serving" for event in gateway.events[before:]),
            lambda: "it does not come back:\n" + gateway.said(),
        )
        assert solver.alive().keys() == lives.keys()
        assert far.wire.echo(b"again") == b"again"
        assert windows.run("down", "lab").returncode == OK
        assert gateway.wait_end() == OK
        assert "open sesame" not in gateway.said()
    wait_for(lambda: not solver.alive(), lambda: f"left: {solver.alive()}")
    wait_for(lambda: not server.sessions(), lambda: f"left: {server.sessions()}")


def test_through_a_host_on_the_way(far, windows):
    """A jump, an alias of the user's own ssh_config, and a solver that runs already and is left alone."""
    gate, server, solver = far.server(), far.server(), far.solver().start()
    known = far.config.parent / "knöwn"
    known.write_text("".join(gate.known_hosts_lines() + server.known_hosts_lines()))
    settings = far.config.parent / "ssh cönfig"
    settings.write_text(
        f"Host gate\n  HostName {gate.host}\n  Port {gate.port}\n  User {gate.user}\n"
        f'  IdentityFile "{windows_path(gate.client_key)}"\r\n'
        f"Host far\n  HostName {server.host}\n  Port {server.port}\n  ProxyJump gate\n"
        f"  IdentityFile {windows_path(server.client_key)}\n",
        "utf-8",
    )
    settings.chmod(0o600)
    taken = dict.fromkeys(("port", "key"))
    far.write(
        lab=far.profile(
            server,
            host="far",
            ssh_config=windows_path(settings),
            known_hosts=windows_path(known),
            endpoint=f"127.0.0.1:{solver.port}",
            launch="never",
            **taken,
        )
    )
    with windows.gateway(far.config, "lab") as gateway:
        assert gateway.wait_event("serving")["adopted"] is True
        assert both_ways(far.listen, 4 * MIB)
        server.kill_sessions()
        before = len(gateway.events)
        wait_for(
            lambda: any(event["event"] == "serving" for event in gateway.events[before:]),
            lambda: "it does not come back:\n" + gateway.said(),
        )
        assert far.wire.echo(b"again") == b"again"
        gateway.kill()
    assert solver.process.poll() is None
    wait_for(lambda: not gate.sessions() and not server.sessions(), "sessions are left")


def test_a_pasted_line(far, windows):
    server, solver = far.server(), far.solver().start()
    known, key = (windows_path(path).replace("\\", "/") for path in (server.known_hosts, server.client_key))
    line = f"ssh -p {server.port} -i {windows_path(server.client_key)} -o UserKnownHostsFile={known} {server.user}@{server.host}"
    far.write(
        lab={
            "transport": "ssh-command",
            "command": line,
            "ssh_config": "none",
            "agent": "no",
            "endpoint": f"127.0.0.1:{solver.port}",
            "launch": "never",
            "listen": f"127.0.0.1:{far.listen}",
            "peers": "any",
        }
    )
    with windows.gateway(far.config, "lab") as gateway:
        gateway.wait_event("serving")
        assert far.wire.echo(b"pasted") == b"pasted"
    done = windows.run("ssh-command", "explain", line, "--config", windows_path(far.config))
    assert done.returncode == OK, done.stderr
    assert f"port = {server.port}" in done.stdout and f"key = {key}" in done.stdout
    done = windows.run("ssh-command", "explain", "'ssh", "-p", "22", "gpu01'")  # as cmd.exe takes it apart
    assert done.returncode == 2 and '"ssh -p ..."' in done.stderr, done.stderr


# --- who may be trusted ----------------------------------------------------------------------------------


def test_host_keys(far, windows, tmp_path):
    server, solver = far.server(), far.solver().start()
    known = tmp_path / "nëw" / "known_hosts"
    far.write(
        lab=far.profile(
            server,
            known_hosts=windows_path(known),
            host_key="strict",
            endpoint=f"127.0.0.1:{solver.port}",
            launch="never",
        )
    )
    code, error = refusal(windows, far.config)
    assert code == IDENTITY and error["leg"] == "host-key"
    assert server.fingerprints()[0] in error["what"] and "penstock trust lab" in error["next"]
    done = windows.run("trust", "lab", "--yes", "--config", windows_path(far.config))
    assert done.returncode == OK and server.fingerprints()[0] in done.stdout, done.stderr
    assert known.read_bytes() == "".join(server.known_hosts_lines()).encode()
    with windows.gateway(far.config, "lab") as gateway:
        gateway.wait_event("serving")
    old = server.fingerprints()[0]
    server.new_host_keys()
    code, error = refusal(windows, far.config)
    assert code == IDENTITY and old in error["what"] and server.fingerprints()[0] in error["what"]
    assert f'ssh-keygen -f "{known}"' in error["next"].replace("\\", "/").replace("Z:", ""), error  # as cmd.exe takes it
    done = windows.run("trust", "lab", "--yes", "--config", windows_path(far.config))
    assert done.returncode == IDENTITY and "CHANGED" in done.stderr
    # Anybody can make a folder in this one: a key that somebody else has put there is not believed.
    planted = windows.prefix / "drive_c" / "ProgramData" / "ssh" / "ssh_known_hosts"
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text("".join(server.known_hosts_lines()))
    planted.chmod(0o666)
    far.write(lab=far.profile(server, known_hosts="C:/ProgramData/ssh/ssh_known_hosts", endpoint=f"127.0.0.1:{free_port()}"))
    code, error = refusal(windows, far.config)
    planted.unlink()
    assert code == CONFIG and error["leg"] == "host-key" and "may write this file" in error["what"], error


def test_what_cannot_log_in_says_why(far, windows, tmp_path):
    """`check` of several profiles at once: keys that others can read, that are not there, ways in that do not exist."""
    server = far.server()
    bare = make_key(tmp_path / "bare")
    bare.chmod(0o644)
    putty = tmp_path / "key.ppk"
    putty.write_text("PuTTY-User-Key-File-3: ssh-ed25519\n")
    putty.chmod(0o600)
    keys = {"endpoint": "127.0.0.1:9090", "launch": "never"}
    far.write(
        good=far.profile(server, **keys),
        bare=far.profile(server, key=windows_path(bare), **keys),
        putty=far.profile(server, key=windows_path(putty), **keys),
        gone=far.profile(server, key=windows_path(tmp_path / "nothing"), **keys),
    )
    done = windows.run("check", "--json", "--config", windows_path(far.config))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    hosts = {each["profile"]: each["text"] for each in found if each.get("name") == "host"}
    assert hosts["good"] == f"127.0.0.1, port {server.port}, user {server.user}"
    bad = dict(each["text"].split(": ", 1) for each in found if each["event"] == "problem")
    assert list(bad) == ["profile 'bare'", "profile 'putty'", "profile 'gone'"], done.stdout
    assert "Everyone" in bad["profile 'bare'"] and "icacls" in bad["profile 'bare'"]
    assert "puttygen" in bad["profile 'putty'"] and "nothing" in bad["profile 'gone'"]
    # What nobody can answer with --batch, and what is never done.
    far.write(lab=far.profile(server, auth="password", **keys))
    done = windows.run("check", "lab", "--config", windows_path(far.config))
    assert done.returncode == CONFIG and "password" in done.stdout + done.stderr
    # A key that the server does not know.
    far.write(lab=far.profile(server, key=windows_path(make_key(tmp_path / "other")), **keys))
    code, error = refusal(windows, far.config)
    assert code == 5 and error["leg"] == "auth" and "other" in error["detail"] + error["what"]
    assert f"type KEY.pub | ssh -p {server.port} " in error["next"], error  # there is no ssh-copy-id


# --- much ------------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_much_both_ways(far, windows):
    server, solver = far.server(), far.solver().start()
    far.write(lab=far.profile(server, endpoint=f"127.0.0.1:{solver.port}", launch="never"))
    with windows.gateway(far.config, "lab") as gateway:
        gateway.wait_event("serving")
        assert both_ways(far.listen, GIB)

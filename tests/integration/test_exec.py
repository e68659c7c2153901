# SPDX-License-Identifier: MIT
"""`penstock exec`: one command where the solver lives, over every carrier."""

import hashlib
import os
import signal
import socket
import subprocess
import threading

import pytest

from support import procs
from support.control import Control, socket_path
from support.ports import free_port
from support.wait import eventually

OURS, BROKEN_PIPE, USAGE = 125, 141, 2
MIB = 1 << 20
FORWARD = {"launch": "never", "probe": "tcmd", "retry_min": "60s", "retry_max": "60s"}


class Exec:
    """Commands through the gateway that runs."""

    def __init__(self, penstock):
        self.penstock = penstock

    def start(self, *command, gateway=(), **options):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            [str(self.penstock.binary), "exec", *gateway, "--", *command],
            env=self.penstock.environment(),
            cwd=self.penstock.home,
            **streams,
        )

    def run(self, *command, input=b"", **options):
        """Returns exit code, standard output, standard error."""
        process = self.start(*command, stdin=subprocess.PIPE, **options)
        out, err = process.communicate(input, timeout=60)
        return process.returncode, out, err


@pytest.fixture
def execute(penstock):
    return Exec(penstock)


def linked(running, timeout=30):
    """Waits until the gateway has a link; whether there is a solver does not matter."""
    running.wait_event("leg", timeout=timeout, leg="endpoint")
    return running


@pytest.fixture(params=["local", "ssh", "openssh", "docker", "docker-ssh"])
def there(request, gateway, sshd):
    """A gateway over each carrier, whose solver does not run: only the link is there."""
    if request.param == "local":
        return linked(gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}))
    if request.param in ("ssh", "openssh"):
        keys = {"transport": request.param, "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}
        return linked(gateway({**sshd().profile(), **keys}))
    place = request.getfixturevalue("place_of")(request.param, request.getfixturevalue("engine"))
    running = request.getfixturevalue("over")(place, request.getfixturevalue("box"), **FORWARD)
    return linked(running, 90)


@pytest.fixture
def here(gateway):
    """The same on this machine."""
    return linked(gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}))


# -- over every carrier -------------------------------------------------------------------------------------


def test_both_outputs_the_exit_code_and_much_input(there, execute):
    data = os.urandom(20 * MIB)
    code, out, err = execute.run("sh", "-c", "cat; echo err >&2; exit 3", input=data)
    assert (code, err) == (3, b"err\n"), there.story()
    assert hashlib.sha256(out).digest() == hashlib.sha256(data).digest()


def test_words_arrive_as_they_are(there, execute):
    words = ["a b", "q'uo\"te", "new\nline\n", "$HOME `id` $(id) \\ ; & | * ?", "", "-n", "--", "ä€"]
    code, out, err = execute.run("printf", "<%s>", *words)
    assert (code, out.decode(), err) == (0, "".join(f"<{word}>" for word in words), b""), there.story()


def test_command_ends_with_its_client(there, execute):
    """Although it neither reads nor writes, and ignores what a terminal sends when it is closed."""
    mark = f"{os.getpid()}.{free_port()}"
    script = f"trap '' HUP PIPE; echo here; sleep 7{mark}; sleep 8{mark}"

    def sleepers():
        lines = {pid: procs_words(pid) for pid in os.listdir("/proc") if pid.isdigit()}
        return [pid for pid, words in lines.items() if any(mark in word for word in words) and words[0] == "sleep"]

    client = execute.start("sh", "-c", script)
    assert client.stdout.readline() == b"here\n", there.story()
    eventually(lambda: len(sleepers()) == 1, what="the command does not run")
    client.kill()
    client.communicate()
    eventually(lambda: not sleepers(), 20, what=lambda: f"the command goes on\n{there.story()}")


def procs_words(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            return line.read().decode(errors="replace").split("\0")[:-1] or [""]
    except OSError:
        return [""]


def test_end_of_input_is_not_the_end_of_output(there, execute):
    code, out, err = execute.run("sh", "-c", "wc -c; echo after", input=b"x" * 1000)
    assert (code, out.split(), err) == (0, [b"1000", b"after"], b""), there.story()


def test_input_that_nobody_reads(there, execute):
    """The command ends with most of its input unread: what it said, and how it ended, arrives all the same."""
    code, out, err = execute.run("sh", "-c", "head -c 3; exit 7", input=b"abc" * MIB)
    assert (code, out, err) == (7, b"abc", b""), there.story()


def test_no_such_program(there, execute):
    code, out, err = execute.run("no-such-program")
    assert (code, out) == (127, b"") and b"no-such-program" in err


# -- how it ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command,code",
    [(["true"], 0), (["sh", "-c", "exit 125"], 125), (["sh", "-c", "kill -9 $$"], 137), (["/etc/passwd"], 126)],
)
def test_exit_codes(here, execute, command, code):
    assert execute.run(*command)[0] == code


def test_much_on_standard_error(here, execute):
    """Its end is kept, and the newlines at its end."""
    code, out, err = execute.run("sh", "-c", "seq 100000 >&2; printf 'last\\n\\n' >&2; echo out")
    assert (code, out) == (0, b"out\n")
    assert 60_000 < len(err) <= 65_540 and err.endswith(b"\n100000\nlast\n\n")


def test_both_outputs_in_one_place_keep_their_order(here, execute):
    with_both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    code, out, _ = execute.run("sh", "-c", "echo 1; echo 2 >&2; echo 3", **with_both)
    assert (code, out) == (0, b"1\n2\n3\n")


def test_output_that_comes_while_it_runs(here, execute):
    """Nothing is held back but what may be the beginning of the end."""
    client = execute.start("sh", "-c", "echo penstock-end-; read -r line; echo $line", stdin=subprocess.PIPE)
    assert client.stdout.readline() == b"penstock-end-\n"
    out, _ = client.communicate(b"go\n", timeout=30)
    assert (client.returncode, out) == (0, b"go\n")


def test_reader_that_goes_away(here, execute):
    client = execute.start("sh", "-c", "yes")
    assert client.stdout.read(4) == b"y\ny\n"
    client.stdout.close()
    assert client.wait(30) == BROKEN_PIPE
    client.stderr.close()


def test_interrupt_ends_the_command(here, execute, tmp):
    """One that cleans up when it is told to end can do so."""
    script = f"trap 'echo done >{tmp}/ended; exit' TERM; echo here; while :; do sleep 0.05; done"
    client = execute.start("sh", "-c", script)
    assert client.stdout.readline() == b"here\n"
    client.send_signal(signal.SIGINT)
    client.communicate()
    eventually(lambda: (tmp / "ended").exists(), what="the command was not told to end")


def test_gateway_that_is_killed(gateway, execute):
    running = linked(gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}))
    client = execute.start("sh", "-c", "echo here; cat", stdin=subprocess.PIPE)
    assert client.stdout.readline() == b"here\n"
    running.kill()
    assert client.wait(30) == OURS
    err = client.stderr.read()
    assert b"broke before it had ended" in err and b"penstock status" in err
    for stream in (client.stdin, client.stdout, client.stderr):
        stream.close()


@pytest.mark.parametrize("transport", ["local", "ssh", "openssh"])
def test_command_ends_with_a_gateway_that_is_killed(transport, gateway, sshd, execute):
    """Nobody is there any more who could end it, and it neither reads nor writes."""
    keys = {"transport": transport, "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}
    running = linked(gateway(keys if transport == "local" else {**sshd().profile(), **keys}))
    client = execute.start("sh", "-c", "echo $$; exec sleep 7777")
    pid = int(client.stdout.readline())
    running.kill()
    assert client.wait(30) == OURS
    eventually(lambda: not procs.alive(pid), 30, what="the command goes on")
    client.communicate()


def test_link_that_is_lost_ends_the_command_once_it_is_back(gateway, sshd, execute):
    """Nothing tells a command without input and output that its link is gone: the next link ends it."""
    keys = {"endpoint": f"127.0.0.1:{free_port()}", **FORWARD, "transport": "ssh"}
    running = linked(gateway({**sshd().profile(), **keys}))
    client = execute.start("sh", "-c", "echo $$; exec sleep 7777")
    pid = int(client.stdout.readline())
    assert execute.penstock.run("reconnect").returncode == 0
    assert client.wait(30) == OURS
    eventually(lambda: not procs.alive(pid), 20, what=lambda: f"it goes on\n{running.story()}")
    client.communicate()


# -- when there is none, and which ----------------------------------------------------------------------------


def test_no_gateway(penstock, execute):
    code, out, err = execute.run("true")
    assert (code, out) == (OURS, b"")
    assert b"no gateway of yours runs" in err and b"penstock up -d PROFILE" in err
    code, _, err = execute.run("true", gateway=["lab"])
    assert code == OURS and b"penstock up -d lab" in err
    for command in ("gpus", "logs"):
        done = penstock.run(command, *(["--solver"] if command == "logs" else []))
        assert done.returncode == 4 and "penstock up -d PROFILE" in done.stderr


def test_output_that_cannot_be_written(gateway, execute):
    """A full disk is no reader that has gone: it is said, and the exit code is not that of a broken pipe."""
    linked(gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}))
    with open("/dev/full", "wb") as full:
        process = execute.start("echo", "x", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == OURS
    assert err == b"penstock: cannot write to standard output: No space left on device\n"


def test_no_link(gateway, execute, penstock):
    """Something answers that is no SSH server for long: told at once, and not held."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        running = gateway({"transport": "ssh", "host": "127.0.0.1", "port": port, "user": "x", "launch": "never"})
        running.wait_state("connecting")
        code, _, err = execute.run("true")
        assert code == OURS and b"no connection to the solver's machine now (connecting)" in err
        done = penstock.run("gpus")
        assert done.returncode == 4 and "no connection to the solver's machine now" in done.stderr


def test_which_gateway(gateway, execute, penstock):
    first = linked(gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}))
    second = linked(gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}, name="other"))
    code, _, err = execute.run("true")
    assert code == OURS and b"Not run: which gateway?" in err and f"name one of them, as 'lab@{first.port}'".encode() in err
    for command in (["gpus"], ["logs", "--solver"], ["logs"], ["stop"], ["reconnect"]):
        done = penstock.run(*command)
        assert done.returncode == USAGE and "which gateway?" in done.stderr, command
    done = penstock.run("use", "lab")
    assert done.returncode == USAGE and f"penstock use lab --gateway lab@{first.port}" in done.stderr
    assert execute.run("echo", "x", gateway=["other"]) == (0, b"x\n", b"")
    assert execute.run("echo", "y", gateway=[f"lab@{first.port}"]) == (0, b"y\n", b"")
    assert second.process.poll() is None


@pytest.mark.parametrize("line", [[], ["lab"], ["--"], ["lab", "--"], ["--nope", "--", "true"], ["a", "b", "--", "c"]])
def test_lines_that_are_wrong(penstock, line):
    done = penstock.run("exec", *line)
    assert done.returncode == OURS and "penstock exec" in done.stderr and done.stdout == ""


def test_program_that_looks_like_an_option(here, execute):
    code, _, err = execute.run("-c", "true")
    assert code == OURS and b"'-c' is no name of a program" in err


def test_commands_are_no_sign_of_the_solver(gateway, solver, execute):
    """While it serves: a command that ends without a word raises no doubt, and many leave nothing behind."""
    behind = solver()
    running = gateway({"transport": "local", "endpoint": f"127.0.0.1:{behind.port}", "launch": "never", "probe": "tcmd"})
    running.wait_serving()
    before = running.fds()
    for _ in range(5):
        assert execute.run("sh", "-c", "cat >/dev/null; exit 1", input=b"x")[0] == 1
    assert "is the solver still there" not in running.log
    assert len(running.find_events("serving")) == 1
    eventually(lambda: running.fds() <= before, what=lambda: f"{running.fds()} descriptors, {before} before")


# -- the control socket ---------------------------------------------------------------------------------------


@pytest.fixture
def control(penstock):
    made = []

    def connect(running):
        made.append(Control(socket_path(penstock, running)))
        return made[-1]

    yield connect
    for each in made:
        each.close()


def test_connection_becomes_the_stream(here, control):
    client = control(here)
    mark = client.result("exec", command=["sh", "-c", "echo out; echo err >&2; cat; exit 4"])["mark"].encode()
    client.send(b"some\0bytes")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.lines.read() == b"out\nsome\0bytes" + mark + b" 4 4\nerr\n"


def test_half_close_may_come_with_the_request(here, control):
    client = control(here)
    client.send({"id": 1, "request": "exec", "command": ["cat"], "merge": 1})
    client.socket.shutdown(socket.SHUT_WR)
    mark = client.read()["result"]["mark"].encode()
    assert client.lines.read() == mark + b" 0 0\n"


@pytest.mark.parametrize(
    "fields,code",
    [
        ({}, "bad-value"),
        ({"command": []}, "bad-value"),
        ({"command": "true"}, "bad-value"),
        ({"command": ["true", 1]}, "bad-value"),
        ({"command": ["true", None]}, "bad-value"),
        ({"command": ["x" * 40000]}, "bad-value"),
        ({"command": ["x"] * 5000}, "bad-value"),
        ({"command": ["true"], "merge": 2}, "bad-value"),
        ({"command": ["true"], "shell": 1}, "unknown-field"),
        ({"command": ["-x"]}, "not-run"),
        ({"command": ["", "x"]}, "not-run"),
    ],
)
def test_requests_that_are_wrong_leave_the_connection_as_it_was(here, control, fields, code):
    client = control(here)
    error = client.ask("exec", **fields)["error"]
    assert error["code"] == code and error["what"] and error["next"]
    assert client.result("status")["profile"] == "lab"


@pytest.mark.parametrize("field", [{"lines": -1}, {"lines": 1000001}, {"lines": "all"}, {"follow": 2}])
def test_log_requests_that_are_wrong(here, control, field):
    assert control(here).ask("solver_log", **field)["error"]["code"] == "bad-value"


def test_connection_with_something_else_on_it(here, control):
    subscribed = control(here)
    subscribed.result("subscribe")
    assert subscribed.ask("exec", command=["true"])["error"]["code"] == "not-alone"
    pipelined = control(here)
    pipelined.send(b'{"id": 1, "request": "exec", "command": ["true"]}\n{"id": 2, "request": "help"}\n')
    assert pipelined.read()["error"]["code"] == "not-alone"
    assert pipelined.read()["result"]["requests"]


def test_more_commands_than_the_socket_has_clients(here, control):
    """A connection that has become a stream is no client of the socket any more."""
    clients = [control(here) for _ in range(4)]
    for _ in range(6):
        for client in clients:
            client.result("exec", command=["cat"])
        clients = [control(here) for _ in range(4)]
    assert clients[0].result("status")["streams"] == 24


def test_client_that_goes_while_it_is_begun(here, penstock):
    """Whichever is first, nothing is left."""
    for _ in range(10):
        with Control(socket_path(penstock, here)) as client:
            client.send({"request": "exec", "command": ["sleep", "4711"]})
    with Control(socket_path(penstock, here)) as client:
        eventually(lambda: client.result("status")["streams"] == 0, what=here.story)


def test_two_directions_at_once(here, execute):
    """Input that is not read until output is: neither waits for the other for ever."""
    process = execute.start("sh", "-c", "head -c 8388608 /dev/zero; wc -c", stdin=subprocess.PIPE)
    data = b"x" * (8 * MIB)
    writer = threading.Thread(target=lambda: (process.stdin.write(data), process.stdin.close()))
    writer.start()
    out = process.stdout.read()
    writer.join(30)
    assert process.wait(30) == 0
    assert out == b"\0" * (8 * MIB) + b"%d\n" % len(data)
    process.stdout.close()
    process.stderr.close()


def test_gateway_that_ends_lets_a_command_finish(gateway, execute):
    running = linked(gateway({"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}))
    client = execute.start("sh", "-c", "echo here; read -r line; echo $line", stdin=subprocess.PIPE)
    assert client.stdout.readline() == b"here\n"
    running.send_signal(signal.SIGINT)
    running.wait_state("stopping")
    out, _ = client.communicate(b"bye\n", timeout=30)
    assert (client.returncode, out) == (0, b"bye\n")
    assert running.wait() == 0


@pytest.mark.parametrize("script", ["exec sleep 7777", "trap '' TERM; while :; do sleep 7777; done"])
@pytest.mark.parametrize("transport", ["local", "ssh", "openssh"])
def test_gateway_that_ends_leaves_no_command(gateway, sshd, execute, transport, script):
    """One without input and output, which would never notice; its client is told how it ended."""
    keys = {"transport": transport, "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}
    running = linked(gateway({**({} if transport == "local" else sshd().profile()), **keys}))
    client = execute.start("sh", "-c", f"echo $$; {script}")
    pid = int(client.stdout.readline())
    assert execute.penstock.run("down", "--drain", "0s").returncode == 0
    assert not procs.alive(pid), running.story()
    assert client.wait(30) == (128 + signal.SIGTERM if "exec" in script else 128 + signal.SIGKILL), running.story()
    client.communicate()


def test_use_leaves_commands_alone(gateway, solver, execute, penstock):
    behind = solver()
    keys = {"transport": "local", "endpoint": f"127.0.0.1:{behind.port}", "launch": "never", "probe": "tcmd"}
    running = gateway(keys, sections={"other": keys})
    running.wait_serving()
    client = execute.start("cat", stdin=subprocess.PIPE)
    client.stdin.write(b"before\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"before\n"
    assert penstock.run("use", "other").returncode == 0
    out, _ = client.communicate(b"after\n", timeout=30)
    assert (client.returncode, out) == (0, b"after\n")

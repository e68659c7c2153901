# SPDX-License-Identifier: MIT
"""The command line: help, complaints, exit codes, machine-readable output, colour, probe."""

import contextlib
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import threading

import pytest

from support.gateway import write_ini
from support.plugin import build_plugin
from support.ports import free_port
from support.wait import eventually

OK, USAGE, CONFIG, UNREACHABLE, PORT = 0, 2, 3, 4, 7
COMMANDS = ["up", "status", "use", "reconnect", "down", "check", "profiles", "plugin", "probe", "trust", "ssh-command", "version", "help"]
ESC = "\x1b"


@pytest.fixture
def ini(tmp):
    """ini({"lab": {…}}) writes a configuration and returns its path."""

    def write(sections, name="penstock.ini"):
        return write_ini(tmp / name, sections)

    return write


@pytest.fixture
def listener():
    """listener(handle) serves a free port: each connection is given to `handle`, then closed."""
    with contextlib.ExitStack() as stack:

        def start(handle):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            # Closing alone would leave the thread in accept().
            stack.callback(lambda: server.shutdown(socket.SHUT_RDWR))

            def serve():
                while True:
                    try:
                        client, _ = server.accept()
                    except OSError:
                        return
                    with client, contextlib.suppress(OSError):
                        handle(client)

            threading.Thread(target=serve, daemon=True).start()
            return server.getsockname()[1]

        yield start


def read_to_end(client):
    """What a client sends until it half-closes."""
    data = b""
    while chunk := client.recv(4096):
        data += chunk
    return data


# -- output that cannot be written ----------------------------------------------------------------------------

PRINTING = [
    ["--help"],
    ["help", "status"],
    ["version"],
    ["version", "--json"],
    ["status"],
    ["status", "--json"],
    ["status", "--watch", "--json"],
    ["reconnect"],
    ["reload"],
    ["use", "lab"],
    ["logs"],
    ["profiles"],
    ["profiles", "--json"],
    ["plugin", "list"],
    ["plugin", "show", "local"],
    ["check"],
    ["check", "--json"],
    ["probe", "PORT"],
    ["completion", "bash"],
    ["completion", "words", "--", "st"],
    ["ssh-command", "explain", "ssh lab"],
    ["down"],
]


def test_output_that_cannot_be_written_is_no_success(penstock, gateway, solver):
    """Each command that prints says so, and not only with its words."""
    running = solver()
    started = gateway({"transport": "local", "endpoint": f"127.0.0.1:{running.port}", "launch": "never"})
    started.wait_serving()
    for words in PRINTING:
        line = [penstock.binary, "--config", started.config, *(str(started.port) if word == "PORT" else word for word in words)]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                line, stdout=full, stderr=subprocess.PIPE, env=penstock.environment(), timeout=30, text=True, check=False
            )
        assert done.returncode == 1, (words, done.returncode, done.stderr)
        assert "penstock: cannot write to standard output: No space left on device\n" in done.stderr, words


def test_a_reader_that_has_gone_has_what_it_wanted(penstock):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [penstock.binary, "--help"], stdout=writer, stderr=subprocess.PIPE, env=penstock.environment(), timeout=30, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (OK, b"")


# -- help and complaints ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(penstock, command):
    done = penstock.run(command, "--help")
    assert (done.returncode, done.stderr) == (OK, "")
    assert done.stdout.startswith(f"Usage: penstock {command}")
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert penstock.run("help", command).stdout == done.stdout


def test_help_of_commands_that_share_a_word(penstock):
    done = penstock.run("plugin", "--help")
    assert done.stdout.startswith("Usage: penstock plugin list [OPTION]...\n       penstock plugin show [OPTION]... TRANSPORT|FILE\n")
    shown = penstock.run("help", "plugin", "show")
    assert shown.stdout.startswith("Usage: penstock plugin show ")
    assert shown.stdout == penstock.run("plugin", "show", "--help").stdout


def test_help_lists_commands_and_exit_codes(penstock):
    for line in (["--help"], ["-h"], ["help"]):
        done = penstock.run(*line)
        assert (done.returncode, done.stderr) == (OK, "")
        for command in COMMANDS:
            assert f"\n  {command} " in done.stdout
        for code in range(9):
            assert f"\n  {code}  " in done.stdout


@pytest.mark.parametrize(
    "line, complaint",
    [
        ([], "a command is missing"),
        (["chekc"], "unknown command 'chekc'; did you mean 'check'?"),
        (["launch-all"], "unknown command 'launch-all'\n"),
        (["plugin"], "penstock plugin: a command is missing: list, show\n"),
        (["plugin", "lits"], "penstock plugin: unknown command 'lits'; did you mean 'list'?"),
        (["ssh-command", "run"], "penstock ssh-command: unknown command 'run'; it is one of explain\n"),
        (["help", "prob"], "unknown command 'prob'; did you mean 'probe'?"),
        (["--confg", "x", "up"], "unknown option '--confg'; did you mean '--config'?"),
        (["--config"], "option '--config' needs a value"),
        (["--config=", "check"], "option '--config' needs a value"),
        (["--log-level", "loud", "version"], "unknown log level 'loud'; it is one of error, warn, info, debug, trace\n"),
        (["check", "--no-launch"], "--connect"),
        (["up", "--jsn"], "unknown option '--jsn'; did you mean '--json'?"),
        (["up", "--listen"], "option '--listen' needs a value"),
        (["up", "--json=yes"], "option '--json' takes no value"),
        (["probe", "a", "b"], "'b' is one argument too many"),
        (["check", "-x"], "unknown option '-x'"),
        (["trust"], "PROFILE is missing"),
        (["version", "now"], "'now' is one argument too many"),
        (["--log-level", "debg", "version"], "unknown log level 'debg'; did you mean 'debug'?"),
        (["version", "--log-format=jsn"], "unknown log format 'jsn'; did you mean 'json'?"),
        (["version", "--color", "alway"], "did you mean 'always'?"),
        (["probe", "nowhere"], "penstock probe: 'nowhere' is no address"),
        (["probe", "127.0.0.1:70000"], "127.0.0.1:70000"),
        (["probe", "--timeout", "soon"], "--timeout 'soon' is no duration"),
        (["probe", "--wait", "0"], "--wait '0' is no duration"),
        (["\x1b[2Jup"], "\\x1b[2Jup"),
    ],
)
def test_a_wrong_line_says_what_was_meant(penstock, line, complaint):
    done = penstock.run(*line)
    assert done.returncode == USAGE
    assert done.stdout == ""
    assert complaint in done.stderr
    assert "--help" in done.stderr
    assert ESC not in done.stderr


def test_common_options_stand_on_either_side(penstock, ini):
    config = ini({"lab": {"transport": "nothing-such"}})
    lines = [
        ["--config", config, "profiles"],
        ["profiles", "--config", config],
        [f"--config={config}", "profiles", "--batch"],
        ["--log-level=warn", "profiles", "--config", config, "--color", "never"],
    ]
    for line in lines:
        done = penstock.run(*line)
        assert done.returncode == OK, done.stderr
        assert "lab" in done.stdout
    # After "--" nothing is an option any more.
    done = penstock.run("--config", config, "up", "--", "--batch")
    assert done.returncode == CONFIG and "no profile '--batch'" in done.stderr


# -- configurations -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["up"], ["check"], ["profiles"], ["trust", "lab"]])
def test_without_a_configuration(penstock, tmp, command):
    done = penstock.run(*command, env={"XDG_CONFIG_HOME": tmp, "PENSTOCK_CONFIG": tmp / "missing.ini"})
    assert done.returncode == CONFIG
    assert "missing.ini" in done.stdout + done.stderr


def test_the_profile_is_chosen(penstock, ini):
    many = ini({"lab": {"transport": "a"}, "farm": {"transport": "b"}})
    done = penstock.run("up", "--config", many)
    assert done.returncode == USAGE and "say which profile: 'lab', 'farm'" in done.stderr
    done = penstock.run("up", "lba", "--config", many)
    assert done.returncode == CONFIG and "did you mean 'lab'?" in done.stderr
    only = ini({"lab": {"transport": "a"}}, "only.ini")
    done = penstock.run("up", "--config", only)
    assert done.returncode == CONFIG and "'lab'" in done.stderr
    default = ini({"gateway": {"profile": "farm"}, "lab": {"transport": "a"}, "farm": {"transport": "b"}}, "default.ini")
    done = penstock.run("up", "--config", default)
    assert done.returncode == CONFIG and "'farm'" in done.stderr


def test_check_tells_every_problem_with_its_place(penstock, ini, tmp):
    null = build_plugin(penstock, "plugins/examples/null/null.c", tmp / "plugins")
    config = ini(
        {
            "gateway": {"lissten": "127.0.0.1:1"},
            "a": {"transport": "lcal"},
            "b": {**null, "hold": "forever", "lunch": "never"},
            "c": {"description": "no transport"},
        }
    )
    done = penstock.run("check", "--config", config)
    assert done.returncode == CONFIG
    lines = done.stdout.splitlines()
    found = {int(line.split(":")[1]): line for line in lines if line.startswith(f"{config}:") and ": error: " in line}
    assert "did you mean `listen`?" in found[2]
    assert "lcal" in found[5]
    assert "forever" in found[10]
    assert "did you mean `launch`?" in found[11]
    assert "transport" in found[13]
    assert lines[-1] == f"{config}: 3 profiles, 5 errors, 0 warnings"
    # One profile is checked without the faults of the others.
    done = penstock.run("check", "a", "--config", config)
    assert "forever" not in done.stdout and "lcal" in done.stdout


def test_json_parses(penstock, ini):
    config = ini({"lab": {"transport": "lcal"}, "farm": {"transport": "local", "description": "an \x1b[2J escape"}})

    def lines(*line):
        done = penstock.run(*line, "--json", "--config", config)
        assert ESC not in done.stdout
        return done.returncode, [json.loads(text) for text in done.stdout.splitlines()]

    code, [version] = lines("version")
    assert code == OK and version["penstock"] and version["abi"]["major"] == 1 and version["libraries"]["libuv"]
    code, [profiles] = lines("profiles")
    assert code == OK
    assert [entry["name"] for entry in profiles["profiles"]] == ["lab", "farm"]
    assert profiles["profiles"][0]["errors"] == 1
    assert profiles["profiles"][1]["listen"] == "127.0.0.1:9090"
    code, events = lines("check")
    assert code == CONFIG
    assert [event["event"] for event in events][-1] == "summary" and events[-1]["exit_code"] == CONFIG
    assert events[0]["event"] == "problem" and events[0]["line"] == 2 and events[0]["severity"] == "error"
    code, events = lines("up", "lab")
    assert code == CONFIG and events[-1] == {"event": "stopped", "error": None, "exit_code": CONFIG}
    code, [probe] = lines("probe", f"127.0.0.1:{free_port()}")
    assert code == UNREACHABLE and probe["solver"] is False and probe["result"] == "nobody"
    assert set(probe["error"]) == {"leg", "class", "what", "next", "detail"}


# -- colour -------------------------------------------------------------------------------------------------


def run_on_terminal(penstock, *line, env=None, until=None):
    """Runs it with a terminal as output and error, interrupts it at the text `until`; returns what came."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(penstock.binary), *map(str, line)],
        env=penstock.environment({"TERM": "xterm", **(env or {})}),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    text = b""
    with contextlib.suppress(OSError):  # EIO: the other side was closed
        while chunk := os.read(ours, 4096):
            text += chunk
            if until and until in text:
                process.send_signal(signal.SIGINT)
                until = None
    os.close(ours)
    process.wait(20)
    return text.decode()


def test_a_failure_is_told_once_on_a_terminal(penstock, ini):
    there = {"transport": "local", "launch": "never", "endpoint": free_port(), "listen": free_port()}
    text = run_on_terminal(penstock, "up", "--config", ini({"x": there}), until=b"Next try")
    assert text.count("Down:") == 1
    assert text.count(f"Nobody listens at 127.0.0.1:{there['endpoint']}") == 1


def test_colour(penstock, ini):
    config = ini({"lab": {"transport": "lcal"}})
    line = ["check", "--config", config]
    assert ESC not in penstock.run(*line).stdout
    assert ESC in penstock.run(*line, "--color", "always").stdout
    assert ESC in run_on_terminal(penstock, *line)
    assert ESC not in run_on_terminal(penstock, *line, env={"NO_COLOR": "1"})
    assert ESC in run_on_terminal(penstock, *line, env={"NO_COLOR": ""})
    assert ESC not in run_on_terminal(penstock, *line, env={"TERM": "dumb"})
    assert ESC not in run_on_terminal(penstock, *line, "--color=never")


# -- probe --------------------------------------------------------------------------------------------------


def test_probe_of_a_solver(penstock, solver):
    solver = solver()
    done = penstock.run("probe", f"127.0.0.1:{solver.port}")
    assert done.returncode == OK and "protocol_version 0.18" in done.stdout and done.stderr == ""
    done = penstock.run("probe", solver.port, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == OK
    assert answer["solver"] is True and answer["protocol_version"] == "0.18" and answer["form"] == "length-prefixed"
    assert 0 < answer["ms"] < 1500 and answer["error"] is None


def test_probe_of_an_old_solver(penstock, listener):
    """It knows no length, waits for the half-close, and answers only to what it understands."""

    def old(client):
        ok = read_to_end(client) == b"TCMD--name __probe__"
        client.sendall(b'{"protocol_version": "0.11"}' if ok else b'{"error": "bad request"}')

    done = penstock.run("probe", listener(old), "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == OK
    assert answer["protocol_version"] == "0.11" and answer["form"] == "half-close"


def reset(client):
    client.recv(4)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def banner(text):
    """Says `text` and then waits for ever."""

    def handle(client):
        client.sendall(text)
        read_to_end(client)
        client.recv(1)

    return handle


@pytest.mark.parametrize(
    "handle, result, code, words",
    [
        (banner(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "foreign", PORT, r'"SSH-2.0-OpenSSH_9.2p1\r\n"'),
        (banner(b"HTTP/1.1 400 Bad\x1b[2J\r\n"), "foreign", PORT, r'"HTTP/1.1 400 Bad\x1b[2J\r\n"'),
        (lambda client: client.sendall(b'{"error": "no"}'), "foreign", PORT, "is no solver"),
        (lambda client: client.sendall(b'{"protocol_version": 3}'), "foreign", PORT, "is no solver"),
        (lambda client: read_to_end(client), "foreign", PORT, "closes the connection without an answer"),
        (lambda client: client.sendall(b"\0\xff\x9b" * 40), "foreign", PORT, r"\x00\xff\x9b"),
        (reset, "reset", UNREACHABLE, "resets it"),
        (lambda client: (read_to_end(client), threading.Event().wait(2)), "timeout", UNREACHABLE, "within 0.3 s"),
    ],
    ids=["ssh", "http", "error", "number", "closes", "binary", "resets", "silent"],
)
def test_probe_of_something_else(penstock, listener, handle, result, code, words):
    port = listener(handle)
    done = penstock.run("probe", port, "--timeout", "300ms")
    assert done.returncode == code
    assert done.stdout == "" and words in done.stderr and "Next:" in done.stderr
    assert ESC not in done.stderr
    assert json.loads(penstock.run("probe", port, "--timeout", "300ms", "--json").stdout)["result"] == result


def test_probe_of_nothing(penstock):
    port = free_port()
    done = penstock.run("probe", port)
    assert done.returncode == UNREACHABLE and f"nothing listens on 127.0.0.1:{port}" in done.stderr
    done = penstock.run("probe", "no-such-host.invalid:1")
    assert done.returncode == UNREACHABLE and "no-such-host.invalid" in done.stderr


def test_probe_waits(penstock, solver):
    port = free_port()
    process = subprocess.Popen(
        [str(penstock.binary), "probe", str(port), "--wait", "20s"],
        env=penstock.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    solver(port=port)
    text, _ = process.communicate(timeout=20)
    assert process.returncode == OK and "protocol_version" in text
    done = penstock.run("probe", free_port(), "--wait", "300ms")
    assert done.returncode == UNREACHABLE and "asked again and again for 300 ms" in done.stderr


def test_probe_that_has_waited_is_not_told_to_wait(penstock, listener):
    port = listener(lambda client: threading.Event().wait(1))
    done = penstock.run("probe", port, "--timeout", "100ms", "--wait", "300ms")
    assert done.returncode == UNREACHABLE and "--wait" not in done.stderr and "Next:" in done.stderr


# -- standard output ----------------------------------------------------------------------------------------


def test_standard_output_may_be_closed(penstock):
    """Nothing that is opened later gets its number, and the exit code is what it is."""
    program = str(penstock.binary)
    done = subprocess.run(
        ["sh", "-c", f'"{program}" probe {free_port()} --json >&- 2>&-; echo $?'],
        env=penstock.environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{UNREACHABLE}\n"

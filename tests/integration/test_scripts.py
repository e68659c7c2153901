# SPDX-License-Identifier: MIT
"""The scripts of the process runtime by themselves, in each shell that a far side may have as /bin/sh, and on
machines that lack this tool or that. What the gateway makes of them is in test_local.py."""

import os
import secrets
import shlex
import shutil
import signal
import subprocess

import pytest

from support import procs
from support.build import CHECKOUT
from support.ports import free_port, is_listening
from support.wait import eventually

FOLDER = CHECKOUT / "transports/common/sh"
ALL_SHELLS = {"dash": ["/bin/dash"], "bash": ["/bin/bash"], "busybox": ["/bin/busybox", "sh"]}
SHELLS = [name for name, words in ALL_SHELLS.items() if os.path.exists(words[0])]

TOOLS = "sh cat tr grep sed tail head sort sleep rm mv date df id ls kill".split()


class Machine:
    """Runs the scripts as the gateway puts them together, on one solver's folder and port."""

    def __init__(self, build, root, shell="dash", path=None):
        self.words = ALL_SHELLS[shell]
        self.root = root
        self.port = free_port()
        self.environment = build.environment({"PATH": path} if path else None)

    def text(self, name, functions=None, **values):
        values = {"root": self.root, "program": "", "host": "127.0.0.1", "port": self.port, **values}
        lines = [f"ps_{key}={shlex.quote(str(value))}\n" for key, value in values.items()]
        for key, items in (functions or {}).items():
            lines.append(f'ps_{key}() {{ "$@" {" ".join(map(shlex.quote, items))}; }}\n')
        return "".join(lines) + (FOLDER / "lib.sh").read_text() + (FOLDER / f"{name}.sh").read_text()

    def run(self, name, **values):
        """Runs a script to its end; what it said as a dict, with lists for keys that came more than once."""
        text = f"script() (\n{self.text(name, **values)}\n)\nscript </dev/null\n"
        ended = subprocess.run(
            [*self.words, "-s"], input=text, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert ended.stderr == "" and ended.returncode == 0, ended
        said = {}
        for line in ended.stdout.splitlines():
            key, value = line.split("=", 1)
            said[key] = f"{said[key]}\n{value}" if key in said else value
        return said

    def launch(self, env=(), args=()):
        token = secrets.token_hex(16)
        functions = {"environment": [*env, f"PENSTOCK_TOKEN={token}"], "arguments": args}
        child = self.text("solver", functions, token=token, venv="", debug=0)
        return self.run("launch", token=token, child=self.watch(token, child))

    def watch(self, token, child):
        """The script that starts the solver and waits for its end, which goes without lib.sh."""
        values = {"child": child, "token": token, "port": self.port}
        lines = [f"ps_{key}={shlex.quote(str(value))}\n" for key, value in values.items()]
        return "".join(lines) + (FOLDER / "watch.sh").read_text()


@pytest.fixture
def machine(penstock, solver_root):
    return lambda shell="dash", path=None, name="a b'c$(touch x);": Machine(penstock, solver_root(name), shell, path)


@pytest.mark.parametrize("shell", SHELLS)
def test_whole_life(machine, shell):
    there = machine(shell)
    assert there.run("validate") == {"outcome": "ok", "root": str(there.root), "program": str(there.root.program)}
    assert there.run("identify") == {"outcome": "unknown"}
    assert there.run("stop", grace=5) == {"outcome": "none"}
    assert there.run("ready", wait=1)["outcome"] == "no_record"

    first = there.launch(env=["DEMO_CHILD=1", "DEMO_FAULT=slow-start:0.5"])
    assert first["outcome"] == "launched"
    again = there.launch()
    assert again["outcome"] == "running" and again["pid"] == first["pid"]
    ready = there.run("ready", wait=100)
    assert ready == {"outcome": "ready", "pid": first["pid"]}
    assert os.getsid(int(first["pid"])) == int(first["pid"])

    seen = there.run("identify")
    assert seen["outcome"] == "ours" and seen["holder_pid"] == first["pid"]
    assert seen["holder_name"] == "ppf-cts-server"

    assert len(there.root.pids()) == 2
    assert there.run("stop", grace=5) == {"outcome": "stopped", "pid": first["pid"]}
    assert there.root.pids() == [] and not is_listening(there.port)
    assert there.run("stop", grace=5) == {"outcome": "none"}


@pytest.mark.parametrize("shell", SHELLS)
def test_root_with_a_newline(machine, shell):
    there = machine(shell, name="first\nsecond\n")
    assert there.run("validate")["root"] == str(there.root)
    assert there.launch()["outcome"] == "launched"
    assert there.run("ready", wait=100)["outcome"] == "ready"
    assert there.run("stop", grace=5)["outcome"] == "stopped"


def watcher_of(pid):
    """The process that waits for the solver's end."""
    return int(procs.stat(pid)[1])


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, 137), (signal.SIGUSR1, 138), (signal.SIGINT, 0)]
)
def test_how_it_ended(machine, shell, number, status):
    there = machine(shell)
    assert there.run("end")["outcome"] == "unknown"
    pid = int(there.launch()["pid"])
    assert there.run("ready", wait=100)["outcome"] == "ready"
    watcher = watcher_of(pid)
    os.kill(pid, number)
    said = there.run("end")
    assert said["outcome"] == "ended" and said["pid"] == str(pid) and said["status"] == str(status)
    assert said.get("signal") == {137: "KILL", 138: "USR1"}.get(status)
    assert "Listening" in said["log"]
    assert not procs.alive(watcher)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_solver_whose_watcher_is_gone_runs_on(machine, shell):
    there = machine(shell)
    pid = int(there.launch()["pid"])
    assert there.run("ready", wait=100)["outcome"] == "ready"
    watcher = watcher_of(pid)
    assert os.getsid(watcher) == watcher != os.getsid(pid)
    procs.kill(watcher)
    eventually(lambda: not procs.alive(watcher))
    assert there.run("ready", wait=1)["outcome"] == "ready"
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not procs.alive(pid))
    assert there.run("end")["outcome"] == "unknown"


def test_the_end_of_another_one_is_not_taken_for_its(machine):
    there = machine()
    os.kill(int(there.launch()["pid"]), signal.SIGKILL)
    assert there.run("end")["status"] == "137"
    pid = int(there.launch()["pid"])
    watcher = watcher_of(pid)
    procs.kill(watcher)
    procs.kill(pid)
    assert there.run("end")["outcome"] == "unknown"
    assert there.run("stop", grace=5)["outcome"] == "none"
    assert not list(there.root.path.glob(".penstock-*.*"))


@pytest.mark.parametrize("shell", SHELLS)
def test_failures(machine, solver, shell):
    there = machine(shell)
    for fault, outcome in {"fail-start": "failed", "die-start": "dead", "port-taken": "port_taken"}.items():
        assert there.launch(env=[f"DEMO_FAULT={fault}"])["outcome"] == "launched"
        assert there.run("ready", wait=100)["outcome"] == outcome
        eventually(lambda: not there.root.pids(), what=f"{fault}: it still runs")
    there.port = solver().port
    taken = there.launch()
    assert taken["outcome"] == "port_taken" and taken["holder_name"] == "ppf-cts-server"
    assert there.run("identify")["outcome"] == "held"


@pytest.mark.parametrize("shell", SHELLS)
def test_launches_at_once_give_one_solver(machine, shell):
    there = machine(shell)
    results = []
    running = [
        subprocess.Popen(
            [*there.words, "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=there.environment, text=True
        )
        for _ in range(4)
    ]
    for each in running:
        token = secrets.token_hex(16)
        functions = {"environment": [f"PENSTOCK_TOKEN={token}"], "arguments": []}
        child = there.watch(token, there.text("solver", functions, token=token, venv="", debug=0))
        each.stdin.write(f"script() (\n{there.text('launch', token=token, child=child)}\n)\nscript </dev/null\n")
        each.stdin.close()
    for each in running:
        results.append(each.stdout.read())
        assert each.wait(30) == 0
        each.stdout.close()
    assert sum("outcome=launched" in text for text in results) == 1, results
    assert sum("outcome=running" in text for text in results) == 3, results
    assert len(there.root.pids()) == 1


def tools(folder, more=()):
    """A PATH with little on it."""
    folder.mkdir()
    for name in (*TOOLS, *more):
        found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if found:
            (folder / name).symlink_to(found)
    return folder


@pytest.mark.parametrize("way", ["setsid", "setsid without -f", "perl", "python3", "nothing"])
def test_detaching_with_what_there_is(machine, tmp, way):
    bin_folder = tools(tmp / "bin", more=[way])
    if way == "setsid without -f":
        text = '#!/bin/sh\n[ "$1" != -f ] || exit 1\nexec /usr/bin/setsid "$@"\n'
        (bin_folder / "setsid").write_text(text)
        (bin_folder / "setsid").chmod(0o755)
    there = machine(path=str(bin_folder))
    launched = there.launch(env=["DEMO_CHILD=1"])
    assert launched["outcome"] == "launched"
    pid = int(launched["pid"])
    assert there.run("ready", wait=100)["outcome"] == "ready"
    assert (os.getsid(pid) == pid) is (way != "nothing")
    bystander = subprocess.Popen(["sleep", "1000"])  # in our own group, as the solver is without a session
    try:
        assert there.run("stop", grace=5)["outcome"] == "stopped"
        assert there.root.pids() == [] and bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_locale_that_is_not_there(machine, tmp):
    """perl complains about it, where the pid is read."""
    there = machine(path=str(tools(tmp / "bin", more=["perl"])))
    there.environment.update({"LC_ALL": "xx_YY.UTF-8", "LANG": "none"})
    assert there.launch()["outcome"] == "launched"
    assert there.run("ready", wait=100)["outcome"] == "ready"


@pytest.mark.parametrize("way", ["flock", "perl", "python3"])
def test_busy_launch_is_waited_for_and_then_told(machine, tmp, way):
    there = machine(path=str(tools(tmp / "bin", more=[way, "setsid"])))
    lock = there.root.path / ".penstock.lock"
    holder = subprocess.Popen(["flock", str(lock), "sleep", "1000"], start_new_session=True)
    try:
        eventually(lambda: procs.children(holder.pid))
        assert there.launch()["outcome"] == "busy"
    finally:
        procs.end([holder.pid, *procs.children(holder.pid)])
        holder.wait()
    assert there.launch()["outcome"] == "launched"


def test_launch_clears_away_what_a_crash_left(machine):
    there = machine()
    pid = int(there.launch(env=["DEMO_CHILD=1"])["pid"])
    there.run("ready", wait=100)
    procs.kill(pid)
    eventually(lambda: not procs.alive(pid))
    assert is_listening(there.port)  # the child still holds it
    assert there.launch()["outcome"] == "launched"
    assert there.run("ready", wait=100)["outcome"] == "ready"
    assert len(there.root.pids()) == 1


def test_tools_of_busybox_end_a_whole_tree(machine, tmp):
    """Their grep finds nothing behind a NUL, as most of an environment is."""
    tools = tmp / "busybox"
    tools.mkdir()
    subprocess.run(["/bin/busybox", "--install", "-s", str(tools)], check=True)
    there = machine("busybox", path=str(tools))
    pid = int(there.launch(env=["DEMO_CHILD=1"])["pid"])
    there.run("ready", wait=100)
    procs.kill(pid)
    eventually(lambda: not procs.alive(pid))
    assert is_listening(there.port)  # the child still holds it
    assert there.run("stop", grace=1)["outcome"] == "stopped"
    assert there.root.pids() == [] and not is_listening(there.port)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_forged_record_stops_nobody(machine, shell):
    """A process that shows no environment is not proved by a record that names all else of it."""
    made = machine(shell)
    victim = subprocess.Popen([shutil.which("sleep"), "300"], env={}, start_new_session=True)
    try:
        with open(f"/proc/{victim.pid}/stat") as file:
            start = file.read().rsplit(") ", 1)[1].split()[19]
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        with open(os.path.join(str(made.root), f".penstock-{made.port}.solver"), "w") as file:
            file.write(
                f"pid={victim.pid}\nstart={start}\nboot={boot}\ntoken={secrets.token_hex(16)}\nlog=l\nprogress=p\n"
            )
        assert made.run("stop", grace=1)["outcome"] == "stuck"
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()

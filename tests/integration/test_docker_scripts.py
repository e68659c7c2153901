# SPDX-License-Identifier: MIT
"""The scripts for a container engine by themselves, against real engines and in each shell that the engine's machine
may have as /bin/sh. What the gateway makes of them is in the other tests of containers."""

import json
import os
import shlex
import subprocess

import pytest

from support.build import CHECKOUT
from support.container import ROOT
from support.tools import pretend
from support.wait import eventually

FOLDER = CHECKOUT / "transports/common/container/sh"
ALL_SHELLS = {"dash": ["/bin/dash"], "bash": ["/bin/bash"], "busybox": ["/bin/busybox", "sh"]}
SHELLS = [name for name, words in ALL_SHELLS.items() if os.path.exists(words[0])]
HOSTILE = ["--help", "'; touch here; ' $(touch here) `touch here` * ä \" \\ \ntouch here\n"]


class Machine:
    """Runs the scripts as the gateway puts them together."""

    def __init__(self, engine, home, shell="dash", folders=(), env=None):
        self.shell = ALL_SHELLS[shell]
        self.home = home
        self.environment = {"HOME": str(home), "LANG": "C.UTF-8", **engine.environment(*folders), **(env or {})}
        self.known = {}

    def text(self, name, words=None, **values):
        values = {
            "auto": 0 if words else 1,
            "word": "",
            "version": "",
            "podman": "",
            "at": "",
            "far": "",
            "port": 9090,
            "since": "",
            **self.known,
            **values,
        }
        lines = [f"ps_{key}={shlex.quote(str(value))}\n" for key, value in values.items()]
        if words:
            lines.append(f'ps_words() {{ "$@" {shlex.join(map(str, words))}; }}\n')
        lines.append('ps_tool() { "$@" docker-compose; }\n')
        return "".join(lines) + (FOLDER / "container_lib.sh").read_text() + (FOLDER / f"container_{name}.sh").read_text()

    def start(self, name, **values):
        """Runs a script to its end; returns the CompletedProcess."""
        text = f"script() (\n{self.text(name, **values)}\n)\nscript </dev/null\n"
        return subprocess.run(
            [*self.shell, "-s"],
            input=text.encode(),
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            timeout=60,
        )

    def run(self, name, **values):
        """What a script said as a dict; values of keys that came more than once have several lines."""
        ended = self.start(name, **values)
        assert ended.stderr == b"" and ended.returncode == 0, ended
        said = {}
        for line in ended.stdout.decode().splitlines():
            key, value = line.split("=", 1)
            said[key] = f"{said[key]}\n{value}" if key in said else value
        return said

    def look(self, container="", service="", project="", **values):
        return self.run("look", container=container, service=service, project=project, **values)

    def inside(self, id, body, user="", workdir="", **values):
        return self.start("inside", id=id, body=body, user=user, workdir=workdir, **values)


@pytest.fixture
def machine(engine, tmp):
    return lambda shell="dash", **how: Machine(engine, tmp, shell, **how)


def listen(container):
    """The solver begins to listen in it, on all addresses."""
    command = f"{ROOT}/target/release/ppf-cts-server --host 0.0.0.0"
    container.engine.do("exec", "--detach", "--workdir", ROOT, container.id, "/bin/sh", "-c", command)
    eventually(lambda: " 0A " in container.exec("cat", "/proc/net/tcp"), what="the solver does not listen")


@pytest.mark.parametrize("shell", SHELLS)
def test_look(machine, box, shell):
    there = machine(shell)
    seen = there.look(box.name)
    assert seen["outcome"] == "ok" and seen["engine"] == seen["word"] == "docker" and seen["remote"] == "0"
    assert seen["at"].startswith("unix:///") and seen["version"].split(".")[0].isdigit()
    assert json.loads(seen["container"])["Id"] == box.id
    assert seen["listeners"] == "known" and "tcp" not in seen
    listen(box)
    there.known = {key: seen[key] for key in ("word", "version", "podman", "at", "far")}
    again = there.look(box.id[:12])
    assert ":2382 00000000:0000 0A " in again.pop("tcp")
    assert {**again, "container": ""} == {**seen, "container": ""}


@pytest.mark.parametrize("shell", SHELLS)
def test_inside(machine, box, shell):
    there = machine(shell)
    body = "printf 'it'\\''s $1 \\134 `x`\\n'; echo \"$(id -u)\" >&2; pwd; cat; exit 3\n"
    ended = there.inside(box.id, body, user="1000", workdir="/tmp")
    assert ended.stdout.startswith(b"it's $1 \\ `x`\n/tmp\n")
    assert ended.returncode == 3 and ended.stderr == b"1000\n"
    assert b"failed=exec\ncode=3\nsaid=1000\n" in ended.stdout
    body = "#" * 200000 + "\nyes 0123456789 | head -n 10000\n"
    ended = there.inside(box.id, body)
    assert ended.returncode == 0 and ended.stderr == b"" and ended.stdout == b"0123456789\n" * 10000


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values(machine, box, tmp, shell, text):
    there = machine(shell)
    seen = there.look(text)
    assert seen["failed"] == "inspect" and seen["code"] == "1" and "o such container" in seen["said"], seen
    there.known = seen_engine(seen)
    ended = there.inside(box.id, "echo ran\n", user=text)
    assert ended.returncode != 0 and b"ran" not in ended.stdout, ended
    ended = there.inside(box.id, "pwd\n", workdir=f"/tmp/{text}")
    assert b"failed=exec" in ended.stdout or ended.stdout.decode() == f"/tmp/{text}\n", ended
    assert there.look(service=text, project=text) == {**seen_engine(seen), "remote": "0", "outcome": "ok"}
    assert list(tmp.iterdir()) == []


def seen_engine(seen):
    return {key: seen[key] for key in ("engine", "version", "at", "word", "podman", "far")}


def test_states(machine, container, engine):
    there = machine()
    made = container(engine, start=False)
    assert json.loads(there.look(made.name)["container"])["State"]["Status"] == "created"
    assert there.run("act", act="start", id=made.id) == {"outcome": "ok"}
    assert there.run("act", act="start", id=made.id) == {"outcome": "ok"}
    made.pause()
    seen = there.look(made.name)
    assert json.loads(seen["container"])["State"]["Paused"] and seen["listeners"] == "known"
    ended = there.inside(made.id, "echo ran\n")
    assert ended.returncode == 1 and b"said=" in ended.stdout and b"is paused" in ended.stdout
    assert there.run("act", act="unpause", id=made.id) == {"outcome": "ok"}
    failed = there.run("act", act="unpause", id=made.id)
    assert failed["failed"] == "unpause" and "is not paused" in failed["said"]
    made.kill()
    seen = there.look(made.name)
    assert json.loads(seen["container"])["State"]["ExitCode"] == 137 and "listeners" not in seen
    ended = there.inside(made.id, "echo ran\n")
    assert ended.returncode == 1 and b"is not running" in ended.stdout


def test_log_and_list(machine, container, engine):
    long = container(engine, command=["seq", "100"])
    made = container(engine, command=["sh", "-c", "echo out; printf 'a\\r\\0b\\n' >&2"])
    eventually(lambda: not made.state["Running"] and not long.state["Running"], what="they do not end")
    assert machine().run("log", id=long.id)["log"].splitlines() == [str(number) for number in range(81, 101)]
    assert set(machine().run("log", id=made.id)["log"].splitlines()) == {"out", "ab"}  # in any order
    assert machine().run("log", id=long.id, since="2999-01-01T00:00:00.1Z").get("log", "") == ""
    there = machine().run("list")
    assert [line for line in there["there"].splitlines() if line.startswith(f"{made.name}\tpenstock-tools:1\tExited")]
    assert "penstock-tools:1" in there["image"].splitlines()


def test_networks(machine, container, engine, box):
    there = machine()
    listen(box)
    shares = container(engine, "--network", f"container:{box.name}")
    seen = there.look(shares.name)
    assert json.loads(seen["shared"])["Id"] == box.id and ":2382 " in seen["tcp"]
    host = container(engine, "--network", "host")
    seen = there.look(host.name)
    assert seen["listeners"] == "known" and "shared" not in seen


def wrapped(tmp, engine, script):
    """A folder with a `docker` that notes its calls; `script` then runs $docker."""
    note = f'printf "%s\\n" "$1" >>"{tmp}/calls"\n'
    return pretend(tmp / "bin", "docker", f'{note}docker="{engine.program}"\n{script}')


def test_what_is_known_is_not_asked_again(machine, engine, box, tmp):
    there = machine(folders=[wrapped(tmp, engine, 'exec "$docker" "$@"')])
    seen = there.look(box.name)
    assert (tmp / "calls").read_text().split() == ["--version", "inspect"]
    there.known = seen_engine(seen)
    there.look(box.name)
    assert (tmp / "calls").read_text().split()[2:] == ["inspect"]


# An engine in a virtual machine tells of pids that are none here, or other processes'.
@pytest.mark.parametrize("host", [None, "tcp://127.0.0.1:2375"])
def test_container_that_is_not_here(machine, engine, box, tmp, host):
    elsewhere = f'DOCKER_HOST="unix://{engine.socket}"\nexport DOCKER_HOST\n'
    other_pid = "sed '1s/^\\([0-9a-f]*\\) [0-9]*/\\1 1/'"
    script = f'{elsewhere}case $1 in inspect) "$docker" "$@" | {other_pid} ;; *) exec "$docker" "$@" ;; esac'
    there = machine(folders=[wrapped(tmp, engine, script)], env={"DOCKER_HOST": host} if host else None)
    listen(box)
    seen = there.look(box.name)
    assert seen["remote"] == ("1" if host else "0") and seen["outcome"] == "ok"
    assert ":2382 " in seen["tcp"]  # asked inside
    assert (tmp / "calls").read_text().split()[-1] == "exec"
    plain = machine(folders=[wrapped(tmp, engine, f'{elsewhere}exec "$docker" "$@"')], env={"DOCKER_HOST": host})
    if host:
        assert plain.look(box.name)["remote"] == "0"  # its process is here
        plain.environment["DOCKER_HOST"] = "tcp://10.0.0.7:2375"
        assert plain.look(box.name)["remote"] == "1"


def test_nobody_can_be_asked_who_listens(machine, engine, container, tmp):
    naked = container(engine, image="naked", init=False)
    other_pid = "sed '1s/^\\([0-9a-f]*\\) [0-9]*/\\1 1/'"
    script = f'case $1 in inspect) "$docker" "$@" | {other_pid} ;; *) exec "$docker" "$@" ;; esac'
    there = machine(folders=[wrapped(tmp, engine, script)])
    seen = there.look(naked.name)
    assert seen["outcome"] == "ok" and "listeners" not in seen
    assert ":2382 " in eventually(lambda: machine().look(naked.name).get("tcp"), what="it does not listen")


def test_contexts(machine, engine, box, tmp):
    config = tmp / ".docker"
    config.mkdir()
    there = machine()
    del there.environment["DOCKER_HOST"]
    make = ["docker", "context", "create", "lab", "--docker", f"host=unix://{engine.socket}"]
    subprocess.run(make, env=there.environment, check=True, capture_output=True)
    there.environment["DOCKER_CONTEXT"] = "lab"
    seen = there.look(box.name)
    assert seen["at"] == f"unix://{engine.socket}" and seen["outcome"] == "ok"
    there.environment["DOCKER_CONTEXT"] = "nope"
    seen = there.look(box.name)
    assert "failed" in seen and 'context "nope"' in seen["said"]
    del there.environment["DOCKER_CONTEXT"]
    seen = there.look(box.name, words=["docker", "--context", "lab"])
    assert seen["engine"] == "docker --context lab" and seen["at"] == f"unix://{engine.socket}"
    (config / "config.json").write_text('{"currentContext": "lab"}')
    assert there.look(box.name)["at"] == f"unix://{engine.socket}"


def test_clients_that_are_not_there(machine, box):
    for words in (["/no/such"], ["-x"], ["no-such-client"]):
        assert machine().look(box.name, words=words) == {"failed": "find", "code": "127", "said": "", "outcome": "failed"}
    failed = machine().look(box.name, words=["false"])
    assert failed["failed"] == "version" and failed["code"] == "1"


def test_environment_of_the_shell(machine, box):
    there = machine("bash")
    there.environment.update(SHELLOPTS="errexit:nounset:noglob", LC_ALL="C.UTF-8", IFS="/", TMOUT="1")
    assert there.look(box.name)["outcome"] == "ok"


def test_compose(machine, compose, engine):
    project = compose(engine)
    there = machine()
    found = there.look(service="app", project=project.project)
    assert found["outcome"] == "ok" and "container" not in found
    up = there.run("compose", service="app", project=project.project, file=str(project.file))
    assert up == {"outcome": "ok"}
    first = project.container()
    seen = there.look(service="app", project=project.project)
    assert json.loads(seen["container"])["Id"] == first.id and seen["listeners"] == "known"
    failed = there.run("compose", service="nope", project=project.project, file=str(project.file))
    assert failed["failed"] == "compose" and "No such service" in failed["said"]
    failed = there.run("compose", service="app", project=project.project, file=f"{project.folder}/it's.yml")
    assert failed["failed"] == "compose" and "it's.yml" in failed["said"]


@pytest.mark.parametrize("shell", SHELLS)
def test_service_with_several_containers(machine, container, engine, shell):
    there = machine(shell)
    service = engine.new_name("service")

    def make(project, number, oneoff="False", start=False):
        labels = {"service": service, "project": project, "container-number": number, "oneoff": oneoff}
        options = [f"--label=com.docker.compose.{key}={value}" for key, value in labels.items()]
        return container(engine, *options, start=start, init=False)

    def chosen(project=""):
        return json.loads(there.look(service=service, project=project)["container"])["Id"]

    once = make("lab", 1, oneoff="True")  # of `compose run`, which is nobody's service
    assert once.id and "container" not in there.look(service=service)
    tenth, second = make("lab", 10), make("lab", 2)
    assert chosen() == second.id
    tenth.start()
    assert chosen() == tenth.id  # it runs
    make("work", 1)
    seen = there.look(service=service)
    assert seen["failed"] == "projects" and set(seen["said"].splitlines()) == {"lab", "work"}
    assert chosen("lab") == tenth.id
    # What people write into labels by hand: none of it takes the place of something else.
    service = engine.new_name("service")
    assert make("my lab", 1, oneoff="True").id and "container" not in there.look(service=service)
    tenth, second = make("my lab", 10), make("my lab", 2)
    assert chosen("my lab") == second.id
    make('" False 1 True "', "1 2")
    assert chosen("my lab") == second.id
    failed = there.look(service=service)
    assert failed["failed"] == "projects" and len(failed["said"].splitlines()) == 2


def test_network_whose_name_has_a_space(machine, box, tmp):
    """Some engines allow it: it is one word, and no other container is asked for."""
    asked = tmp / "asked"
    mode = json.dumps(f"my container:{box.name} x")
    answer = f"printf '%s\\n' '{box.id} 0 true' '{mode}' '{{}}'"
    client = f'echo "$@" >>{asked}; [ "$1" != --version ] || exec echo Docker version 1; {answer}'
    seen = machine(folders=[pretend(tmp / "bin", "docker", client)]).look(box.name)
    assert seen["outcome"] == "ok" and seen["container"] == "{}" and "shared" not in seen
    assert "{{json .HostConfig.NetworkMode}}" in asked.read_text()


# --- podman ----------------------------------------------------------------------------------------------


def test_podman(podman, container, tmp):
    there = Machine(podman, tmp)
    made = container(podman, "--publish", "127.0.0.1::9090", start=False)
    words = {"words": ["podman"]}
    assert there.run("act", act="start", id=made.id, **words) == {"outcome": "ok"}
    seen = there.look(made.name, **words)
    assert seen["outcome"] == "ok" and seen["podman"] == "1" and seen["engine"] == "podman" and seen["remote"] == "0"
    assert json.loads(seen["container"])["Id"] == made.id and seen["listeners"] == "known"
    shares = container(podman, "--network", f"container:{made.name}")
    assert json.loads(there.look(shares.name, **words)["shared"])["Id"] == made.id
    ended = there.inside(made.id, "id -u; exit 4\n", user="1000", workdir="/tmp", **words)
    assert ended.returncode == 4 and ended.stdout.startswith(b"1000\n")
    seen = there.look("nope", **words)
    assert seen["failed"] == "inspect" and "no such container" in seen["said"]
    assert made.name in there.run("list", **words)["there"]


def test_podman_by_the_name_of_docker(podman, container, tmp):
    made = container(podman)
    folder = pretend(tmp / "bin", "docker", 'exec podman "$@"')
    there = Machine(podman, tmp, folders=[folder])
    seen = there.look(made.name)
    assert seen["engine"] == seen["word"] == "podman" and seen["podman"] == "1" and seen["outcome"] == "ok"
    seen = there.look(made.name, words=["docker"])
    assert seen["engine"] == "docker" and seen["podman"] == "1" and seen["outcome"] == "ok"


def test_podman_services_elsewhere(podman, tmp):
    there = Machine(podman, tmp, env={"CONTAINER_HOST": "ssh://root@127.0.0.1:1/x"})
    seen = there.look("nope", words=["/usr/bin/podman"])
    assert seen["failed"] == "inspect" and seen["far"] == "maybe" and seen["at"] == "ssh://root@127.0.0.1:1/x"
    seen = Machine(podman, tmp).look("nope", words=["/usr/bin/podman", "--connection", "nope"])
    assert seen["failed"] == "info" and "nope" in seen["said"]

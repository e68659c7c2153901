# SPDX-License-Identifier: MIT
"""`penstock gpus`: what nvidia-smi on the solver's machine tells. No machine of ours has one, so one pretends."""

import json
import os

import pytest

from support.ports import free_port
from support.tools import pretend

OK, CONFIG, UNREACHABLE = 0, 3, 4
FORWARD = {"launch": "never", "probe": "tcmd", "retry_min": "60s", "retry_max": "60s"}
ASKED = "--query-gpu=index,uuid,name,memory.total,memory.used,utilization.gpu,driver_version --format=csv,noheader,nounits"
TWO = """\
0, GPU-5c6e0fd2-1111, NVIDIA H100 PCIe, 81559, 1024, 37, 550.54.15
1, GPU-5c6e0fd2-2222, NVIDIA A10, 23028, [N/A], [Not Supported], 550.54.15
"""


@pytest.fixture(params=["local", "ssh"])
def machine(request, gateway, sshd, tmp):
    """machine(script) is a gateway to a machine whose nvidia-smi is that script; None: it has none."""

    def make(script):
        folder = tmp / "tools"
        folder.mkdir()
        if script is not None:
            pretend(folder, "nvidia-smi", f'[ "$*" = "{ASKED}" ] || exit 9\n{script}')
        path = f"{folder}:{os.environ['PATH']}"
        keys = {"transport": "local", "endpoint": f"127.0.0.1:{free_port()}", **FORWARD}
        if request.param == "ssh":
            server = sshd(config=[f"SetEnv PATH={path}"])
            running = gateway({**server.profile(), **keys, "transport": "ssh"})
        else:
            running = gateway(keys, env={"PATH": path})
        running.wait_event("leg", timeout=30, leg="endpoint")
        return running

    return make


def test_table_and_json(machine, penstock):
    running = machine(f"cat <<'END'\n{TWO}END")
    done = penstock.run("gpus")
    assert done.returncode == OK and done.stderr == "", running.story()
    lines = done.stdout.splitlines()
    assert len(lines) == 3 and lines[0].split()[:2] == ["INDEX", "NAME"]
    assert "NVIDIA H100 PCIe" in lines[1] and "1024 / 81559" in lines[1] and " 37%" in lines[1]
    assert "NVIDIA A10" in lines[2] and "? / 23028" in lines[2] and "GPU-5c6e0fd2-2222" in lines[2]
    told = json.loads(penstock.run("gpus", "--json", "lab").stdout)
    assert told["error"] is None
    assert told["gpus"][0] == {
        "index": 0,
        "uuid": "GPU-5c6e0fd2-1111",
        "name": "NVIDIA H100 PCIe",
        "memory_total_mib": 81559,
        "memory_used_mib": 1024,
        "utilization_percent": 37,
        "driver_version": "550.54.15",
    }
    assert told["gpus"][1]["memory_used_mib"] is None and told["gpus"][1]["utilization_percent"] is None


def test_none_there(machine, penstock):
    machine(None)
    done = penstock.run("gpus")
    assert done.returncode == CONFIG and done.stdout == ""
    assert "there is no nvidia-smi where the solver lives" in done.stderr and "--gpus all" in done.stderr
    told = json.loads(penstock.run("gpus", "--json").stdout)
    assert told["gpus"] == [] and told["error"]["class"] == "config"


def test_driver_that_does_not_run(machine, penstock):
    machine("echo 'NVIDIA-SMI has failed: no driver'; echo more >&2; exit 9")
    done = penstock.run("gpus")
    assert done.returncode == UNREACHABLE
    assert "ended with status 9" in done.stderr
    assert "NVIDIA-SMI has failed" in done.stderr and "more" in done.stderr


def test_no_gpus(machine, penstock):
    machine("exit 0")
    done = penstock.run("gpus")
    assert (done.returncode, done.stdout) == (OK, "There is no GPU where the solver lives.\n")


def test_something_else(machine, penstock):
    machine("printf '0, a\\033[31m, b\\n'")
    done = penstock.run("gpus")
    assert done.returncode != OK and "something else than was asked" in done.stderr and "\033" not in done.stderr

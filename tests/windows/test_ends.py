# SPDX-License-Identifier: MIT
"""However a gateway ends: with `stop` nothing is left of the solver, with `keep` all of it is, and the next gateway adopts
it and can end it as a tree. Processes are looked at from outside.
"""
import contextlib
import json
import subprocess

import pytest

from conftest import PATIENCE, ask, wait_for

# What somebody does to a gateway, and whether that one has a say in its end. Of a logoff it is told by its window, which
# test_background.py does; the console's event of that name ends it at once.
ORDERLY = ["down", "ctrl-c", "ctrl-break", "close", "shutdown"]
SUDDEN = ["logoff", "terminate", "abort"]


def press(windows, gateway, how):
    if how == "terminate":  # as the Task Manager does it
        gateway.process.kill()
        return
    if how == "down":
        assert windows.run("down", "--all").returncode == 0
        return
    [status] = json.loads(windows.run("status", "--json").stdout)["gateways"]
    done = subprocess.run(
        ["wine", str(windows.build / "tests" / "windows" / "press.exe"), str(status["pid"]), how],
        env=windows.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def wait_whole(lab):
    """The solver, its child, and that one's child, which comes a moment later."""
    wait_for(lambda: len(lab.alive()) == 3, lambda: f"not three: {lab.alive()}")
    return lab.alive()


def end(windows, gateway, how):
    press(windows, gateway, how)
    code = gateway.process.wait(PATIENCE)
    for thread in gateway.threads:
        thread.join(1)  # a solver that lives on has its outputs, as Linux sees it
    if how == "down":
        assert code == 0, gateway.said()
    return code


@pytest.mark.parametrize("how", ORDERLY + SUDDEN)
def test_stop_leaves_nothing(windows, solver, how):
    lab = solver()
    with windows.gateway(lab.profile(on_exit="stop"), "lab") as gateway:
        gateway.wait_event("serving")
        wait_whole(lab)
        end(windows, gateway, how)
    lab.wait_all_gone()
    if how != "close":  # for which there is little time
        assert (lab.notes("asked") == ["ctrl-c"]) == (how in ORDERLY), "it is asked by those who can still ask"


def test_keep_leaves_all_of_it_and_the_next_gateway_adopts_it(windows, solver):
    """One solver outlives eight gateways, each of which ends in another way."""
    lab = solver()
    config = lab.profile(on_exit="keep")
    tree = None
    for how in ORDERLY + SUDDEN:
        with windows.gateway(config, "lab") as gateway:
            assert gateway.wait_event("serving")["adopted"] is (tree is not None)
            tree = tree or wait_whole(lab)
            assert lab.alive() == tree
            end(windows, gateway, how)
        assert lab.alive() == tree and ask(lab.port), how
    assert lab.notes("asked") == [] and len(lab.notes("pid")) == 1
    # It can be ended as a tree by one that did not start it.
    with windows.gateway(lab.profile(on_exit="stop"), "lab") as gateway:
        assert gateway.wait_event("serving")["adopted"] is True
        end(windows, gateway, "down")
    lab.wait_all_gone()
    with contextlib.suppress(OSError):
        assert ask(lab.port) is None

# SPDX-License-Identifier: MIT
"""The units that are installed for service managers, as far as they can be judged without one."""

import configparser
import os
import plistlib
import re
import subprocess

import pytest

from support.build import CHECKOUT
from support.need import need_program

CONFIG = 3
UNITS = ["penstock.service", "penstock@.service", "penstock.socket"]


@pytest.fixture
def prefix(penstock, tmp):
    folder = tmp / "installed"
    subprocess.run(["cmake", "--install", penstock.folder, "--prefix", folder], check=True, capture_output=True)
    return folder


def read(prefix, name):
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str
    unit.read_string((prefix / "share/systemd/user" / name).read_text())
    return unit


def test_they_run_what_was_installed(prefix):
    for name, command in (("penstock.service", "up"), ("penstock@.service", "up -- %I")):
        unit = read(prefix, name)
        assert unit["Service"]["ExecStart"] == f"{prefix}/bin/penstock {command}"
        assert unit["Service"]["Type"] == "notify"
        assert unit["Service"]["ExecReload"].endswith("kill -HUP $MAINPID")
        page = re.search(r"file:(\S+)", unit["Unit"]["Documentation"])[1]
        assert "penstock" in open(page).read()
    for name in UNITS:
        assert not re.search(r"@[A-Z_]+@", (prefix / "share/systemd/user" / name).read_text())


def test_what_only_the_user_can_mend_is_not_tried_again(prefix, penstock):
    codes = read(prefix, "penstock.service")["Service"]["RestartPreventExitStatus"].split()
    meanings = dict(re.findall(r"^  (\d)  (.*)$", penstock.run("--help").stdout, re.M))
    assert {meanings[code].split()[-2] + " " + meanings[code].split()[-1] for code in codes} == {
        "is wrong",
        "was refused",
        "has changed",
    }
    assert codes == ["2", "3", "5", "6"]


def test_systemd_has_nothing_to_say_against_them(prefix, tmp):
    runtime = tmp / "run"
    runtime.mkdir(mode=0o700)
    units = [prefix / "share/systemd/user" / name for name in UNITS]
    done = subprocess.run(
        [need_program("systemd-analyze", "systemd"), "--user", "--man=no", "verify", *units],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_the_launch_agent_is_what_launchd_reads(prefix):
    """A property list with keys of launchd.plist(5) and their types: launchd ignores a key that it does not know."""
    text = (CHECKOUT / "packaging/launchd/org.penstock.gateway.plist.in").read_text()
    assert "has not been tried" in text
    agent = plistlib.loads(text.replace("@PENSTOCK_BINDIR@", f"{prefix}/bin").encode(), fmt=plistlib.FMT_XML)
    types = {
        "Label": str,
        "ProgramArguments": list,
        "RunAtLoad": bool,
        "KeepAlive": dict,
        "ThrottleInterval": int,
        "AbandonProcessGroup": bool,
        "ExitTimeOut": int,
        "Umask": int,
        "StandardOutPath": str,
        "StandardErrorPath": str,
    }
    assert {key: type(value) for key, value in agent.items()} == types
    keys = re.findall(r"^  <key>(.*)</key>$", text, re.M)
    assert sorted(keys) == sorted(agent), "a key is there twice"
    assert agent["KeepAlive"] == {"SuccessfulExit": False} and agent["Umask"] == 0o077
    assert agent["Label"] + ".plist.in" == "org.penstock.gateway.plist.in"


def test_the_launch_agent_runs_what_was_installed(prefix, penstock):
    """Its command line, as its shell reads it, is one that penstock takes."""
    text = (CHECKOUT / "packaging/launchd/org.penstock.gateway.plist.in").read_text()
    agent = plistlib.loads(text.replace("@PENSTOCK_BINDIR@", f"{prefix}/bin").encode())
    home = penstock.home
    (home / "Library/Logs").mkdir(parents=True)
    done = subprocess.run(agent["ProgramArguments"], env=penstock.environment(), capture_output=True, text=True)
    assert done.returncode == CONFIG and "penstock.ini" in done.stderr, done  # there is no profile yet

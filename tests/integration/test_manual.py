# SPDX-License-Identifier: MIT
"""The manual's pages: without fault for mandoc and groff, and whole."""

import json
import re
import subprocess

import pytest

PAGES = ["penstock.1", "penstock.ini.5", "penstock-plugin.7"]


@pytest.fixture
def text(penstock):
    """text("penstock.1") is the page as it is read, in one line."""

    def read(page):
        line = ["mandoc", "-T", "utf8", "-O", "width=200", penstock.folder / "docs" / page]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        letters = []
        for letter in done.stdout:  # bold and underlined: a letter, a backspace, a letter
            if letter == "\b":
                letters.pop()
            else:
                letters.append(letter)
        return " ".join("".join(letters).split())

    return read


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_well_formed(penstock, page):
    path = penstock.folder / "docs" / page
    for line in (["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-ww", "-z", "-mdoc", "-T", "utf8"]):
        done = subprocess.run([*line, path], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "GENERATE" not in path.read_text()


def options_of(penstock, *line):
    """(option, its help) of a help text."""
    lines = penstock.run(*line, "--help").stdout.splitlines()
    return [(text.split()[0], text[24:].strip()) for text in lines if text.startswith("  --")]


def test_penstock_1_has_what_the_help_has(penstock, text):
    page = text("penstock.1")
    own = penstock.run("--help").stdout
    commands = [line.split()[0] for line in own.split("Commands:")[1].split("\n\n")[0].splitlines() if line]
    groups = ["plugin", "ssh-command", "completion", "autostart"]
    assert set(groups) < set(commands)
    for command in commands:
        if command in groups:
            shared = penstock.run(command, "--help").stdout
            names = [f"{command} {line.split()[0]}" for line in shared.splitlines() if re.match("  \\w", line)]
        else:
            names = [command]
        for name in names:
            lines = penstock.run(*name.split(), "--help").stdout.splitlines()
            assert name in page
            assert lines[2].split(". ")[0].replace("`", "") in page.replace("‘", "").replace("’", "")
            for option, words in options_of(penstock, *name.split()):
                assert option in page and words in page
    for option, words in options_of(penstock):
        assert option in page and words in page
    for line in own.split("Exit codes:")[1].splitlines():
        assert " ".join(line.split()) in page


def test_penstock_ini_5_has_every_key(penstock, text):
    page = text("penstock.ini.5")
    listed = json.loads(penstock.run("plugin", "list", "--json").stdout)["plugins"]
    for name in [transport["name"] for plugin in listed for transport in plugin["transports"]]:
        [transport] = json.loads(penstock.run("plugin", "show", name, "--json").stdout)["transports"]
        assert f"transport = {name} {transport['summary']}" in page
        part = page.split(f"transport = {name} {transport['summary']}")[1].split(" transport = ")[0]
        for option in transport["options"]:
            assert option["key"] in part
            assert " ".join(option["help"].replace("`", "").split()) in page.replace("‘", "").replace("’", "")
    for fact in ("lanes int 1..16 or auto, default 1", "plugin_path folders", "hold duration 0s..10m, default 20s"):
        assert fact in page

# SPDX-License-Identifier: MIT
"""docs/CONTAINERS.md tells the options that the transports have, and the examples are profiles without fault."""

import json
import re
from pathlib import Path

import pytest

from support.sshd import make_key

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "CONTAINERS.md"
EXAMPLES = CHECKOUT / "conf" / "examples"
TYPES = {"yes or no": "bool", "text": "string", "far path": "string", "choice": "choice"}
STACKED = {"docker": "local", "docker-ssh": "ssh", "docker-ssh-command": "ssh-command"}  # what each is made of


def options_of(penstock, transport):
    shown = penstock.run("plugin", "show", transport, "--json")
    assert shown.returncode == 0, shown.stderr
    return {option["key"]: option for option in json.loads(shown.stdout)["transports"][0]["options"]}


def told():
    """The table of options: key to its type, default and meaning."""
    text = PAGE.read_text()
    lines = text[text.index("<!-- options: begin") : text.index("<!-- options: end")].splitlines()[3:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {key.strip("`"): (kind, default.strip("`"), meaning) for key, kind, default, meaning in rows}


def solver_options():
    """Those that the page names as the solver's."""
    sentence = re.search(r"those of\s+the solver \(([^)]*)\)", PAGE.read_text())
    return set(re.findall(r"`(\w+)`", sentence.group(1)))


@pytest.mark.parametrize("transport", STACKED)
def test_every_option_is_told(penstock, transport):
    there = options_of(penstock, transport)
    below = options_of(penstock, STACKED[transport])
    rows = {key: row for key, row in told().items() if transport == "docker" or "`docker` alone" not in row[2]}
    assert set(there) == set(below) | set(rows)
    assert not set(below) & set(rows)
    assert solver_options() <= set(below)
    for key, (kind, default, meaning) in rows.items():
        option = there[key]
        assert TYPES[kind] == option["type"], key
        assert (kind == "far path") == ("far-path" in option["flags"]), key
        assert default == (option["default"] or ""), key
        for choice in option["choices"] or []:
            assert f"`{choice}`" in meaning, f"{key}: {choice}"


def test_the_solvers_options_are_those_of_local(penstock):
    assert solver_options() == set(options_of(penstock, "local"))


def test_root_is_not_said_to_be_needed(penstock):
    """A container's own command may be the solver."""
    told = {options_of(penstock, transport)["root"]["help"] for transport in ("local", *STACKED)}
    assert len(told) == 1 and "in its container" in told.pop()


@pytest.mark.parametrize("name", ["docker", "docker-ssh", "docker-ssh-command", "compose"])
def test_example_is_a_profile_without_fault(penstock, tmp, name):
    (penstock.home / ".ssh").mkdir(0o700)
    for key in ("id_ed25519", "lab"):  # that the examples name
        make_key(penstock.home / ".ssh" / key)
    config = tmp / "penstock.ini"
    config.write_text((EXAMPLES / f"{name}.ini").read_text())
    config.chmod(0o600)
    checked = penstock.run("--config", config, "check", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def headings(path):
    return {anchor(line.lstrip("# ").strip()) for line in path.read_text().splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted(PAGE.parent.glob("*.md")))])
def test_links_lead_somewhere(page):
    path = CHECKOUT / page
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    for link in links:
        if "://" in link:
            continue
        name, _, fragment = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not fragment or fragment in headings(target), link

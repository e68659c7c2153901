# SPDX-License-Identifier: MIT
"""Who may know whom, as the table of folders in docs/ARCHITECTURE.md says: by what the files include."""

import re

from support.build import CHECKOUT

# Each may include those of its own row and of the rows above.
ROWS = [
    ["base", "net", "log"],
    ["config", "plugin", "probe"],
    ["host", "relay"],
    ["lane"],
    ["control", "service"],
    ["gateway"],
    ["cli"],
    ["manual"],
]
RANK = {folder: rank for rank, row in enumerate(ROWS) for folder in row}
# Beside the gateway's folders, and knowing nothing of them.
APART = {"control": {"base", "net", "log"}, "service": {"base", "net", "log"}}


def included(folder):
    """(file, first folder of what it includes) of all files below a folder of core/."""
    for path in sorted((CHECKOUT / "core" / folder).rglob("*.[ch]")):
        for name in re.findall(r'#include "([^"]+)"', path.read_text()):
            yield path, name.split("/")[0]


def test_core_knows_only_what_is_above():
    wrong = []
    for folder, rank in RANK.items():
        for path, other in included(folder):
            allowed = APART[folder] | {folder} if folder in APART else {name for name in RANK if RANK[name] <= rank}
            if other in RANK and other not in allowed:
                wrong.append(f"{path.relative_to(CHECKOUT)} includes {other}/")
    assert not wrong


def test_core_and_transports_do_not_know_each_other():
    wrong = [path for folder in RANK for path, other in included(folder) if other in ("common", "transports")]
    for path in (CHECKOUT / "transports").rglob("*.[ch]"):
        names = {name.split("/")[0] for name in re.findall(r'#include "([^"]+)"', path.read_text())}
        wrong += [path] if names & set(RANK) - {"plugin"} else []
    assert not wrong

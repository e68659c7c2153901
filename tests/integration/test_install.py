# SPDX-License-Identifier: MIT
"""What `cmake --install` puts where."""

import re
import stat
import subprocess

import pytest

from support.build import CHECKOUT

MANUAL = ["man1/penstock.1", "man5/penstock.ini.5", "man7/penstock-plugin.7"]
COMPLETIONS = {
    "bash": "bash-completion/completions/penstock",
    "zsh": "zsh/site-functions/_penstock",
    "fish": "fish/vendor_completions.d/penstock.fish",
}


@pytest.fixture
def prefix(penstock, tmp):
    folder = tmp / "installed"
    subprocess.run(["cmake", "--install", penstock.folder, "--prefix", folder], check=True, capture_output=True)
    return folder


def test_all_of_it_is_installed(prefix, penstock):
    share = prefix / "share"
    for page in MANUAL:
        assert (share / "man" / page).read_text().startswith(".\\\"")
    for shell, path in COMPLETIONS.items():
        assert (share / path).read_text() == penstock.run("completion", shell).stdout
    doc = share / "doc" / "penstock"
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "docs/CONFIGURATION.md", "docs/internals/host.md"):
        assert (doc / name).read_text() == (CHECKOUT / name).read_text()
    for path in (CHECKOUT / "conf").rglob("*.ini"):
        assert (doc / path.relative_to(CHECKOUT)).read_text() == path.read_text()
    assert (doc / "plugins/examples/null/null.c").is_file()
    assert not [path for path in doc.rglob("*") if path.suffix in (".in", ".txt") and path.name != "CMakeLists.txt"]
    assert not [path for path in prefix.rglob("*") if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]
    done = subprocess.run([prefix / "bin" / "penstock", "version"], env=penstock.environment(), capture_output=True)
    assert done.returncode == 0


def test_links_between_installed_docs_hold(prefix):
    doc = prefix / "share" / "doc" / "penstock"
    # Of the sources, what is installed lies elsewhere (the headers) or is of the checkout alone (tests).
    sources = ("plugins/include", "tests/", "core/", "transports/")
    for page in doc.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            path = (page.parent / target).resolve()
            if not str(path.relative_to(doc)).startswith(sources):
                assert path.exists(), f"{page.name}: {target}"

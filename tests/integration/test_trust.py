# SPDX-License-Identifier: MIT
"""`penstock trust`: a host's key is seen, compared, and only then written; a changed one never is."""

import contextlib
import fcntl
import json
import os
import pty
import subprocess
import termios

import pytest

from support.gateway import write_ini
from support.plugin import build_plugin

OK, CONFIG, UNREACHABLE, IDENTITY = 0, 3, 4, 6
ESC = "\x1b"


@pytest.fixture
def known_hosts(tmp):
    """A file whose name has to be quoted where it is named in a command."""
    return tmp / "known 'hosts"


@pytest.fixture
def trust(tmp, penstock, known_hosts):
    """trust("--show", state="known", …) runs `penstock trust lab` with a host that shows such a key."""
    plugin = build_plugin(penstock, "tests/integration/plugins/hostkey.c", tmp / "plugins")

    def run(*args, **keys):
        config = write_ini(tmp / "trust.ini", {"lab": {**plugin, "file": known_hosts, **keys}})
        return penstock.run("trust", "lab", "--config", config, *args)

    return run


def test_an_unknown_key_is_shown_and_not_trusted(trust, known_hosts):
    for args in ([], ["--batch"], ["--show"]):
        done = trust(*args)
        assert done.returncode == IDENTITY
        assert "Host gpu01 shows this ssh-ed25519 key:\n  SHA256:newer\n  +--[ART]--+\n" in done.stdout
        assert "Not trusted: " in done.stderr and "  Next: " in done.stderr
        assert ESC not in done.stdout + done.stderr
        assert not known_hosts.exists()


@pytest.mark.parametrize("args", [["--yes"], ["--fingerprint", "SHA256:newer"], ["--fingerprint=SHA256:newer="]])
def test_a_key_is_trusted_when_told_so(trust, known_hosts, args):
    done = trust(*args)
    assert done.returncode == OK, done.stderr
    assert f"Trusted: the key was added to {known_hosts}." in done.stdout
    assert known_hosts.read_text() == "gpu01 SHA256:newer\n"


@pytest.mark.parametrize("fingerprint", ["SHA256:other", "SHA256:newe", "SHA256:newer2", "newer", "", "sha256:newer"])
@pytest.mark.parametrize("more", [[], ["--yes"]])
def test_another_fingerprint_is_refused(trust, known_hosts, fingerprint, more):
    done = trust("--fingerprint", fingerprint, *more)
    assert done.returncode == IDENTITY
    assert f"the host shows SHA256:newer, not {fingerprint}" in done.stderr
    assert not known_hosts.exists()


def test_a_known_key_is_said_to_be_known(trust, known_hosts):
    done = trust(state="known")
    assert done.returncode == OK
    assert f"This key is known already: it stands in {known_hosts}." in done.stdout
    assert not known_hosts.exists()
    assert trust("--fingerprint", "SHA256:other", state="known").returncode == IDENTITY


@pytest.mark.parametrize("args", [[], ["--yes"], ["--fingerprint", "SHA256:newer"], ["--show"]])
def test_a_changed_key_is_never_trusted(trust, known_hosts, args):
    done = trust(*args, state="changed", host="[gpu01]:2222")
    assert done.returncode == IDENTITY
    assert "CHANGED" in done.stderr and "SHA256:newer" in done.stderr and "SHA256:older" in done.stderr
    # The line can be pasted: a shell gets back the very names.
    [line] = [line for line in done.stderr.splitlines() if "ssh-keygen" in line]
    command = line[line.index("ssh-keygen") :].replace("ssh-keygen", r"printf '%s\n'", 1)
    words = subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout
    assert words.splitlines() == ["-f", str(known_hosts), "-R", "[gpu01]:2222"]
    assert not known_hosts.exists()


def test_a_host_that_is_away(trust):
    done = trust(state="away")
    assert done.returncode == UNREACHABLE
    assert "nobody is there" in done.stderr and "come again" in done.stderr


def test_a_file_that_cannot_be_written(trust, tmp):
    done = trust("--yes", file=tmp / "missing" / "known_hosts")
    assert done.returncode == CONFIG and "cannot write" in done.stderr


def test_as_json(trust):
    done = trust("--json")
    answer = json.loads(done.stdout)
    assert done.returncode == IDENTITY
    assert (answer["host"], answer["type"], answer["fingerprint"]) == ("gpu01", "ssh-ed25519", "SHA256:newer")
    assert (answer["state"], answer["trusted"], answer["known"]) == ("unknown", False, None)
    assert answer["error"]["class"] == "peer-identity"
    answer = json.loads(trust("--json", "--yes").stdout)
    assert answer["trusted"] is True and answer["error"] is None
    answer = json.loads(trust("--json", state="changed").stdout)
    assert (answer["state"], answer["known"], answer["trusted"]) == ("changed", "SHA256:older", False)


def test_a_transport_without_host_keys(tmp, penstock):
    keys = build_plugin(penstock, "plugins/examples/null/null.c", tmp / "plugins")
    config = write_ini(tmp / "null.ini", {"lab": keys})
    done = penstock.run("trust", "lab", "--config", config)
    assert done.returncode == CONFIG
    assert "transport 'null' has no host keys" in done.stderr


def answer_on_terminal(penstock, config, answer):
    """Runs `penstock trust lab` on a terminal and types `answer` once it asks."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(penstock.binary), "trust", "lab", "--config", str(config)],
        env=penstock.environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    text = b""
    asked = False
    with contextlib.suppress(OSError):  # EIO: the other side was closed
        while chunk := os.read(ours, 4096):
            text += chunk
            if b"(yes/no)" in text and not asked:
                asked = True
                os.write(ours, answer)
    os.close(ours)
    return process.wait(20), text.decode()


@pytest.mark.parametrize("answer, code", [(b"yes\n", OK), (b"no\n", IDENTITY)])
def test_the_user_is_asked(trust, penstock, tmp, known_hosts, answer, code):
    trust("--show")  # writes the configuration
    ended, text = answer_on_terminal(penstock, tmp / "trust.ini", answer)
    assert "SHA256:newer" in text
    assert ended == code, text
    assert known_hosts.exists() == (code == OK)

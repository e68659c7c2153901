# SPDX-License-Identifier: MIT
"""Profile files with faults: each fault is told at its line, in words that help, and none hides another."""

import json
import os
import re

import pytest

PROBLEM = re.compile(r"^(?P<file>.+?)(?::(?P<line>\d+))?: (?P<kind>error|warning): (?P<text>.*)$")

# A profile without fault, to which a case adds one. Its plugin declares an address `place` (required), a number `depth`
# from 1 to 9, a choice `colour` of red and green and a duration `pause` up to 60s.
GOOD = "[lab]\ntransport = good\nplugin = {plugin}\nplace = 9090\n"


def write(path, text, mode=0o600):
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(data)
    path.chmod(mode)
    return path


def fill(text, penstock):
    plugin = str(penstock.folder / "tests" / "plugins" / "good.so")
    return text.replace(b"{plugin}", plugin.encode()) if isinstance(text, bytes) else text.replace("{plugin}", plugin)


def check(penstock, path, env=None):
    """Runs `penstock check`; returns its exit code and the problems as (file, line, kind, text)."""
    result = penstock.run("check", "--config", path, env=env)
    found = []
    for line in (result.stdout + result.stderr).splitlines():
        match = PROBLEM.match(line)
        if match:
            found.append((match["file"], int(match["line"] or 0), match["kind"], match["text"]))
    return result, found


def assert_told(found, expected, path, kind="error"):
    """Exactly the expected (line, words...) are told, at their lines of the file."""
    of_kind = [(line, text) for file, line, what, text in found if what == kind and file == str(path)]
    everything = "\n".join(f"{file}:{line}: {what}: {text}" for file, line, what, text in found)
    for line, *words in expected:
        assert any(at == line and all(word in text for word in words) for at, text in of_kind), (
            f"no {kind} at line {line} with {words} in:\n{everything}"
        )
    assert sorted(line for line, _ in of_kind) == sorted(line for line, *_ in expected), everything


CASES = {
    # the form of a file
    "no equals sign": (GOOD + "hold 20s\n", [(5, "neither `key = value` nor a [section]")]),
    "no key": (GOOD + "= 5\n", [(5, "no key before the `=`")]),
    "key before any section": ("hold = 5s\n" + GOOD, [(1, "`hold`", "before any section")]),
    "section not closed": (GOOD + "[more\n", [(5, "closing `]` is missing")]),
    "text after a section": (
        GOOD + "[two] transport = local\n",
        [(5, "`transport = local` follows"), (5, "[two] must set `transport`")],
    ),
    "section without a name": (GOOD + "[ ]\n", [(5, "[]", "empty")]),
    "name like an option": (GOOD + "[--json]\n", [(5, "[--json]", "taken for an option")]),
    "name too long": (GOOD + "[" + "n" * 65 + "]\n", [(5, "longer than 64 bytes")]),
    "name with a quote": (GOOD + '["lab"]\n', [(5, "quote")]),
    "gateway in capitals": (GOOD + "[GATEWAY]\n", [(5, "write [gateway]")]),
    "gateway mistyped": (GOOD + "[gatway]\nlisten = 9090\n", [(5, "must set `transport`", "did you mean [gateway]?")]),
    "section twice": (GOOD + "\n[lab]\nplace = 1\n", [(6, "[lab] is there twice", "penstock.ini:1")]),
    "gateway twice": ("[gateway]\n" + GOOD + "[gateway]\n", [(6, "[gateway] is there twice", "penstock.ini:1")]),
    "key twice": (GOOD + "hold = 5s\nhold = 6s\n", [(6, "`hold` is set twice", "penstock.ini:5")]),
    "NUL byte": ((GOOD + "hold\0 = 5s\n").encode(), [(5, "NUL byte")]),
    "control character": (GOOD + "description = a\033[2Jb\n", [(5, "control character", "U+001B")]),
    "not UTF-8": ((GOOD + "description = ").encode() + b"Gr\xf6\xdfe\n", [(5, "0xF6 is no UTF-8")]),
    "UTF-16": (GOOD.encode("utf-16"), [(1, "UTF-16", "save it as UTF-8")]),
    "line too long": (GOOD + "description = " + "x" * 17000 + "\n", [(5, "longer than 16384 bytes")]),
    "indented by mistake": (GOOD + "hold = 5s\n  lanes = 2\n", [(6, "`hold`", "takes one line", "as far left")]),
    # keys
    "unknown key, core": (
        GOOD + "conect_timeout = 5s\n",
        [(5, "unknown key `conect_timeout`", "transport good", "`connect_timeout`?")],
    ),
    "transport mistyped": ("[lab]\ntrasport = good\n", [(2, "unknown key `trasport`", "`transport`")]),
    "value that the transport refuses": (GOOD + "depth = 9\n", [(5, "profile 'lab': 9 is too deep; stay above")]),
    "unknown key, transport": (GOOD + "colours = red\n", [(5, "unknown key `colours`", "`colour`?")]),
    "unknown key, swapped letters": (GOOD + "dpeth = 3\n", [(5, "unknown key `dpeth`", "`depth`?")]),
    "unknown key, capital": (GOOD + "Depth = 3\n", [(5, "unknown key `Depth`", "`depth`?")]),
    "unknown key, nothing near": (GOOD + "zebra_crossing = 3\n", [(5, "unknown key `zebra_crossing`")]),
    "unknown key, gateway": ("[gateway]\nlog_leve = info\n" + GOOD, [(2, "unknown key `log_leve`", "`log_level`?")]),
    "key of the gateway in a profile": (GOOD + "log_level = info\n", [(5, "`log_level` belongs under [gateway]")]),
    "key of a profile in the gateway": ("[gateway]\nhold = 5s\n" + GOOD, [(2, "`hold` belongs in a profile")]),
    "transport missing": ("[lab]\nhold = 5s\n", [(1, "[lab] must set `transport`")]),
    "transport empty": ("[lab]\ntransport =\n", [(2, "`transport` is empty")]),
    "transport unknown": ("[lab]\ntransport = carrier-pigeon\n", [(2, "carrier-pigeon")]),
    "required key missing": (
        GOOD.replace("place = 9090\n", "hold = 5s\n"),
        [(1, "[lab] must set `place`", "Where to go.")],
    ),
    "plugin file missing": ("[lab]\ntransport = good\nplugin = none.so\n", [(3, "none.so")]),
    "plugin pin of the wrong form": (GOOD + "plugin_sha256 = 12ab\n", [(5, "64 hex digits"), (3, "SHA-256")]),
    # types and ranges
    "number with text": (GOOD + "lanes = two\n", [(5, "`lanes`", "'two' is no whole number")]),
    "number too large": (GOOD + "lanes = 17\n", [(5, "`lanes`", "17 is out of range: from 1 to 16")]),
    "number too small": (GOOD + "depth = 0\n", [(5, "`depth`", "from 1 to 9")]),
    "number beyond 64 bits": (GOOD + "restart_limit = 99999999999999999999\n", [(5, "no whole number")]),
    "number empty": (GOOD + "lanes =\n", [(5, "`lanes`: is empty")]),
    "neither yes nor no": (GOOD + "expose = maybe\n", [(5, "`expose`", "'maybe' is neither yes nor no")]),
    "choice mistyped": (GOOD + "colour = gren\n", [(5, "`colour`", "red, green", "did you mean 'green'?")]),
    "choice in capitals": (GOOD + "probe = TCMD\n", [(5, "auto, tcmd, tcp, none", "did you mean 'tcmd'?")]),
    "duration with another unit": (GOOD + "hold = 5 minutes\n", [(5, "'5 minutes' is no duration", "20s")]),
    "duration negative": (GOOD + "hold = -5s\n", [(5, "no duration")]),
    "duration too long": (GOOD + "hold = 11m\n", [(5, "11m is out of range: from 0s to 10m")]),
    "duration too fine": (GOOD + "pause = 0.1ms\n", [(5, "milliseconds")]),
    "retry_min above retry_max": (
        GOOD + "retry_max = 5s\nretry_min = 10s\n",
        [(6, "`retry_min` is larger than `retry_max`")],
    ),
    "address without a port": (GOOD + "listen = localhost\n", [(5, "`listen`", "port is missing")]),
    "address with a bad port": (GOOD + "listen = localhost:70000\n", [(5, "from 0 to 65535")]),
    "address with port 0": (GOOD.replace("9090", "localhost:0"), [(4, "`place`", "from 1 to 65535")]),
    "address with bare IPv6": (GOOD + "listen = ::1:9090\n", [(5, "[address]:port")]),
    "address that is no IPv4": (GOOD + "listen = 127.0.0.999:9090\n", [(5, "no IPv4 address")]),
    "address with a user": (GOOD.replace("9090", "me@host:22"), [(4, "`place`", "character that no name has")]),
    "exposed without saying so": (
        GOOD + "listen = 0.0.0.0:9090\n",
        [(5, "other machines could reach 0.0.0.0:9090", "`expose = yes`")],
    ),
    "exposed by the gateway": ("[gateway]\nlisten = [::]:9090\n" + GOOD, [(2, "`expose = yes`")]),
    "quote not closed": (GOOD + 'description = "Lab\n', [(5, "quote is not closed")]),
    # expansion
    "variable not set": (
        GOOD + "description = ${NOT_SET_HERE}\n",
        [(5, "NOT_SET_HERE is not set", "${NOT_SET_HERE:-otherwise}")],
    ),
    "brace not closed": (GOOD + "description = ${HOME\n", [(5, "no closing `}`")]),
    "brace with no name": (GOOD + "description = ${HO ME}\n", [(5, "`${HO ME}` is no expansion", "$$")]),
    "no such user": (
        "[gateway]\nlog_file = ~no-such-user/log\n" + GOOD,
        [(2, "`~no-such-user`: there is no such user")],
    ),
    # inheritance and other profiles
    "inherit mistyped": (GOOD + "[two]\ninherit = lob\n", [(6, "no profile 'lob'", "did you mean 'lab'?")]),
    "inherit from the gateway": ("[gateway]\n" + GOOD + "inherit = gateway\n", [(6, "[gateway] is no profile")]),
    "inherit from itself": (GOOD + "inherit = lab\n", [(5, "circle: lab -> lab")]),
    "inherit in a circle": (
        "[a]\ninherit = b\n[b]\ninherit = c\n[c]\ninherit = a\n",
        [(2, "circle: a -> b -> c -> a")],
    ),
    "default profile mistyped": ("[gateway]\nprofile = lb\n" + GOOD, [(2, "no profile 'lb'", "did you mean 'lab'?")]),
    # include
    "include of a missing file": ("include = none.ini\n" + GOOD, [(1, "none.ini", "No such file")]),
    "include of itself": ("include = penstock.ini\n" + GOOD, [(1, "circle")]),
    "include in a profile": (GOOD + "include = x.ini\n", [(5, "`include` belongs at the top", "[lab]")]),
    "include of nothing": ("include =\n" + GOOD, [(1, "`include` is empty")]),
}


@pytest.mark.parametrize("name", CASES)
def test_one_fault(penstock, tmp, name):
    text, expected = CASES[name]
    path = write(tmp / "penstock.ini", fill(text, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 3, result
    assert_told(found, expected, path)


def test_the_good_profile_is_good(penstock, tmp):
    path = write(tmp / "penstock.ini", fill(GOOD, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 0, result
    assert found == []


def test_many_faults_in_one_file_are_all_told(penstock, tmp):
    text = """stray = 1
[gateway]
listen = 0.0.0.0:99
log_levl = info
stop_timeout = soon
hold = 1s
nonsense
[lab]
transport = good
plugin = {plugin}
place = nowhere
depth = 10
colour = rde
pause = 61s
colur = red
lanes = many
  and = more
lanes = 2
[lab]
[two]
inherit = lba
hold = ${UNHEARD_OF}
[three
= 4
"""
    path = write(tmp / "penstock.ini", fill(text, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert_told(
        found,
        [
            (1, "before any section"),
            (3, "`expose = yes`"),
            (4, "`log_level`?"),
            (5, "no duration"),
            (6, "belongs in a profile"),
            (7, "neither"),
            (11, "`place`", "port is missing"),
            (12, "from 1 to 9"),
            (13, "did you mean 'red'?"),
            (14, "from 0s to 1m"),
            (15, "`colour`?"),
            (17, "takes one line"),
            (18, "`lanes` is set twice"),
            (19, "twice"),
            (21, "did you mean 'lab'?"),
            (22, "UNHEARD_OF is not set"),
            (23, "closing"),
            (24, "no key"),
        ],
        path,
    )


def test_many_profiles_are_all_checked(penstock, tmp):
    text, expected = "", []
    for number in range(40):
        text += f"[p{number}]\ntransport = good\nplugin = {{plugin}}\nplace = 9090\nlanes = {number + 20}\n"
        expected.append((number * 5 + 5, f"{number + 20} is out of range"))
    path = write(tmp / "penstock.ini", fill(text, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert_told(found, expected, path)


def test_faults_in_included_files_are_told_there(penstock, tmp):
    (tmp / "d").mkdir(mode=0o700)
    one = write(tmp / "d" / "one.ini", fill(GOOD.replace("lab", "one") + "lanes = 0\n", penstock))
    two = write(tmp / "d" / "two.ini", fill("\n" + GOOD + "depth = x\n", penstock))
    path = write(tmp / "penstock.ini", fill("include = d/*.ini\n" + GOOD + "lanse = 1\n", penstock))
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert_told(found, [(6, "`lanes`?")], path)
    assert_told(found, [(5, "from 1 to 16")], one)
    # [lab] is in the main file already: the second one is not used, so what is in it is not checked
    assert_told(found, [(2, "[lab] is there twice", f"{path}:2")], two)


def test_a_fault_that_two_profiles_inherit_is_told_once(penstock, tmp):
    text = GOOD + "lanes = 0\n[two]\ninherit = lab\n[three]\ninherit = two\n"
    path = write(tmp / "penstock.ini", fill(text, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert_told(found, [(5, "`lanes`")], path)


def test_a_profile_to_inherit_from_needs_no_transport(penstock, tmp):
    text = "[base]\nhold = 5s\n" + GOOD + "inherit = base\n"
    result, found = check(penstock, write(tmp / "penstock.ini", fill(text, penstock)))
    assert result.returncode == 0, result
    assert found == []


def test_json_tells_the_same(penstock, tmp):
    path = write(tmp / "penstock.ini", fill(GOOD + "lanes = 0\ndepht = 1\n", penstock))
    _, found = check(penstock, path)
    result = penstock.run("check", "--json", "--config", path)
    assert result.returncode == 3
    events = [json.loads(line) for line in result.stdout.splitlines()]
    problems = [
        (event["file"], event["line"], event["severity"], event["text"])
        for event in events
        if event["event"] == "problem"
    ]
    assert problems == found
    assert len(problems) == 2


# --- warnings: told, and no reason to fail ------------------------------------------------------------------


WARNINGS = {
    "comment with a hash": (GOOD + "description = Lab # one\n", (5, "`#` begins no comment")),
    "variable without braces": (GOOD + "description = $HOME\n", (5, "write ${HOME}")),
    "pattern that nothing matches": ("include = *.none\n" + GOOD, (1, "no file matches")),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_warning(penstock, tmp, name):
    text, expected = WARNINGS[name]
    path = write(tmp / "penstock.ini", fill(text, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 0, result
    assert_told(found, [], path)
    assert_told(found, [expected], path, kind="warning")


def test_a_file_that_others_can_read_is_warned_of(penstock, tmp):
    path = write(tmp / "penstock.ini", fill(GOOD, penstock), mode=0o644)
    result, found = check(penstock, path)
    assert result.returncode == 0
    assert_told(found, [(0, "others can read this file", f"chmod 600 {path}")], path, kind="warning")


# --- files that are refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, who", [(0o602, "everyone"), (0o620, "its group"), (0o666, "everyone")])
def test_a_file_that_others_can_write_is_refused(penstock, tmp, mode, who):
    path = write(tmp / "penstock.ini", fill(GOOD, penstock), mode=mode)
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert_told(found, [(0, f"can be written by {who}", "chmod go-w")], path)


def test_an_included_file_that_others_can_write_is_refused(penstock, tmp):
    more = write(tmp / "more.ini", fill(GOOD.replace("lab", "more"), penstock), mode=0o666)
    path = write(tmp / "penstock.ini", fill("include = more.ini\n" + GOOD, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert_told(found, [(0, "can be written by everyone")], more)
    assert "more" not in penstock.run("profiles", "--config", path).stdout.split()


def test_a_file_in_a_folder_that_others_can_write_is_refused(penstock, tmp):
    folder = tmp / "open"
    folder.mkdir()
    folder.chmod(0o777)
    path = write(folder / "penstock.ini", fill(GOOD, penstock))
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert_told(found, [(0, str(folder), "folder can be written by everyone")], path)


@pytest.mark.parametrize(
    "make", [lambda path: path.mkdir(), os.mkfifo, lambda path: None], ids=["folder", "pipe", "none"]
)
def test_what_is_no_file_is_refused(penstock, tmp, make):
    path = tmp / "penstock.ini"
    make(path)
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert [(file, line, kind) for file, line, kind, _ in found] == [(str(path), 0, "error")]


def test_a_file_that_is_no_text_is_told_in_a_few_lines(penstock, tmp):
    path = write(tmp / "penstock.ini", b"\0\n" * 500)
    result, found = check(penstock, path)
    assert result.returncode == 3
    assert "is this a text file at all?" in found[-1][3]
    assert len(found) == 11


def test_a_file_without_a_profile_is_warned_of(penstock, tmp):
    path = write(tmp / "penstock.ini", "[gateway]\nlisten = 9090\n")
    result, found = check(penstock, path)
    assert result.returncode == 0
    assert_told(found, [(0, "no profile")], path, kind="warning")


def test_no_file_at_all_says_where_it_was_looked_for(penstock, tmp):
    result = penstock.run("check", env={"XDG_CONFIG_HOME": str(tmp / "xdg")})
    assert result.returncode == 3
    told = result.stdout + result.stderr
    assert str(tmp / "xdg" / "penstock" / "penstock.ini") in told
    assert "--config" in told and "PENSTOCK_CONFIG" in told


def test_the_search_order(penstock, tmp):
    def place(folder, name):
        folder.mkdir(parents=True, mode=0o700)
        return write(folder / "penstock.ini", fill(GOOD.replace("lab", name), penstock))

    place(penstock.home / ".config" / "penstock", "by-home")
    place(tmp / "xdg" / "penstock", "by-xdg")
    named = place(tmp / "named", "by-variable")
    given = place(tmp / "given", "by-option")
    xdg = {"XDG_CONFIG_HOME": str(tmp / "xdg")}
    both = {**xdg, "PENSTOCK_CONFIG": str(named)}
    assert "by-home" in penstock.run("profiles").stdout
    assert "by-xdg" in penstock.run("profiles", env=xdg).stdout
    assert "by-variable" in penstock.run("profiles", env=both).stdout
    assert "by-option" in penstock.run("profiles", "--config", given, env=both).stdout

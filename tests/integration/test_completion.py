# SPDX-License-Identifier: MIT
"""Completion: what may come next, and that bash, zsh and fish find it, each in an interactive shell."""

import os
import subprocess
from pathlib import Path

import pytest

from support.gateway import write_ini
from support.shell import PROMPT, Shell

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
SHELLS = ["bash", "bash-completion", "zsh", "fish"]


@pytest.fixture
def config(penstock):
    """The profiles file in effect, with profiles of several kinds."""
    return write_ini(
        penstock.home / "penstock.ini",
        {
            "gateway": {"plugin_path": penstock.home / "more"},
            "base": {"root": "/x"},
            "lab": {"transport": "ssh", "description": "the machine in the lab"},
            "my lab": {"transport": "ssh", "host": "x", "inherit": "base"},
            "farm:1": {"transport": "docker"},
        },
    )


@pytest.fixture
def words(penstock, config):
    """words("up", "") tells what the last word may become: [first line, words…]."""

    def ask(*line, env=None):
        done = penstock.run("completion", "words", "--", *line, env={"PENSTOCK_CONFIG": config, **(env or {})})
        assert (done.returncode, done.stderr) == (0, "")
        first, *rest = done.stdout.splitlines()
        assert all(text.count("\t") == 1 for text in rest)
        return [first, *(text.split("\t")[0] for text in rest)]

    return ask


def helped(penstock, *command):
    """The long options, and the commands, that a help text lists."""
    lines = [line.split() for line in penstock.run(*command, "--help").stdout.splitlines() if line.startswith("  ")]
    listed = [word for line in lines if line for word in line[:2] if word.startswith("--")]
    return listed, [line[0] for line in lines if line and line[0].islower()]


# -- what may come next -------------------------------------------------------------------------------------


def test_commands_are_those_of_the_help(penstock, words):
    kind, *commands = words("")
    assert kind == "words"
    text = penstock.run("--help").stdout
    listed = text[text.index("Commands:") : text.index("Options of")].splitlines()[1:-1]
    assert commands == [line.split()[0] for line in listed]
    assert words("help", "") == ["words", *commands]
    for command in commands:
        assert words(command[:-1]) == ["words", *(each for each in commands if each.startswith(command[:-1]))]


@pytest.mark.parametrize("command", [["up"], ["check"], ["plugin", "show"], ["ssh-command", "explain"], ["version"]])
def test_options_are_those_of_the_help(penstock, words, command):
    own, _ = helped(penstock, *command)
    common, _ = helped(penstock)
    _, *offered = words(*command, "-")
    assert set(offered) == set(own) | set(common) - {"--version"}
    assert offered.index("--help") == len(offered) - 1


@pytest.mark.parametrize(
    "line, found",
    [
        (["plugin", ""], ["words", "list", "show"]),
        (["help", "plugin", "s"], ["words", "show"]),
        (["help", "up", ""], ["words"]),
        (["up", ""], ["words", "lab", "my lab", "farm:1"]),
        (["up", "--json", "m"], ["words", "my lab"]),
        (["--batch", "trust", "la"], ["words", "lab"]),
        (["up", "lab", ""], ["words", "lab", "my lab", "farm:1"]),
        (["use", "lab", ""], ["words"]),
        (["up", "--listen", ""], ["words"]),
        (["up", "--listen", "x", "f"], ["words", "farm:1"]),
        (["--log-level", "w"], ["words", "warn"]),
        (["check", "--log-level=w"], ["words", "--log-level=warn"]),
        (["check", "--color=a"], ["words", "--color=auto", "--color=always"]),
        (["--config", "/e"], ["files"]),
        (["--log-file=/v"], ["files"]),
        (["plugin", "list", "--path", ""], ["folders"]),
        (["plugin", "show", "docker-"], ["files", "docker-ssh-command", "docker-ssh"]),
        (["plugin", "show", "my"], ["files", "mytransport"]),
        (["up", "--", "-"], ["words"]),
        (["up", "--", "l"], ["words", "lab"]),
        (["--vers"], ["words", "--version"]),
        (["up", "--vers"], ["words"]),
        (["up", "--verb=x"], ["words"]),
        (["up", "--verbose=x"], ["words"]),
        (["nothing-such", ""], ["words"]),
        (["plugin", "nothing-such", ""], ["words"]),
        ([], ["words"]),
    ],
    ids=" ".join,
)
def test_what_may_come_next(penstock, words, line, found):
    (penstock.home / "more").mkdir()
    (penstock.home / "more" / "mytransport.so").write_text("no plugin: it must not be loaded")
    (penstock.home / "more" / "Not A Name.so").touch()
    assert words(*line) == found


def test_another_file_is_named(penstock, words):
    other = write_ini(penstock.home / "other.ini", {"yonder": {"transport": "ssh"}})
    for line in (["--config", other, "up"], [f"--config={other}", "up"], ["up", "--config", "~/other.ini"]):
        assert words(*line, "") == ["words", "yonder"]
    assert words("up", "--config", other, "--config", "") == ["files"]


@pytest.mark.parametrize("text", [None, "[lab\n", "[lab]\ntransport = \0\n", "x\n[lab]\nlisten = $\n[lab]\n" + "[a]" * 9000])
def test_a_broken_file_is_passed_over_in_silence(penstock, words, text):
    broken = penstock.home / "broken.ini"
    if text is not None:
        broken.write_text(text)
        broken.chmod(0o600)
    assert words("up", "", env={"PENSTOCK_CONFIG": broken}) [0] == "words"
    assert "local" in words("plugin", "show", "", env={"PENSTOCK_CONFIG": broken})


def test_what_is_no_line_of_output_is_left_out(penstock, words):
    config = penstock.home / "odd.ini"
    config.write_text("[tab\there]\ntransport = a\n[esc]\ntransport = a\ndescription = x\ty\n[end]\ntransport = a\n")
    config.chmod(0o600)
    assert words("up", "", env={"PENSTOCK_CONFIG": config}) == ["words", "esc", "end"]


# -- in a shell ---------------------------------------------------------------------------------------------


class Typed:
    """An interactive shell in which penstock's completion is set up as a user would."""

    def __init__(self, name, penstock, config):
        home = penstock.home
        env = {
            **penstock.environment({"PENSTOCK_CONFIG": config}),
            "PATH": f"{penstock.folder}:{os.environ['PATH']}",
        }
        self.home = home
        if name == "bash":
            rc = f"PS1='{PROMPT}'; source <(penstock completion bash)\n"
        else:
            rc = f"PS1='{PROMPT}'; source {BASH_COMPLETION}\n"
            scripts = home / ".local" / "share" / "bash-completion" / "completions"
            if name == "bash-completion":
                scripts.mkdir(parents=True)
                (scripts / "penstock").write_text(penstock.run("completion", "bash").stdout)
        if name.startswith("bash"):
            (home / "bashrc").write_text("bind 'set enable-bracketed-paste off'\n" + rc)
            line = ["bash", "--noprofile", "--rcfile", home / "bashrc", "-i"]
        elif name == "zsh":
            functions = home / "functions"
            functions.mkdir()
            (functions / "_penstock").write_text(penstock.run("completion", "zsh").stdout)
            (home / ".zshrc").write_text(
                f"PS1='{PROMPT}'; bindkey -e; unset zle_bracketed_paste; fpath=({functions} $fpath)\n"
                "autoload -Uz compinit; compinit -u -D\n"
            )
            line = ["zsh", "-d", "-i"]
            env["ZDOTDIR"] = str(home)
        else:
            folder = home / ".config" / "fish"
            (folder / "completions").mkdir(parents=True)
            (folder / "completions" / "penstock.fish").write_text(penstock.run("completion", "fish").stdout)
            (folder / "config.fish").write_text(f"function fish_prompt; echo -n '{PROMPT}'; end\nset fish_greeting\n")
            line = ["fish", "-i"]
        self.shell = Shell(list(map(str, line)), env)

    def __call__(self, typed):
        program, *rest = self.shell.complete(f"penstock {typed}")
        assert program == "penstock"
        return rest


@pytest.fixture(params=SHELLS)
def typed(request, penstock, config):
    """typed("up la") types this after "penstock " and TAB, and returns the words that the shell makes of it."""
    made = Typed(request.param, penstock, config)
    yield made
    made.shell.close()


def test_a_shell_completes(typed, penstock):
    write_ini(penstock.home / "some other.ini", {"yonder": {"transport": "ssh"}})
    (penstock.home / "somewhere").mkdir()
    home = str(penstock.home)
    assert typed("prof") == ["profiles"]
    assert typed("plugin sh") == ["plugin", "show"]
    assert typed("up --no-l") == ["up", "--no-launch"]
    assert typed("up la") == ["up", "lab"]
    assert typed("plugin show loc") == ["plugin", "show", "local"]
    # With a blank, and a colon, at which bash divides words.
    assert typed("up my") == ["up", "my lab"]
    assert typed("up 'my") == ["up", "my lab"]
    assert typed("up far") == ["up", "farm:1"]
    assert typed("up farm:") == ["up", "farm:1"]
    # Behind "=".
    assert typed("check --log-level=d") == ["check", "--log-level=debug"]
    assert typed("check --log-level d") == ["check", "--log-level", "debug"]
    # Files.
    assert typed(f"--config {home}/some\\ ") == ["--config", f"{home}/some other.ini"]
    assert typed(f"--config={home}/some\\ ") == [f"--config={home}/some other.ini"]
    *_, option, folder = typed("plugin list --path ~/somew")
    assert (option, folder.rstrip("/")) == ("--path", f"{home}/somewhere")
    # Another profiles file.
    assert typed(f"--config '{home}/some other.ini' up yo") == ["--config", f"{home}/some other.ini", "up", "yonder"]
    assert typed(f"--config={home}/some\\ other.ini up yo") == [f"--config={home}/some other.ini", "up", "yonder"]
    assert typed("--config ~/some\\ other.ini up yo") == ["--config", f"{home}/some other.ini", "up", "yonder"]
    # What means nothing stays as it is.
    assert typed("up zz") == ["up", "zz"]
    assert typed("nothing-such x") == ["nothing-such", "x"]


def test_a_program_elsewhere_is_asked(typed, penstock):
    (penstock.home / "bin").mkdir()
    (penstock.home / "bin" / "penstock").symlink_to(penstock.binary)
    assert typed("up la") == ["up", "lab"]  # bash-completion loads a script for a path at the second TAB only
    assert typed.shell.complete("~/bin/penstock up la")[1:] == ["up", "lab"]
    assert typed.shell.complete(f"{penstock.home}/bin/penstock up la")[1:] == ["up", "lab"]


def test_zsh_by_source(penstock, config):
    """As `penstock completion zsh --help` says."""
    (penstock.home / ".zshrc").write_text(
        f"PS1='{PROMPT}'; bindkey -e; unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D\n"
        "source <(penstock completion zsh)\n"
    )
    env = penstock.environment({"PENSTOCK_CONFIG": config, "ZDOTDIR": penstock.home})
    shell = Shell(["zsh", "-d", "-i"], {**env, "PATH": f"{penstock.folder}:{os.environ['PATH']}"})
    try:
        assert shell.complete("penstock up la") == ["penstock", "up", "lab"]
    finally:
        shell.close()


def test_fish_shows_what_words_mean(penstock, config):
    script = penstock.home / "penstock.fish"
    script.write_text(penstock.run("completion", "fish").stdout)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C 'penstock up '"],
        env={
            **penstock.environment({"PENSTOCK_CONFIG": config}),
            "PATH": f"{penstock.folder}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == ["farm:1\tdocker", "lab\tthe machine in the lab", "my lab\tssh"]

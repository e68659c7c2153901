# SPDX-License-Identifier: MIT
"""The zip and the installer: what they hold, what they leave, and what they leave alone."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile

import pytest

from conftest import PATIENCE, TOP, Windows, ask, made_once, wait_for, windows_path

ENVIRONMENT = "HKCU\\Environment"
REGISTERED = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\penstock"
EXIT_FILES, EXIT_WINDOWS, EXIT_RUNS, EXIT_PATH = 2, 3, 5, 6


def make_packages(build, output):
    """As they are made for users, but that the installer is not compressed for half a minute; tests/run --nightly does that."""
    done = subprocess.run(
        [str(TOP / "packaging" / "windows" / "package"), str(build), str(output)],
        env={"PENSTOCK_PACKAGE_COMPRESSOR": "zlib"} | os.environ,
        capture_output=True, text=True, timeout=110, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def packages(windows, tmp_path_factory):
    made = made_once(tmp_path_factory, "packages", lambda folder: make_packages(windows.build, folder))
    [archive], [setup] = made.glob("*.zip"), made.glob("*-setup.exe")
    return archive, setup


@pytest.fixture(scope="session")
def older(windows, tmp_path_factory):
    """The installer of an older version, which had one plugin more."""

    def make(build):
        for name in ("CMakeCache.txt", "penstock.exe", "penstockw.exe", "plugins/winnative.dll", "packaging/windows/user-path.exe"):
            (build / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(windows.build / name, build / name)
        shutil.copy(build / "plugins" / "winnative.dll", build / "plugins" / "retired.dll")
        cache = build / "CMakeCache.txt"
        cache.write_text(re.sub(r"(CMAKE_PROJECT_VERSION:STATIC=).*", r"\g<1>0.0.9", cache.read_text("utf-8")), "utf-8")
        make_packages(build, build / "packages")

    [setup] = made_once(tmp_path_factory, "older", make).glob("packages/*-setup.exe")
    return setup


class Desk:
    """A user's account: the registry, and what is installed there."""

    def __init__(self, windows, setup):
        self.windows = windows
        self.setup = setup
        [self.home] = (windows.prefix / "drive_c" / "users").glob("*/AppData")
        self.folder = self.home / "Local" / "Programs" / "penstock"

    def wine(self, *words, encoding="utf-8"):
        """Into files: the first program with a window starts Wine's desktop, which would hold a pipe for longer than it."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run(
                ["wine", *map(str, words)], env=self.windows.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                timeout=PATIENCE, check=False,
            )
            for file in (out, err):
                file.seek(0)
            done.stdout, done.stderr = out.read().decode(encoding), err.read().decode(encoding)
        return done

    def inside(self, folder):
        """A folder as Windows knows it."""
        return "C:\\" + str(folder.relative_to(self.windows.prefix / "drive_c")).replace("/", "\\")

    def set(self, key, name, text, kind="REG_SZ"):
        done = self.wine("reg", "add", key, "/v", name, "/t", kind, "/d", text, "/f")
        assert done.returncode == 0, done.stderr

    def value(self, key, name):
        """Kind and text of a value, or None."""
        told = self.wine("reg", "query", key, "/v", name, encoding="cp437").stdout
        found = re.search(rf"^ +{name} +(REG_\w+) +(.*?)\r?$", told, re.M)
        return found and found.groups()

    def path(self):
        return self.value(ENVIRONMENT, "Path")

    def install(self, *words, setup=None):
        return self.wine(setup or self.setup, "/S", *words)

    def uninstall(self, folder=None):
        """In place, so that it can be waited for and asked how it ended; it cannot remove itself then."""
        folder = folder or self.folder
        return self.wine(folder / "uninstall.exe", "/S", *("_?=" + self.inside(folder)).split(" "))

    def program(self):
        """penstock as it is installed."""
        made = Windows(self.windows.build, self.windows.prefix)
        made.program = self.folder / "penstock.exe"
        return made

    def sums(self):
        """Of all that is installed."""
        return {
            str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in self.folder.rglob("*")
            if file.is_file()
        }


@pytest.fixture
def desk(windows, packages):
    """On Windows 10: Debian's Wine says that it is Windows 7 else. Nothing of what a test installs is left."""
    made = Desk(windows, packages[1])
    made.set("HKCU\\Software\\Wine", "Version", "win10")
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)
    made.wine("reg", "delete", REGISTERED, "/f")
    made.wine("reg", "delete", ENVIRONMENT, "/v", "Path", "/f")
    made.wine("reg", "delete", "HKCU\\Software\\Wine", "/v", "Version", "/f")


def test_the_zip_is_all_that_is_needed(windows, packages, tmp_path):
    tmp_path.chmod(0o700)
    with zipfile.ZipFile(packages[0]) as archive:
        archive.extractall(tmp_path)
    [folder] = tmp_path.iterdir()
    assert folder.name + ".zip" == packages[0].name
    unpacked = Windows(windows.build, windows.prefix)
    unpacked.program = folder / "penstock.exe"
    done = unpacked.run("version", "--json")
    assert done.returncode == 0, done.stderr
    assert f"-{json.loads(done.stdout)['penstock']}-" in folder.name
    done = unpacked.run("plugin", "list")
    assert done.returncode == 0 and windows_path(folder / "plugins").lower() in done.stdout.replace("/", "\\").lower(), done.stdout
    assert "winnative.dll" in done.stdout
    done = unpacked.run("check", "--config", windows_path(folder / "conf" / "examples" / "winnative.ini"))
    told = done.stdout + done.stderr  # the example is right but for its solver, which is not here
    assert "The folder D:\\ppf-contact-solver does not exist" in told and "1 profile, 1 error" in told, told
    assert "ProductVersion".encode("utf-16-le") in (folder / "penstock.exe").read_bytes()


def test_the_zip_has_licences_and_documents(packages):
    with zipfile.ZipFile(packages[0]) as archive:
        top = packages[0].stem
        texts = {name.removeprefix(top + "/"): archive.read(name).decode(errors="replace") for name in archive.namelist()}
    for library, words in {
        "openssl": "Apache License", "libssh": "GNU LESSER GENERAL PUBLIC LICENSE", "libuv1": "Permission is hereby granted",
        "jansson": "Permission is hereby granted", "libinih": "Redistribution and use", "mingw-w64-x86-64-dev": "MinGW-w64",
        "gcc-mingw-w64-base": "Runtime Library Exception",
    }.items():
        assert any(name.startswith(f"licences/{library}/") and words.lower() in text.lower() for name, text in texts.items()), library
    for link in re.findall(r"\]\((docs/[^)#]*)", texts["README.md"]):
        assert link in texts, link


def test_installed_and_uninstalled(windows, desk):
    before = ("REG_EXPAND_SZ", "C:\\one;%TEMP%;C:\\two")
    desk.set(ENVIRONMENT, "Path", before[1], before[0])
    profiles = desk.home / "Roaming" / "penstock" / "penstock.ini"
    profiles.parent.mkdir(exist_ok=True)
    profiles.write_text("[lab]\ntransport = winnative\n", "utf-8")
    for _ in range(2):
        done = desk.install()
        assert done.returncode == 0, done.stdout + done.stderr
        assert desk.path() == (before[0], before[1] + ";" + desk.inside(desk.folder))
    # As a console finds it.
    assert not any("penstock" in entry for entry in desk.windows.environment["PATH"].split(":"))
    done = desk.wine("cmd", "/c", "penstock version --json")
    version = json.loads(done.stdout)["penstock"]
    assert desk.value(REGISTERED, "DisplayVersion") == ("REG_SZ", version)
    done = desk.program().run("plugin", "list")
    assert done.returncode == 0 and "winnative.dll" in done.stdout and "Local" in done.stdout, done.stdout + done.stderr
    # By what Windows' settings call. It goes on when that has returned.
    assert desk.value(REGISTERED, "QuietUninstallString")[1] == f'"{desk.inside(desk.folder)}\\uninstall.exe" /S'
    assert desk.wine(desk.folder / "uninstall.exe", "/S").returncode == 0
    wait_for(lambda: not desk.folder.exists(), lambda: f"left: {list(desk.folder.rglob('*'))}")
    assert desk.value(REGISTERED, "DisplayName") is None
    assert desk.path() == before
    assert profiles.read_text("utf-8") == "[lab]\ntransport = winnative\n"
    profiles.unlink()


def test_a_path_that_was_not_there_is_none_again(desk):
    assert desk.path() is None
    assert desk.install().returncode == 0
    assert desk.path() == ("REG_EXPAND_SZ", desk.inside(desk.folder))
    assert desk.uninstall().returncode == 0
    assert desk.path() is None
    assert [file.name for file in desk.folder.rglob("*")] == ["uninstall.exe"]


@pytest.mark.parametrize("end", ["", ";", ";;"])
def test_a_long_path_is_not_cut(desk, end):
    before = ("REG_SZ", ";".join(f"C:\\Programme\\Ärger {i}\\bin" for i in range(200)) + end)
    assert len(before[1]) > 4096
    desk.set(ENVIRONMENT, "Path", before[1])
    folder = desk.folder.with_name("pen stock Ä")
    assert desk.install(*("/D=" + desk.inside(folder)).split(" ")).returncode == 0
    assert (folder / "penstock.exe").exists()
    [entry] = set(desk.path()[1].split(";")) - set(before[1].split(";"))
    assert entry == desk.inside(folder) and desk.path()[1].startswith(before[1])
    assert desk.uninstall(folder).returncode == 0
    assert desk.path() == before
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "kind, there, left",
    [
        ("REG_SZ", "C:\\a;c:/X y/Pen/;C:\\b", "C:\\a;C:\\b"),
        ("REG_SZ", '"C:\\X y\\pen";C:\\b;', "C:\\b;"),
        ("REG_SZ", 'C:\\a;"C:\\se;mi";C:\\x Y\\pen\\', 'C:\\a;"C:\\se;mi"'),
        ("REG_EXPAND_SZ", "C:\\a;%SystemDrive%\\x y\\pen;C:\\X y\\pen2;", "C:\\a;C:\\X y\\pen2;"),
    ],
)
def test_an_entry_is_known_by_other_spellings(windows, desk, kind, there, left):
    tool = windows.build / "packaging" / "windows" / "user-path.exe"
    desk.set(ENVIRONMENT, "Path", there, kind)
    assert desk.wine(tool, "add", "C:\\X y\\pen").returncode == 0
    assert desk.path() == (kind, there)
    assert desk.wine(tool, "remove", "C:\\X y\\pen").returncode == 0
    assert desk.path() == (kind, left)
    assert desk.wine(tool, "remove", "C:\\X y\\pen").returncode == 0
    assert desk.path() == (kind, left)


def test_a_path_of_another_kind_is_left_and_told(desk):
    desk.set(ENVIRONMENT, "Path", "0011", "REG_BINARY")
    done = desk.install()
    assert done.returncode == EXIT_PATH and "PATH could not be changed" in done.stderr, done.stderr
    assert desk.path() == ("REG_BINARY", "0011")
    assert desk.program().run("version").returncode == 0


def test_a_newer_one_takes_an_older_ones_place(desk, older):
    assert desk.install(setup=older).returncode == 0
    assert desk.value(REGISTERED, "DisplayVersion")[1] == "0.0.9"
    assert (desk.folder / "plugins" / "retired.dll").exists()
    own = desk.folder / "plugins" / "mine.dll"
    shutil.copy(desk.folder / "plugins" / "winnative.dll", own)
    there = desk.inside(desk.folder) + ";C:\\later"
    desk.set(ENVIRONMENT, "Path", there)
    done = desk.install()
    assert done.returncode == 0, done.stderr
    assert desk.value(REGISTERED, "DisplayVersion")[1] != "0.0.9"
    assert not (desk.folder / "plugins" / "retired.dll").exists()
    assert own.exists()
    assert desk.path()[1] == there
    # What is somebody else's stays when all else goes.
    assert desk.uninstall().returncode == 0
    assert sorted(file.name for file in desk.folder.rglob("*")) == ["mine.dll", "plugins", "uninstall.exe"]
    assert desk.path()[1] == "C:\\later"


def test_another_folder_takes_the_first_ones_place(desk):
    assert desk.install().returncode == 0
    other = desk.folder.with_name("elsewhere")
    assert desk.install("/D=" + desk.inside(other)).returncode == 0
    assert not desk.folder.exists()
    assert (other / "penstock.exe").exists()
    assert desk.path()[1] == desk.inside(other)
    assert desk.value(REGISTERED, "InstallLocation")[1] == desk.inside(other)
    # From then on it is the place.
    assert desk.install().returncode == 0
    assert not desk.folder.exists()
    assert desk.uninstall(other).returncode == 0
    assert desk.path() is None
    shutil.rmtree(other)


def test_nothing_is_changed_while_a_gateway_runs(windows, desk, older, solver):
    assert desk.install(setup=older).returncode == 0
    lab = solver()
    before, path = desk.sums(), desk.path()
    with desk.program().gateway(lab.profile(on_exit="stop"), "lab") as gateway:
        gateway.wait_event("serving")
        for done in (desk.install(), desk.uninstall()):
            assert done.returncode == EXIT_RUNS, done.stdout + done.stderr
            assert "penstock is running" in done.stderr and "penstock down --all" in done.stderr
        assert desk.sums() == before
        assert desk.path() == path
        assert desk.value(REGISTERED, "DisplayVersion")[1] == "0.0.9"
        assert ask(lab.listen)
        assert windows.run("down").returncode == 0
        assert gateway.wait_end() == 0
    lab.wait_all_gone()
    assert desk.install().returncode == 0
    assert desk.value(REGISTERED, "DisplayVersion")[1] != "0.0.9"
    assert desk.uninstall().returncode == 0


def test_an_old_windows_is_refused(desk):
    desk.set("HKCU\\Software\\Wine", "Version", "win7")
    done = desk.install()
    assert done.returncode == EXIT_WINDOWS and "Windows 10, version 1903" in done.stderr
    assert not desk.folder.exists() and desk.path() is None


def test_what_cannot_be_written_is_told(desk):
    desk.folder.mkdir(parents=True)
    (desk.folder / "docs").write_text("no folder", "utf-8")
    done = desk.install()
    assert done.returncode == EXIT_FILES and "Not all files could be written" in done.stderr, done.stderr
    assert desk.value(REGISTERED, "DisplayName") is None and desk.path() is None

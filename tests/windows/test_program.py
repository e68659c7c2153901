# SPDX-License-Identifier: MIT
"""The program itself on Windows: its words, its files, its control pipe."""
import json
import shutil

from conftest import Windows, ask, wait_for, windows_path


def test_versions_and_plugins(windows):
    done = windows.run("version", "--json")
    assert done.returncode == 0
    libraries = json.loads(done.stdout)["libraries"]
    assert libraries["libuv"] and libraries["inih"]
    done = windows.run("plugin", "list")
    assert done.returncode == 0 and "winnative.dll" in done.stdout
    done = windows.run("plugin", "show", "winnative")
    assert done.returncode == 0 and "target\\release" in done.stdout


def test_profiles_file_is_looked_for_in_appdata(windows):
    done = windows.run("profiles")
    assert done.returncode == 3 and "AppData/Roaming/penstock/penstock.ini" in done.stderr
    [roaming] = (windows.prefix / "drive_c" / "users").glob("*/AppData/Roaming")
    (roaming / "penstock").mkdir(exist_ok=True)
    config = roaming / "penstock" / "penstock.ini"
    config.write_text("[lab]\ntransport = winnative\nroot = C:\\solver\n[Müller 日本]\ntransport = winnative\n", "utf-8")
    config.chmod(0o600)
    try:
        done = windows.run("profiles", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [entry["name"] for entry in json.loads(done.stdout)["profiles"]] == ["lab", "Müller 日本"]
    finally:
        config.unlink()


def test_files_that_others_can_change_are_refused(windows, tmp_path):
    config = tmp_path / "penstock.ini"
    config.write_text("[lab]\ntransport = winnative\n", "utf-8")
    config.chmod(0o600)
    assert windows.run("profiles", "--config", windows_path(config)).returncode == 0
    config.chmod(0o666)
    done = windows.run("profiles", "--config", windows_path(config))
    assert done.returncode == 3 and "refused" in done.stderr and "icacls" in done.stderr
    config.chmod(0o644)
    done = windows.run("check", "--config", windows_path(config))
    assert "others can read this file" in done.stdout + done.stderr
    assert "%USERNAME%" not in done.stdout and ':F"' in done.stdout  # PowerShell would take it to the letter
    assert f'icacls "{windows_path(config)}"' in done.stdout, done.stdout


def test_what_to_do_next_is_windows_own(windows, tmp_path):
    """Not what a user of another system would type; and nothing that PowerShell takes for something else."""
    done = windows.run("--help")
    assert "%APPDATA%" in done.stdout and "~/.config" not in done.stdout
    config = tmp_path / "penstock.ini"
    config.write_text("[lab]\ntransport = winnative\nplugin_sha256 = abc\n", "utf-8")
    config.chmod(0o600)
    done = windows.run("check", "--config", windows_path(config))
    assert done.returncode == 3 and "certutil -hashfile" in done.stdout and "sha256sum" not in done.stdout, done.stdout


def test_settings_of_ssh_for_all_users_are_the_administrators(windows, tmp_path):
    config = tmp_path / "penstock.ini"
    config.write_text("[lab]\ntransport = ssh\nhost = 127.0.0.1\nuser = me\n", "utf-8")
    config.chmod(0o600)
    folder = windows.prefix / "drive_c" / "ProgramData" / "ssh"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ssh_config").write_text("ProxyCommand run-this\n")
    try:
        (folder / "ssh_config").chmod(0o644)
        done = windows.run("check", "lab", "--config", windows_path(config))
        assert "run-this" in done.stdout + done.stderr
        (folder / "ssh_config").chmod(0o666)
        done = windows.run("check", "lab", "--config", windows_path(config))
        assert done.returncode != 0 and "may write this file" in done.stdout + done.stderr and "run-this" not in done.stdout
    finally:
        shutil.rmtree(folder)


def test_a_plugin_that_is_none_is_refused(windows, tmp_path):
    plugin = tmp_path / "bad.dll"
    whole = (windows.build / "plugins" / "winnative.dll").read_bytes()
    for bytes_, why in ((whole[:5000], "truncated"), (b"\x7fELF" + whole[4:], "not a PE file"), (b"", "empty")):
        plugin.write_bytes(bytes_)
        plugin.chmod(0o644)
        done = windows.run("plugin", "show", windows_path(plugin))
        assert done.returncode == 3 and why in done.stderr, done.stderr
    plugin.write_bytes((windows.build / "penstock.exe").read_bytes())
    done = windows.run("plugin", "show", windows_path(plugin))
    assert done.returncode == 3 and "it is a program, not a library" in done.stderr


def test_libraries_of_a_plugin_are_looked_for_beside_it_and_beside_the_program(windows, tmp_path):
    tmp_path.chmod(0o700)
    built = windows.build / "tests" / "windows"
    program, plugins = tmp_path / "program", tmp_path / "plugins"
    for folder, file in ((program, windows.program), (plugins, built / "needy.dll")):
        folder.mkdir()
        shutil.copy(file, folder)
    there = Windows(windows.build, windows.prefix)
    there.program = program / "penstock.exe"
    plugin = windows_path(plugins / "needy.dll")
    for beside in (plugins, program):
        done = there.run("plugin", "show", plugin)
        assert done.returncode == 3 and "put the libraries that it needs beside it" in done.stderr, done.stdout + done.stderr
        shutil.copy(built / "helper.dll", beside)
        done = there.run("plugin", "show", plugin)
        assert done.returncode == 0 and "better" in done.stdout, done.stdout + done.stderr
        (beside / "helper.dll").unlink()


def test_status_and_another_profile(windows, solver):
    lab, farm = solver(), solver("bundle", "farm")
    config = lab.profile(on_exit="stop")
    with config.open("a", encoding="utf-8") as file:
        file.write(f"[farm]\ntransport = winnative\nroot = {windows_path(farm.folder)}\npeers = any\n")
        file.write(f"endpoint = 127.0.0.1:{farm.port}\nlisten = 127.0.0.1:{lab.listen}\non_exit = stop\n")
    with windows.gateway(config, "lab") as gateway:
        gateway.wait_event("serving")
        done = windows.run("status", "--json")
        assert done.returncode == 0, done.stderr
        assert "lab" in done.stdout and str(lab.listen) in done.stdout
        done = windows.run("use", "farm", timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr + gateway.said()
        assert ask(lab.listen)
        assert farm.notes("pid")
        done = windows.run("down")
        assert done.returncode == 0
        assert gateway.wait_end() == 0
    farm.wait_all_gone()
    # Whose it was is gone from the folder of pipes, so nobody is found.
    assert windows.run("status").returncode == 4
    wait_for(lambda: not list(windows.runtime.iterdir()), "a pipe's file is left")

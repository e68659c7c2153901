# SPDX-License-Identifier: MIT
"""Plugins that a test needs, built from one source file against the headers alone."""

import subprocess
from pathlib import Path


def build_plugin(penstock, source, folder):
    """Builds `source` (a path below the checkout) into `folder`; returns the keys that make a profile use it."""
    source = penstock.checkout / source
    folder = Path(folder)
    folder.mkdir(mode=0o700)
    made = folder / f"{source.stem}.so"
    command = ["cc", "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror"]
    command += ["-I", penstock.checkout / "plugins" / "include", "-o", made, source]
    subprocess.run([*map(str, command)], check=True)
    made.chmod(0o755)
    return {"transport": source.stem, "plugin_path": folder}

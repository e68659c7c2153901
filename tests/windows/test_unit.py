# SPDX-License-Identifier: MIT
"""The unit tests that are built for Windows (CMakeLists.txt)."""
import os
import pathlib
import subprocess

import pytest

from conftest import TOP

UNIT = pathlib.Path(os.environ.get("PENSTOCK_MINGW", TOP / "build" / "mingw")) / "tests" / "windows" / "unit"


def test_there_are_some():
    assert list(UNIT.glob("test_*.exe")), f"none in {UNIT}: build them first"


@pytest.mark.parametrize("program", sorted(UNIT.glob("test_*.exe")), ids=lambda path: path.stem)
def test_unit(windows, program, tmp_path):
    done = subprocess.run(
        ["wine", str(program)],
        env=windows.environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[  PASSED  ]" in done.stdout + done.stderr

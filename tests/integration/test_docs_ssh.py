# SPDX-License-Identifier: MIT
"""docs/SSH.md holds the table that the code uses."""

import subprocess
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "SSH.md"


def test_table_of_keywords_is_the_codes_own(penstock):
    tool = penstock.folder / "tests" / "tools" / "ssh_keyword_table"
    renewed = subprocess.run([tool, PAGE], check=True, capture_output=True, text=True).stdout
    assert renewed.count("\n| ") > 100
    assert PAGE.read_text() == renewed, f"renew it: {tool} {PAGE} > new && mv new {PAGE}"

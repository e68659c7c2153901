# SPDX-License-Identifier: MIT
"""Windows without a screen: Wine makes none where no display is, unless its registry names the driver that draws nothing."""


def allow_windows(prefix):
    """Before the prefix' server runs. Of a prefix that is new yet, Wine fills in the rest."""
    registry = prefix / "user.reg"
    text = registry.read_text("utf-8") if registry.exists() else "WINE REGISTRY Version 2\n"
    if "Software\\\\Wine\\\\Drivers" not in text:
        registry.write_text(text + '\n[Software\\\\Wine\\\\Drivers]\n"Graphics"="null"\n', "utf-8")

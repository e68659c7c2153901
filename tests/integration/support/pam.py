# SPDX-License-Identifier: MIT
"""An sshd that asks by PAM: in a mount namespace in which /etc/pam.d/sshd is a file of the test's."""

ANSWER = "open sesame"


def pam_options(folder):
    """Options of the `sshd` fixture for a server whose PAM wants ANSWER after `Password: `."""
    check = folder / "check"
    check.write_text(f"#!/bin/sh\nread -r answer || :\n[ \"$answer\" = '{ANSWER}' ]\n")
    check.chmod(0o755)
    rules = folder / "pam"
    rules.write_text(
        f"auth required pam_exec.so expose_authtok quiet {check}\n"
        "auth required pam_permit.so\n"  # pam_exec sets no credentials, and somebody has to
        "account required pam_permit.so\n"
        "session required pam_permit.so\n"
    )
    return {
        "binds": [(rules, "/etc/pam.d/sshd")],
        "config": ["UsePAM yes", "KbdInteractiveAuthentication yes"],
    }

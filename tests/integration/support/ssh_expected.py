# SPDX-License-Identifier: MIT
"""What penstock should make of the lines of `ssh -G`: computed here once more, from ssh_config(5)."""

import fnmatch
import hashlib
import re
import socket

LOG_LEVELS = {"VERBOSE": "2", "DEBUG": "3", "DEBUG2": "4", "DEBUG3": "5"}
KEEPALIVE_MS, KEEPALIVE_COUNT = "5000", "3"  # a dead host is always found out


def expand(text, allowed, tokens, environment=None):
    """Tokens, and variables if there is an environment."""
    if environment is not None:
        text = re.sub(r"\$\{(\w+)\}", lambda found: environment[found[1]].replace("%", "%%"), text)
    return re.sub("%(.)", lambda found: "%" if found[1] == "%" else tokens[found[1]] if found[1] in allowed else "?!", text)


def tokens_of(lines, home):
    """%h and the others, for what ssh -G printed."""
    one = {keyword: values[0] for keyword, values in lines.items()}
    jump = one.get("proxyjump", "").split(",")[-1].removeprefix("ssh://").split("@")[-1]
    jump = re.sub(r"^\[(.*)\].*|^([^:/]*).*", r"\1\2", jump)
    this = socket.gethostname()
    whole = this + one["hostname"] + one["port"] + one["user"] + jump
    return {
        "C": hashlib.sha1(whole.encode()).hexdigest(),
        "L": this.split(".")[0],
        "d": str(home),
        "h": one["hostname"],
        "i": "0",
        "j": jump,
        "k": one.get("hostkeyalias", one["host"]),
        "l": this,
        "n": one["host"],
        "p": one["port"],
        "r": one["user"],
        "u": "root",
    }


def known_hosts(lines):
    """Files in the order in which they are read. ssh -G prints no quotes; every path here begins with a slash."""
    files = re.split(" (?=/)", lines["userknownhostsfile"][0]) + re.split(" (?=/)", lines["globalknownhostsfile"][0])
    return [file for file in files if file != "none"]


def environment_of(lines, environment):
    sent = {
        name: value
        for pattern in lines.get("sendenv", [])
        for name, value in environment.items()
        if fnmatch.fnmatchcase(name, pattern)
    }
    return sent | dict(pair.split("=", 1) for pair in lines.get("setenv", []))


def agent(lines, environment):
    path = lines.get("identityagent", ["SSH_AUTH_SOCK"])[0]
    if path == "SSH_AUTH_SOCK" or (path.startswith("$") and not path.startswith("${")):
        path = environment.get(path.lstrip("$"), "none")
    return [] if path == "none" else [path]


def expected_settings(lines, is_set, home, environment):
    """Settings as ssh_settings_dump prints them, keyword -> values; those that are not set are left out."""
    one = {keyword: values[0] for keyword, values in lines.items()}
    tokens = tokens_of(lines, home)

    def flag(keyword):
        return ["1" if one[keyword] == "yes" else "0"]

    def path(value):
        return expand(re.sub("^~(?=/)", str(home), value), "CLdhijklnpru", tokens, environment)

    interval = int(one["serveraliveinterval"])
    asked = "serveraliveinterval" in is_set and interval > 0 and (interval, one["batchmode"]) != (300, "yes")
    rekey_bytes, rekey_seconds = one["rekeylimit"].split()
    settings = {
        "host": [one["host"]],
        "hostname": [one["hostname"]],
        "port": [one["port"]],
        "user": [one["user"]],
        "loglevel": [LOG_LEVELS.get(one["loglevel"], "0")],
        "proxyjump": [expand(value, "hnpr", tokens) for value in lines.get("proxyjump", [])],
        "proxycommand": [expand(value, "hnpr", tokens) for value in lines.get("proxycommand", [])],
        "addressfamily": [{"any": "0", "inet": "4", "inet6": "6"}[one["addressfamily"]]],
        "bindaddress": lines.get("bindaddress", []),
        "bindinterface": lines.get("bindinterface", []),
        "tcpkeepalive": flag("tcpkeepalive"),
        "connecttimeout_ms": [str(1000 * int(one["connecttimeout"].replace("none", "0")))],
        "connectionattempts": [one["connectionattempts"]],
        "compression": flag("compression"),
        "rekey_bytes": [rekey_bytes],
        "rekey_seconds": [rekey_seconds],
        "requiredrsasize": [one["requiredrsasize"] if "requiredrsasize" in is_set else "0"],
        "stricthostkeychecking": [
            "accept-new" if one["stricthostkeychecking"] in ("accept-new", "false") else "strict"
        ],
        "hostkeyalias": lines.get("hostkeyalias", []),
        "knownhostsfile": known_hosts(lines),
        "hashknownhosts": flag("hashknownhosts"),
        "identityfile": [path(value) for value in lines["identityfile"] if value != "none"],
        "keys_are_default": ["0" if "identityfile" in is_set else "1"],
        "certificatefile": [path(value) for value in lines.get("certificatefile", [])],
        "identityagent": agent(lines, environment),
        "identitiesonly": flag("identitiesonly"),
        "batchmode": flag("batchmode"),
        "method": ["publickey"],
        "serveraliveinterval_ms": [str(1000 * interval) if asked else KEEPALIVE_MS],
        "serveralivecountmax": [one["serveralivecountmax"] if asked else KEEPALIVE_COUNT],
        "environment": sorted("=".join(pair) for pair in environment_of(lines, environment).items()),
    }
    for keyword in ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms"):
        if keyword in is_set:
            settings[keyword] = lines[keyword]
    return {keyword: values for keyword, values in settings.items() if values}

# SPDX-License-Identifier: MIT
"""What the time of a forwarder goes into while it moves data: its functions, by perf, and its system calls, by strace.

Both slow it down, so nothing of this is a measurement of a row.
"""

import collections
import os
import signal
import subprocess
from dataclasses import dataclass

import usage
from kinds import MB, Bulk, load_command
from routes import find_program

MOST = 14
LEAST = 1.5  # per cent


@dataclass
class Call:
    name: str
    per_mb: float
    percent: float  # of the time in all calls


def explain(row, way, effort, tmp):
    """Markdown about a way of a bulk row."""
    assert isinstance(row.kind, Bulk), f"{row.key} is no bulk row"
    size = row.kind.size(way, effort)
    busy = busyness(row, way, size, effort)
    found = functions(row, way, size, effort, tmp)
    objects = collections.Counter()
    for percent, where, _ in found:
        objects[where] += percent
    shares = ", ".join(f"{where} {percent:.0f} %" for where, percent in objects.most_common(6) if percent >= 0.5)
    lines = [f"### {row.key}: {row.title}, {way.name}", "", busy, "", f"{shares}.", ""]
    lines += ["| share | in | function |", "|---|---|---|"]
    lines += [f"| {percent:.1f} % | {where} | `{name}` |" for percent, where, name in found[:MOST] if percent >= LEAST]
    lines += ["", "| system call | calls per MB | share of the time in calls |", "|---|---|---|"]
    for call in calls(row, way, size, effort, tmp):
        lines.append(f"| {call.name} | {call.per_mb:.1f} | {call.percent:.0f} % |")
    return "\n".join(lines)


def client(row, way, size, effort):
    return load_command(effort.programs, row.kind.direction, way.port, size=size, streams=row.kind.streams)


def run(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def busyness(row, way, size, effort):
    """A sentence: is there anything left of the machine while it works?"""
    busy, total = usage.machine_seconds()
    far, own = way.far_cpu(), way.cpu()
    result = effort.load(row.kind.direction, way.port, size=size, streams=row.kind.streams)
    busy, total = (after - before for after, before in zip(usage.machine_seconds(), (busy, total)))
    cores, seconds = os.cpu_count(), result["seconds"]
    words = f"{result['bytes'] / MB / seconds:.0f} MB/s; {busy / total * cores:.2f} of {cores} processors busy"
    words += f", of which the forwarder {(way.cpu() - own) / seconds:.2f}"
    return words + (f" and its sshd {(way.far_cpu() - far) / seconds:.2f}." if way.far else ".")


def functions(row, way, size, effort, tmp):
    """[(per cent, object, function)], the most first."""
    data = tmp / "perf.data"
    perf = find_program("perf")
    # The client is the command for as long as which perf watches the forwarder. A virtual machine has no other clock.
    watch = [perf, "record", "-q", "-e", "cpu-clock", "-F", "4000", "-p", str(way.pid), "-o", str(data), "--"]
    run(watch + client(row, way, size, effort))
    return parse_functions(run([perf, "report", "-i", str(data), "--stdio", "--no-children", "-s", "dso,symbol"]))


def parse_functions(text):
    """Of perf's table: overhead, object, [k] or [.], symbol, and more columns where it likes."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 4 and words[0].endswith("%") and words[2].startswith("["):
            found.append((float(words[0][:-1]), words[1], words[3]))
    return sorted(found, reverse=True)


def calls(row, way, size, effort, tmp):
    """The system calls that take most of the time, of all threads."""
    out = tmp / "strace.out"
    command = [find_program("strace"), "-f", "-c", "-o", str(out), "-p", str(way.pid)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as strace:
        try:
            line = strace.stderr.readline()
            if "attached" not in line:
                raise RuntimeError(f"strace: {line.strip()}")
            run(client(row, way, size // 4, effort))
        finally:
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=20)
    return parse_calls(out.read_text(), size // 4 / MB)[:MOST]


def parse_calls(text, megabytes):
    """Of strace's table: % time, seconds, usecs/call, calls, [errors], syscall."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) in (5, 6) and words[3].isdigit() and words[-1] != "total":
            found.append(Call(words[-1], int(words[3]) / megabytes, float(words[0].replace(",", "."))))
    return [call for call in found if call.percent >= LEAST or call.per_mb >= 0.5]

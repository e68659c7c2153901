# SPDX-License-Identifier: MIT
"""What processes use: time of the CPU, memory, wake-ups."""

import os
import time
from pathlib import Path

from support import procs

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """CPU time of a process, its children that have ended, and its descendants that live."""
    return sum(_own_seconds(each) + _ended_children_seconds(each) for each in [pid, *procs.descendants(pid)])


def _own_seconds(pid):
    try:
        return time.clock_gettime(_cpu_clock(pid))
    except OSError:
        return 0.0  # it ended meanwhile, and is its parent's to count


def _cpu_clock(pid):
    """The clock of a process, as clock_getcpuclockid(3) makes it: /proc counts in steps of 10 ms, this in ns."""
    return (~pid << 3) | 2


def _ended_children_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[13:15])) / TICKS


def memory_kib(pid):
    """(RSS, PSS) in KiB. PSS counts a page that several processes share by parts."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        found[name] = int(value.split()[0])
    return found["Rss"], found["Pss"]


def machine_seconds():
    """CPU seconds that all processors of the machine were busy, and that there were, since it started."""
    with open("/proc/stat") as stat:
        times = [int(word) / TICKS for word in stat.readline().split()[1:9]]
    idle = times[3] + times[4]  # and waiting for a disk
    return sum(times) - idle, sum(times)


def wakeups(pid):
    """How often the threads of a process have waited for something and got it, since they began."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total

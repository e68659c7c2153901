# SPDX-License-Identifier: MIT
"""The figures that rows have: their units, and how they are written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    unit: str
    digits: int  # after the point
    title: str


FIGURES = {
    "rate": Figure("MB/s", 0, "Throughput"),
    "cpu": Figure("CPU s/GB", 2, "CPU time of the forwarder"),
    "far_cpu": Figure("CPU s/GB of sshd", 2, "CPU time of the SSH server"),
    "us": Figure("µs", 0, "Latency, median"),
    "p99": Figure("µs (99 %)", 0, "Latency, 99th of 100"),
    "ms": Figure("ms", 1, "Latency, median"),
    "p99_ms": Figure("ms (99 %)", 1, "Latency, 99th of 100"),
    "rss": Figure("KiB resident", 2, "Memory, RSS"),
    "pss": Figure("KiB PSS", 2, "Memory, PSS"),
    "wakeups": Figure("wake-ups/s", 2, "Wake-ups"),
}


def number(figure, value):
    return f"{value:.{FIGURES[figure].digits}f}"


def with_unit(figure, value):
    return f"{number(figure, value)} {FIGURES[figure].unit}"

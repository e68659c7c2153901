# SPDX-License-Identifier: MIT
"""Results as a Markdown table."""

from measure import ROWS


def cell(summary):
    if "us" in summary:
        return f"{summary['us']:.0f} µs"
    text = f"{summary['mb_per_s']:.0f} MB/s"
    return f"{text} ({summary['cpu_s_per_gb']:.2f})" if summary["cpu_s_per_gb"] > 0 else text


def times_as_fast(ours, theirs):
    """Above 1: ours is better, for MB/s as for µs."""
    return theirs["us"] / ours["us"] if "us" in ours else ours["mb_per_s"] / theirs["mb_per_s"]


def table(results, ours):
    """One line a row, one column a way, and how many times as fast `ours` is as each other."""
    names = list(next(iter(results.values())))
    others = [name for name in names if name != ours]
    lines = [
        "| | " + " | ".join(names + [f"{ours} : {name}" for name in others]) + " |",
        "|---" * (1 + len(names) + len(others)) + "|",
    ]
    for row, ways in results.items():
        ratios = [f"{times_as_fast(ways[ours], ways[name]):.2f}" for name in others]
        lines.append("| " + " | ".join([ROWS[row], *(cell(ways[name]) for name in names), *ratios]) + " |")
    return "\n".join(lines)

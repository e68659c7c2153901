# SPDX-License-Identifier: MIT
"""Medians of samples, and whether a goal is met by them. Nothing here measures."""

import statistics
from dataclasses import dataclass

from figures import FIGURES


@dataclass(frozen=True)
class Goal:
    """`limit` of ours over the peer's; without a peer, `limit` in the figure's own unit."""

    figure: str
    relation: str  # "≥" or "≤"
    limit: float
    peer: str | None = None
    beside: str | None = None  # a way to show beside ours, if there is no peer
    way: str | None = None  # which way of ours, if not the row's

    def words(self):
        if self.peer:
            return f"{self.relation} {self.limit:g} x {self.peer}"
        return f"{self.relation} {self.limit:g} {FIGURES[self.figure].unit}"

    def holds(self, value):
        """As it is printed, with two digits: what one reads and what is said of it agree."""
        shown = round(value, 2)
        return shown >= self.limit if self.relation == "≥" else shown <= self.limit


def summarize(samples):
    """[{figure: value}, …] of one way → {figure: {median, low, high, samples}}."""
    summary = {}
    for figure in samples[0]:
        values = [sample[figure] for sample in samples]
        median = statistics.median(values)
        summary[figure] = {"median": median, "low": min(values), "high": max(values), "samples": values}
    return summary


def ratio(figure, ours, theirs):
    """Ours over theirs: of the medians, and the lowest and highest of the rounds, whose weather both met."""
    if theirs[figure]["median"] <= 0:
        return None
    pairs = zip(ours[figure]["samples"], theirs[figure]["samples"])
    rounds = [mine / other for mine, other in pairs if other > 0]
    return {"median": ours[figure]["median"] / theirs[figure]["median"], "low": min(rounds), "high": max(rounds)}


def judge(goal, ways, ours):
    """One goal of a row, by the summaries of the row's ways."""
    name = goal.way or ours
    found = compare(goal.figure, ways, name, goal.peer or goal.beside)
    counts = found["ours"] if not goal.peer else found["ratio"] and found["ratio"]["median"]
    met = counts is not None and goal.holds(counts)
    # How many times it is met: 1 is just so, for "at least" as for "at most".
    times = None
    if counts:
        times = counts / goal.limit if goal.relation == "≥" else goal.limit / counts
    return {**found, "words": goal.words(), "counts": counts, "times": times, "met": met}


def compare(figure, ways, ours, peer):
    """Ours beside a peer's, in the form of a goal that nobody has set."""
    return {
        "figure": figure,
        "way": ours,
        "ours": ways[ours][figure]["median"],
        "peer": peer,
        "theirs": ways[peer][figure]["median"] if peer else None,
        "ratio": ratio(figure, ways[ours], ways[peer]) if peer else None,
        "words": "",
        "met": None,
    }


def compare_all(figure, ways, ours):
    """What a row without goals has to say."""
    return [compare(figure, ways, ours, name) for name in ways if name != ours]

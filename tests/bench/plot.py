# SPDX-License-Identifier: MIT
"""A document of results as SVG plots: bars with the range of the rounds, one plot a figure, and one of the goals."""

import itertools
import math
from dataclasses import dataclass
from html import escape

from figures import FIGURES, number

WIDTH = 860
LABEL = 290  # room for the names of rows
BAR = 13
GAP = 12
TOP = 64
# Told apart by those who do not see all colours (Okabe and Ito). The same way has the same colour in all plots.
COLOURS = {
    "penstock": "#0072B2",
    "ssh -L": "#E69F00",
    "socat": "#009E73",
    "haproxy": "#CC79A7",
    "haproxy splice": "#882255",
    "paramiko": "#56B4E9",
    "direct": "#999999",
    "met": "#0072B2",
    "short": "#D55E00",
}
MORE_COLOURS = ["#F0E442", "#A07040", "#D55E00", "#404040"]
# Of these figures one plot each; the others stand in the tables. Those that span decades have a logarithmic scale.
PLOTTED = {"rate": False, "cpu": False, "us": True, "ms": True}
# What paramiko takes of the CPU would make all others a line.
LEFT_OUT = {"cpu": {"paramiko"}}


@dataclass
class Bar:
    series: str
    value: float
    low: float
    high: float
    words: str


def plots(document):
    """{file name: SVG}."""
    made = {}
    for figure, logarithmic in PLOTTED.items():
        groups = figure_bars(document, figure)
        if groups:
            title = f"{FIGURES[figure].title}, {FIGURES[figure].unit}{', logarithmic' if logarithmic else ''}"
            made[f"{figure}.svg"] = chart(title, groups, logarithmic=logarithmic)
    groups = goal_bars(document)
    if groups:
        title = "How far beyond the goal (right of the line: met)"
        made["goals.svg"] = chart(title, groups, line=1.0, logarithmic=True)
    return made


def figure_bars(document, figure):
    """[(label, bars)]"""
    groups = []
    for row in document["rows"]:
        names = [name for name in row["ways"] if name not in LEFT_OUT.get(figure, ())]
        found = [(name, row["ways"][name][figure]) for name in names if figure in row["ways"][name]]
        bars = [
            Bar(name, summary["median"], summary["low"], summary["high"], number(figure, summary["median"]))
            for name, summary in found
            if summary["median"] > 0
        ]
        if bars:
            groups.append((label(row), bars))
    return groups


def goal_bars(document):
    """Each goal as how many times it is met."""
    groups = []
    for row in document["rows"]:
        bars = []
        for goal in row["goals"]:
            if goal["met"] is None or not goal["times"]:
                continue  # no goal; or nothing at all of what should be little, which no scale can show
            unit = f"{FIGURES[goal['figure']].unit} " if " x " in goal["words"] else ""
            words = f"{unit}{goal['words']}: {goal['counts']:.2f}"
            times = goal["times"]
            bars.append(Bar("met" if goal["met"] else "short", times, times, times, words))
        if bars:
            groups.append((label(row), bars))
    return groups


def label(row):
    return f"{row['key']}: {row['title']}".replace("`", "")


# -- drawing ------------------------------------------------------------------------------------------


class Scale:
    def __init__(self, groups, logarithmic):
        self.logarithmic = logarithmic
        values = [edge for _, bars in groups for bar in bars for edge in (bar.value, bar.high)]
        self.high = max(values) * 1.02
        self.low = min(bar.low for _, bars in groups for bar in bars) / 1.5 if logarithmic else 0.0
        longest = max(len(bar.words) for _, bars in groups for bar in bars)
        self.room = WIDTH - LABEL - 12 - 6 * longest

    def at(self, value):
        if self.logarithmic:
            part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            part = value / self.high
        return LABEL + part * self.room


def chart(title, groups, line=None, logarithmic=False):
    names = list(dict.fromkeys(bar.series for _, bars in groups for bar in bars))
    colours = choose_colours(names)
    scale = Scale(groups, logarithmic)
    parts = [write(12, 24, title, 'font-size="15" font-weight="bold"'), *legend(names, colours)]
    y = TOP
    if line is not None:
        height = sum(len(bars) * BAR + GAP for _, bars in groups)
        x = scale.at(line)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{TOP + height - 8}" stroke="#888"/>')
    for name, bars in groups:
        middle = y + len(bars) * BAR / 2 + 4
        parts.append(write(LABEL - 8, middle, name, 'text-anchor="end"'))
        for bar in bars:
            parts += draw(bar, y, colours[bar.series], scale)
            y += BAR
        y += GAP
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
        f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def choose_colours(names):
    more = itertools.cycle(MORE_COLOURS)
    return {name: COLOURS.get(name) or next(more) for name in names}


def draw(bar, y, colour, scale):
    end = scale.at(bar.value)
    parts = [
        f'<rect x="{LABEL}" y="{y + 1}" width="{max(end - LABEL, 1):.1f}" height="{BAR - 2}" fill="{colour}"/>',
        write(scale.at(bar.high) + 6, y + BAR - 3, bar.words, 'font-size="10"'),
    ]
    if bar.high > bar.low:
        middle = y + BAR / 2
        parts.append(
            f'<line x1="{scale.at(bar.low):.1f}" y1="{middle}" x2="{scale.at(bar.high):.1f}" y2="{middle}" '
            'stroke="#000" stroke-opacity="0.6"/>'
        )
    return parts


def legend(names, colours):
    parts = []
    x = 12
    for name in names:
        parts.append(f'<rect x="{x}" y="36" width="10" height="10" fill="{colours[name]}"/>')
        parts.append(write(x + 14, 45, name))
        x += 30 + 7 * len(name)
    return parts


def write(x, y, words, attributes=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(words)}</text>'

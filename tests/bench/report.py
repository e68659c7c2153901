# SPDX-License-Identifier: MIT
"""A document of results as text: a table of the goals, and a table of all figures for each group of rows."""

from figures import FIGURES, with_unit


def text(document):
    parts = [heading(document), goal_table(document)]
    for group, title in document["groups"].items():
        rows = [row for row in document["rows"] if row["group"] == group and row["ways"]]
        if rows:
            parts.append(f"### {title[0].upper()}{title[1:]}\n\n{figure_table(rows)}")
    parts += [f"Note: {note}" for note in document["notes"]]
    parts += [f"NOT MEASURED: {row['key']}: {row['error']}" for row in document["rows"] if row["error"]]
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(document):
    kind = "quick, " if document["quick"] else ""
    what = f"{document['when']}, {document['commit']}; {kind}medians of {document['rounds']} rounds"
    return f"{document['machine']}. {what}."


# -- goals --------------------------------------------------------------------------------------------


def goal_table(document):
    lines = [goal_line(row, goal) for row in document["rows"] for goal in row["goals"]]
    if not lines:
        return ""
    counts = [goal["met"] for row in document["rows"] for goal in row["goals"] if goal["met"] is not None]
    summary = f"{sum(counts)} of {len(counts)} goals are met."
    return table(["row", "work", "goal", "ours", "peer", "ratio (rounds)", ""], lines) + f"\n\n{summary}"


def goal_line(row, goal):
    ours = with_unit(goal["figure"], goal["ours"])
    theirs = f"{with_unit(goal['figure'], goal['theirs'])} ({goal['peer']})" if goal["peer"] else ""
    work = row["title"] if goal["way"] == row["ours"] else f"{row['title']} ({goal['way']})"
    verdict = {True: "met", False: "**short**", None: ""}[goal["met"]]
    return [row["key"], work, goal["words"], ours, theirs, ratio_text(goal["ratio"]), verdict]


def ratio_text(ratio):
    return f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})" if ratio else ""


# -- all figures --------------------------------------------------------------------------------------


def figure_table(rows):
    names = list(dict.fromkeys(name for row in rows for name in row["ways"]))
    ours = rows[0]["ours"]
    others = [name for name in names if name != ours]
    lines = []
    for row in rows:
        cells = [cell(row["ways"][name]) if name in row["ways"] else "" for name in names]
        ratios = [against(row, ours, name) for name in others]
        lines.append([row["title"], *cells, *ratios])
    return table(["", *names, *(f"{ours} / {name}" for name in others)], lines)


def cell(figures):
    return "; ".join(with_unit(name, figures[name]["median"]) for name in FIGURES if shows(figures, name))


def shows(figures, name):
    """CPU time is left out where nothing of the kind runs."""
    return name in figures and (figures[name]["median"] > 0 or name not in ("cpu", "far_cpu"))


def against(row, ours, other):
    if ours not in row["ways"] or other not in row["ways"]:
        return ""
    figure = row["figures"][0]
    mine, theirs = (row["ways"][name][figure]["median"] for name in (ours, other))
    return f"{mine / theirs:.2f}" if theirs > 0 else ""


# -- Markdown -----------------------------------------------------------------------------------------


def table(head, lines):
    """Columns are padded, so that it reads as well without a renderer."""
    rows = [[str(cell) for cell in line] for line in [head, *lines]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    padded = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([padded[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *padded[1:]])

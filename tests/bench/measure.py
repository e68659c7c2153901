# SPDX-License-Identifier: MIT
"""Measuring rows: all ways in turn, again and again, so that each meets the same weather."""

import contextlib
import tempfile
import traceback
from pathlib import Path

from goals import compare_all, judge, summarize
from scene import Scene
from support.build import Build


class Rows:
    """Rows of one group, and what has been found for them. A row that fails is left alone; the others go on."""

    def __init__(self, rows, effort, rounds, say):
        self.rows = rows
        self.effort = effort
        self.rounds = rounds
        self.say = say
        self.samples = {row.key: {} for row in rows}
        self.errors = {}

    def left(self):
        return [row for row in self.rows if row.key not in self.errors]

    def fail(self, row, error):
        self.errors[row.key] = f"{type(error).__name__}: {error}"
        self.say(f"{row.key} FAILED: {''.join(traceback.format_exception(error))}")

    def measure(self, ways):
        for row in [row for row in self.left() if row.kind.is_checked]:
            self.say(f"{row.key}: comparing every byte")
            self._try(row, lambda row=row: [row.kind.check(way, self.effort) for way in ways])
        for number in range(max(map(self.rounds_of, self.rows))):
            for row in self.left():
                if number < self.rounds_of(row):
                    self.say(f"round {number + 1} of {self.rounds_of(row)}: {row.key}")
                    self._try(row, lambda row=row: self._sample(row, ways))

    def rounds_of(self, row):
        return 1 if row.is_long and self.effort.quick else self.rounds

    def _try(self, row, work):
        try:
            work()
        except Exception as error:
            self.fail(row, error)

    def _sample(self, row, ways):
        for name, sample in row.kind.sample_all(ways, self.effort).items():
            self.samples[row.key].setdefault(name, []).append(sample)

    def results(self):
        return [self._result(row) for row in self.rows]

    def _result(self, row):
        error = self.errors.get(row.key)
        ways = {} if error else {name: summarize(found) for name, found in self.samples[row.key].items()}
        return {
            "key": row.key,
            "title": row.title,
            "group": row.group,
            "figures": row.kind.figures,
            "ours": row.ours,
            "ways": ways,
            "goals": goals_of(row, ways) if ways else [],
            "error": error,
        }


def goals_of(row, ways):
    judged = [judge(goal, ways, row.ours) for goal in row.goals]
    return judged or compare_all(row.kind.figures[0], ways, row.ours)


@contextlib.contextmanager
def new_scene(effort, more_keys):
    with contextlib.ExitStack() as close:
        tmp = Path(close.enter_context(tempfile.TemporaryDirectory(prefix="pst-bench-")))
        (tmp / "home").mkdir(mode=0o700)
        (tmp / "reports").mkdir()
        build = Build(tmp / "home", tmp / "reports")
        yield close.enter_context(contextlib.closing(Scene(build, effort.programs, tmp, more_keys)))


def measure_group(make_ways, rows, effort, rounds, more_keys, say):
    """Results of rows of one group, as a document has them."""
    found = Rows(rows, effort, rounds, say)
    try:
        with new_scene(effort, more_keys) as scene:
            found.measure(make_ways(scene))
    except Exception as error:  # what it takes cannot be set up, or ended
        for row in found.left():
            found.fail(row, error)
    return found.results()

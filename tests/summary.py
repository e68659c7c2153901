# SPDX-License-Identifier: MIT
"""Adds up what tests/run has run: prints "N passed, N failed", and exits with 1 unless all passed.

Each test of the JUnit files counts as one, and so does each stage that has none of its own (a build, a check).
A test that was skipped did not run, so it counts as failed; and so does a stage that failed without any
failed test, because then something could not even be started.
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def count(report):
    """(passed, failed) of one JUnit file; failed ones are named."""
    passed = failed = 0
    for case in xml.parse(report).iter("testcase"):
        bad = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        if bad or case.get("status") in ("fail", "disabled", "notrun"):
            failed += 1
            print(f"{bad[0] if bad else case.get('status')}: {report.stem}: {case.get('classname')} {case.get('name')}")
        else:
            passed += 1
    return passed, failed


def main():
    results = Path(sys.argv[1])
    passed = failed = 0
    counted = {}
    for report in sorted(results.glob("*.xml")):
        counted[report.stem] = count(report)
    for line in (results / "stages").read_text().splitlines():
        verdict, stage = line.split("\t")
        words = stage.replace(",", "").split()
        report = f"{words[0]}-{words[-1]}" if "tests" in words else None
        stage_passed, stage_failed = counted.get(report, (0, 0))
        if report and stage_passed + stage_failed == 0:
            verdict = "FAILED"
        if verdict != "ok" and stage_failed == 0:
            stage_failed += 1
            print(f"failed: {stage}")
        elif not report:
            stage_passed += 1
        passed += stage_passed
        failed += stage_failed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


sys.exit(main())

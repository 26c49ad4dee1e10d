"""The tests of playbooks as a table, as a JSON shape and as JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree  # writes only; nothing from outside is parsed here

from console.playbook.bundles.testing import TestResult
from console.report.clean import clean
from console.report.tables import columns


def tested_report(results: Sequence[TestResult], untested: Sequence[str]) -> str:
    """A line a test, below it what is not as expected, and the sums."""
    lines = columns(
        ["", "playbook", "bundle", "expects"],
        [(_mark(each), each.playbook, each.bundle, each.expect) for each in results],
        empty="no playbook has a test",
    ).splitlines()
    told = [lines[0]] if results else lines
    for line, result in zip(lines[1:], results, strict=False):
        told.append(line)
        told += [clean(f"      {each}") for each in _why(result)]
    failed = sum(bool(each.differences) for each in results)
    broken = sum(bool(each.error) for each in results)
    passed = len(results) - failed - broken
    told += ["", f"{passed} of {len(results)} as expected, {failed} not, {broken} could not be run"]
    told += [clean(f"without a test: {', '.join(untested)}")] if untested else []
    return "\n".join(told)


def tested_shape(results: Sequence[TestResult], untested: Sequence[str]) -> dict[str, Any]:
    """What `andon schema playbook-tests` publishes."""
    return {
        "tests": [
            {
                "playbook": each.playbook,
                "bundle": each.bundle,
                "expect": each.expect,
                "state": "passed" if each.passed else "error" if each.error else "failed",
                "differences": list(_why(each)),
                "seconds": each.seconds,
            }
            for each in results
        ],
        "untested": list(untested),
    }


def tested_junit(results: Sequence[TestResult]) -> str:
    """One test suite a playbook, one test case a bundle."""
    root = ElementTree.Element("testsuites", name="andon playbook test")
    for playbook in dict.fromkeys(each.playbook for each in results):
        cases = [each for each in results if each.playbook == playbook]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=playbook,
            tests=str(len(cases)),
            failures=str(sum(bool(each.differences) for each in cases)),
            errors=str(sum(bool(each.error) for each in cases)),
            time=f"{sum(each.seconds for each in cases):.3f}",
        )
        for each in cases:
            name = clean(f"{each.bundle}: {each.expect}")
            case = ElementTree.SubElement(suite, "testcase", classname=playbook, name=name, time=f"{each.seconds:.3f}")
            if not each.passed:
                why = [clean(one) for one in _why(each)]
                kind = "error" if each.error else "failure"
                ElementTree.SubElement(case, kind, message=why[0]).text = "\n".join(why)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _mark(result: TestResult) -> str:
    return "● ok" if result.passed else "■ broken" if result.error else "▲ not ok"


def _why(result: TestResult) -> tuple[str, ...]:
    if result.error:
        return (f"{result.error}: {result.hint}" if result.hint else result.error,)
    return result.differences

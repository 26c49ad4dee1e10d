"""How often the answer was right, without a model and with one: as a table, as a JSON shape and as JUnit XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # writes only; nothing from outside is parsed here

from console.report.clean import clean
from console.report.tables import columns
from console.triage.evaluating import Attempt, Evaluation, Graded
from console.wire import dump

NUMBERS = ["bundle", "expected", "numbers"]
MODEL = ["model", "calls", "tokens", "dollars", "seconds", "dropped", "unfounded"]
NO_ANSWER = "no answer"


def evaluated_report(told: Evaluation) -> str:
    """A line a bundle, below it what was said instead, and the sums. Costs are means of the runs with the model."""
    graded = told.graded
    headings = [*NUMBERS, *(MODEL if told.model else [])]
    rows = [[*_numbers(each), *(_with_model(each.right, each.attempts) if told.model else [])] for each in graded]
    right = sum(each.is_right for each in graded)
    if graded:
        sums = _with_model(sum(each.right for each in graded), told.attempts) if told.model else []
        rows.append(["total", "", f"{right} of {len(graded)}", *sums])
    lines = columns(headings, rows, empty="no bundle was graded").splitlines()
    for place, each in reversed([*enumerate(graded, 1)]):
        lines[place + 1 : place + 1] = [clean(f"      {other}") for other in _otherwise(each)]
    lines += [clean(f"{_name(each)}: {each.skipped}; not graded") for each in told.bundles if each.skipped]
    lines += [clean(f"{_name(each)}: {each.error}; {each.hint}") for each in told.bundles if each.error]
    return "\n".join([*lines, "", verdict(told)])


def verdict(told: Evaluation) -> str:
    """What of it decides, in one line."""
    if told.share is None:
        return "nothing was graded"
    whose = f"with {clean(told.model)}" if told.attempts else "by the numbers alone"
    cut = "; interrupted, so not all were asked" if told.is_interrupted else ""
    side = "not less than" if told.share >= told.fail_under else "less than"
    return f"{told.share:.1%} right {whose}: {side} {told.fail_under:.0%}{cut}"


def progress(each: Graded, runs: int) -> str:
    """One bundle in one line, while the others are still to come."""
    if each.error or each.skipped:
        return clean(f"{_name(each)}: {each.error or each.skipped}; not graded")
    numbers = f"{_name(each)}: {'right' if each.is_right else 'wrong'} by the numbers"
    model = f", right in {each.right} of {len(each.attempts)} runs with the model" if each.attempts else ""
    return clean(f"{numbers}{model}{', so far' if 0 < len(each.attempts) < runs else ''}")


def evaluated_shape(told: Evaluation) -> dict[str, Any]:
    """What `andon schema evaluation` publishes."""
    return {
        "model": told.model or None,
        "runs": told.runs,
        "share": told.share,
        "fail_under": told.fail_under,
        "interrupted": told.is_interrupted,
        "exit": int(told.exit),
        "bundles": [{**dump(each), "is_right": each.is_right, "right": each.right} for each in told.bundles],
    }


def evaluated_junit(told: Evaluation) -> str:
    """A test case a bundle, which says what was said; the share of right answers is the one that can fail."""
    root = ElementTree.Element("testsuites", name="andon eval")
    is_under = told.share is not None and told.share < told.fail_under
    errors, skipped = (sum(bool(getattr(each, name)) for each in told.bundles) for name in ("error", "skipped"))
    suite = ElementTree.SubElement(
        root, "testsuite", name="andon eval", tests=str(len(told.bundles) + 1), failures=str(int(is_under)),
        errors=str(errors + (told.share is None)), skipped=str(skipped),
    )  # fmt: skip
    for each in told.bundles:
        seconds = f"{sum(attempt.usage.seconds for attempt in each.attempts):.3f}"
        case = ElementTree.SubElement(suite, "testcase", classname="bundle", name=clean(each.bundle), time=seconds)
        if each.error or each.skipped:
            kind = "error" if each.error else "skipped"
            ElementTree.SubElement(case, kind, message=clean(each.error or each.skipped)).text = clean(each.hint)
        else:
            lines = [f"expected: {each.expected}", progress(each, told.runs), *_otherwise(each)]
            ElementTree.SubElement(case, "system-out").text = "\n".join(map(clean, lines))
    case = ElementTree.SubElement(suite, "testcase", classname="total", name="share of right answers")
    if is_under or told.share is None:
        ElementTree.SubElement(case, "failure" if is_under else "error", message=verdict(told))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _numbers(each: Graded) -> list[str]:
    return [_name(each), each.expected, "right" if each.is_right else "wrong"]


def _with_model(right: int, attempts: Sequence[Attempt]) -> list[str]:
    """How many were right, what one cost on average, and what was wrong with what they said, summed up."""
    if not attempts:
        return ["–"] * len(MODEL)
    uses = [attempt.usage for attempt in attempts]
    calls, tokens, money, seconds = (
        sum(getattr(use, name) for use in uses) / len(uses) for name in ("calls", "tokens", "money", "seconds")
    )
    dropped, unfounded = (sum(getattr(attempt, name) for attempt in attempts) for name in ("dropped", "unfounded"))
    return [f"{right} of {len(attempts)}", f"{calls:.1f}", f"{tokens:,.0f}", f"{money:.3f}", f"{seconds:.1f}",
            str(dropped), str(unfounded)]  # fmt: skip


def _otherwise(each: Graded) -> list[str]:
    """What was said that is not right, most often first."""
    told = [] if each.is_right else [f"the numbers name {each.found}"]
    wrong = Counter(
        f"{NO_ANSWER}: {attempt.stopped}" if attempt.stopped else f"it names {attempt.cause}"
        for attempt in each.attempts
        if not attempt.is_right
    )
    return told + [f"{count} × {what}" for what, count in wrong.most_common()]


def _name(each: Graded) -> str:
    return Path(each.bundle).name

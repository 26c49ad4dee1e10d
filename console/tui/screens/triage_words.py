"""A diagnosis in phrases, from its JSON: how likely, which windows, what a finding says in short."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from console.words import UNANSWERED, WINDOW_WORDS, WITHOUT_CAUSE, instant, lapse, number

Json = Mapping[str, Any]

GRAVITY = ("degraded", "error", "waiting", "inconclusive", "no_data", "improved", "ok", "skipped")
DAY_AND_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\dZ)")
IS_WAS = re.compile(r" is (?P<current>.+?), was (?P<baseline>.+?)(?: \(×|, since |$)")
NAMED = 3.0  # odds from which a cause is named
LIKELY = 20.0


def odds(cause: Json) -> str:
    """`likely, 99 %` or `possible, 80 %`; what is not named is `not likely, 4 %`."""
    held = float(cause.get("odds") or 0.0)
    word = "likely" if held >= LIKELY else "possible" if held >= NAMED else "not likely"
    return f"{word}, {percent(cause.get('probability'))}"


def without_cause(diagnosis: Json) -> str:
    """What to say of what was examined where no cause is named."""
    verdict = str(diagnosis.get("verdict"))
    steps = (step for run in diagnosis.get("runs") or () for step in run.get("steps") or ())
    if verdict == "no_data" and any(step.get("state") == "error" for step in steps):
        return UNANSWERED
    return WITHOUT_CAUSE.get(verdict, "no cause is named")


def percent(share: float | None) -> str:
    """A probability; never 100 %, which nothing here is.

    >>> percent(0.9999), percent(0.0001), percent(0.8)
    ('99 %', '<1 %', '80 %')
    """
    if share is None:
        return "– %"
    return "<1 %" if share < 0.01 else f"{min(int(100 * share + 0.5), 99)} %"


def window(told: Json | None, today: str = "") -> str:
    """A window's span and kind, and what was left out of it."""
    spans = (told or {}).get("spans") or ()
    if not told or not spans:
        return "–"
    kind = str(told.get("kind") or "")
    said = " ".join(each for each in (WINDOW_WORDS.get(kind, kind), str(told.get("name") or "")) if each)
    if kind in ("current", "offset", "before", "span"):
        said += f" {instant(spans[0]['start'])} to {instant(spans[-1]['end'])}"
    if told.get("note"):
        said += f" ({told['note']})"
    return brief(said, today)


def windows(told: Json | None, today: str = "") -> str:
    """Both windows of a run or a diagnosis in one phrase."""
    if not told or not told.get("current"):
        return ""
    return f"{window(told.get('current'), today)}, against {window(told.get('baseline'), today)}"


def brief(text: str, today: str) -> str:
    """Times without their date, where that is the day looked at.

    >>> brief("since 2026-05-21T08:03:00Z", "2026-05-21")
    'since 08:03:00Z'
    """
    return DAY_AND_TIME.sub(lambda found: found[2] if found[1] == today else found[0], text)


def moment(time: float | None, today: str) -> str:
    """An instant, or a dash."""
    return "–" if time is None else brief(instant(time), today)


def ago(time: float | None, now: float | None) -> str:
    """How long since an instant; nothing where one of both is unknown."""
    return "" if time is None or now is None else lapse(max(now - time, 0.0))


def gist(finding: Json, today: str = "") -> str:
    """A finding in the fewest words: the numbers of a comparison, whose signal its step has named already."""
    text = brief(str(finding.get("text") or ""), today)
    if finding.get("kind") == "comparison" and " is " in text:
        text = text.partition(" is ")[2]
        labels = finding.get("labels") or {}
        of = ", ".join(f"{name}={value}" for name, value in labels.items() if name != "model")
        return f"{of}: {text}" if of else text
    return text


def sides(finding: Json) -> tuple[str, str]:
    """The current and the baseline value, with their unit, as the finding itself words them."""
    found = IS_WAS.search(str(finding.get("text") or ""))
    if found:
        return found["current"], found["baseline"]
    return tuple(number((finding.get(side) or {}).get("value")) for side in ("current", "baseline"))  # type: ignore[return-value]


def gravest(findings: Sequence[Json]) -> Json | None:
    """The finding to show of several; the first of equals."""
    return min(findings, key=lambda each: gravity(each.get("verdict")), default=None)


def gravity(state: object) -> int:
    """Where a verdict or a step's state stands, the gravest first."""
    return GRAVITY.index(str(state)) if str(state) in GRAVITY else len(GRAVITY)


def share_of(finding: Json) -> str | None:
    """The signal that a ratio is a share of: its text names it, `A of B is …`."""
    if finding.get("stat") != "ratio":
        return None
    words = str(finding.get("text") or "").split(" ")
    return words[2] if len(words) > 2 and words[1] == "of" else None


def reasons(cause: Json, findings: Mapping[str, Json], today: str) -> list[str]:
    """What speaks for a cause, the first line with the finding that it cites."""
    told: list[str] = []
    for move in cause.get("moves") or ():
        if move.get("counted") and not move.get("against"):
            cited = [findings[each] for each in move.get("findings") or () if each in findings]
            text = str(move.get("text") or "")
            told.append(f"{text} ({gist(cited[0], today)})" if cited and not told else text)
    return told

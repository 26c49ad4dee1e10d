"""What a model concludes, held to what was found: claims that cite no finding are removed, numbers that no cited
finding has are marked, and remedies are those that the diagnosis offers. Nothing that a model says passes unchecked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.errors import UsageError
from console.model import AgentClaim, AgentSays, Diagnosis, Finding
from console.signals.catalogue import catalogue
from console.sources.redact import shown_line

MOST_CLAIMS = 12
MOST_TEXT = 600  # characters of a claim
MOST_LISTED = 20
NEAR = 0.02  # how far a number in words may be from the one it rounds
NUMBER = re.compile(r"(?<![\w.])[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
SMALL = 12  # whole numbers up to which are words: "two of 3 replicas"
NAMES = re.compile(r"\b[FIP]-?\d+\b|\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+Z?)?|\b\d\d?:\d\d(?::\d\d)?Z?\b")  # ids and times
# In which other units a quantity may be said: seconds as ms and minutes, a share in percent, bytes in GB and GiB.
SCALES: Mapping[str, tuple[float, ...]] = {
    "s": (1.0, 1e3, 1e6, 1 / 60, 1 / 3600),
    "1": (1.0, 100.0),
    "By": (1.0, *(10.0**-power for power in (3, 6, 9, 12)), *(2.0**-power for power in (10, 20, 30, 40))),
}
AS_IT_IS = (1.0,)


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ToldClaim(_Told):
    """One thing that is so, as far as the findings show."""

    text: str = Field(min_length=1, description="one or two sentences for a tired engineer; numbers as found")
    evidence: list[str] = Field(description="ids of the findings that show it: F3, F7")
    against: list[str] = Field([], description="ids of findings that speak against it")
    cause: str = Field("", description="id of the named cause that it is about, if any")


class Told(_Told):
    """The arguments of `conclude`."""

    claims: list[ToldClaim] = Field(description="the most likely cause first; each cites finding ids")
    unexplained: list[str] = Field([], description="ids of findings that none of this explains")
    settles: list[str] = Field([], description="what would settle it: the cheapest look first")
    remedies: list[str] = Field([], description="ids of remedies that the diagnosis offers, the best first")


def told(arguments: Mapping[str, Any]) -> Told:
    """What was said, as it has to be said. UsageError, worded for the model, where it is not."""
    try:
        return Told.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"conclude: {where}: {first['msg']}", "call conclude once more, mended") from None


def concluded(said: Told, diagnosis: Diagnosis, findings: Sequence[Finding], model: str) -> AgentSays:
    """What of it holds: `findings` are those of the diagnosis and those that the model looked up."""
    known = {finding.id: finding for finding in findings}
    claims = [_claim(each, known) for each in said.claims[:MOST_CLAIMS]]
    kept = tuple(claim for claim in claims if claim.evidence)
    named = [cause.id for cause in diagnosis.causes]
    about = next((claim.cause for claim in kept if claim.cause in named), "")
    return AgentSays(
        model=model,
        claims=kept,
        unexplained=_ids(said.unexplained, known),
        settles=tuple(_worded(each) for each in said.settles[:MOST_LISTED] if each.strip()),
        remedies=_ids(said.remedies, {offer.id for offer in diagnosis.remedies}),
        dropped=len(said.claims) - len(kept),
        disagrees=bool(about and named and about != named[0]),
    )


def _claim(told: ToldClaim, known: Mapping[str, Finding]) -> AgentClaim:
    evidence, against = _ids(told.evidence, known), _ids(told.against, known)
    text = _worded(told.text)
    cited = [known[each] for each in (*evidence, *against)]
    return AgentClaim(text, _worded(told.cause)[:60], evidence, against, unfounded(text, cited))


def _ids(said: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """Those that there are, each once."""
    return tuple(dict.fromkeys(each.strip() for each in said if each.strip() in known))[:MOST_LISTED]


def _worded(text: str) -> str:
    return shown_line(text, MOST_TEXT).strip()


def unfounded(text: str, findings: Iterable[Finding]) -> tuple[str, ...]:
    """The numbers of a text that none of these findings has, rounded or in another unit; ids, times, counts aside."""
    has = [abs(value * scale) for finding in findings for value, scales in _numbers_of(finding) for scale in scales]
    missing = []
    for found in NUMBER.finditer(NAMES.sub(" ", text)):
        value = _value(found[0])
        if value is None or (value == int(value) and value <= SMALL):
            continue
        if not any(_is_near(value, each) for each in has):
            missing.append(found[0])
    return tuple(dict.fromkeys(missing))


def _is_near(said: float, has: float) -> bool:
    return math.isclose(said, has, rel_tol=NEAR)


def _value(said: str) -> float | None:
    try:
        return abs(float(said.replace(",", "").replace("−", "-")))
    except ValueError:
        return None


def _numbers_of(finding: Finding) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Its numbers, each with the scales on which it may be said."""
    signal = catalogue().get(finding.signal or "")
    unit = "1" if finding.stat == "ratio" else signal.unit if signal is not None else ""
    scales = SCALES.get(unit, AS_IT_IS)
    sides = [side for side in (finding.current, finding.baseline) if side is not None]
    values = [side.value for side in sides if side.value is not None]
    measured = [*values, values[0] - values[1]] if len(values) == 2 else values
    yield from ((value, scales) for value in (*measured, *(finding.interval or ())))
    yield from ((float(side.n), AS_IT_IS) for side in sides)
    if finding.p is not None:
        yield finding.p, AS_IT_IS
    if finding.ratio:
        yield from ((value, AS_IT_IS) for value in (finding.ratio, 1 / finding.ratio))
        yield finding.ratio - 1, SCALES["1"]  # "12 % more"
    for text in (finding.text, finding.reason, finding.event.detail if finding.event else ""):
        yield from ((value, AS_IT_IS) for found in NUMBER.finditer(text) if (value := _value(found[0])) is not None)

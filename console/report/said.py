"""What a model says of a diagnosis, in the same words for every format: each escapes them as its medium needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.model import AgentClaim, AgentSays

MOST_FOUND = 20  # of what it looked up: what its claims cite, or all where it came to none


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is said, as it came: nothing in it is escaped yet."""

    text: str
    name: str = ""  # what it is, where it is no claim: `to settle it`, the id of a finding
    cites: str = ""  # what a claim rests on; only a claim has this
    is_doubt: bool = False  # a reason not to take the model at its word
    is_below: bool = False  # it is about the line above

    @property
    def in_words(self) -> str:
        """On a line by itself.

        >>> Line("it queues", cites="F1, against F2").in_words
        'it queues  [F1, against F2]'
        """
        head = "! " if self.is_doubt else f"{self.name}: " if self.name else ""
        return f"{head}{self.text}" + (f"  [{self.cites}]" if self.cites else "")


def lines_of(says: AgentSays) -> Iterator[Line]:
    """Its claims, what speaks against them, and what it found; or why there is no conclusion."""
    if says.stopped:
        yield Line(f"nothing: {says.stopped}; the diagnosis stands")
    for claim in says.claims:
        yield Line(claim.text, cites=_cited(claim))
        if claim.unfounded:
            missing = ", ".join(claim.unfounded)
            yield Line(f"no finding that it cites has {missing}", is_doubt=True, is_below=True)
    if says.disagrees:
        yield Line("it puts another cause first than the numbers do", is_doubt=True)
    if says.settles:
        yield Line("; ".join(says.settles), "to settle it")
    if says.unexplained:
        yield Line(", ".join(says.unexplained), "it cannot explain")
    if says.remedies:
        yield Line(", ".join(says.remedies), "remedies")
    cited = {id_ for claim in says.claims for id_ in (*claim.evidence, *claim.against)}
    found = [each for each in says.findings if each.id in cited or not says.claims]
    yield from (Line(each.text, each.id) for each in found[:MOST_FOUND])
    if says.dropped:
        yield Line(f"{says.dropped} of its claims cited nothing that was found, and are not shown")


def _cited(claim: AgentClaim) -> str:
    against = f", against {', '.join(claim.against)}" if claim.against else ""
    return ", ".join(claim.evidence) + against

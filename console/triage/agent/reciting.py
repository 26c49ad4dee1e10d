"""What a model said of one diagnosis, citing another of the same incident: ids are handed out anew each time."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace

from console.model import AgentClaim, AgentSays, Diagnosis, Finding

ID = re.compile(r"\bF\d+\b")


def recited(says: AgentSays, then: Diagnosis, now: Diagnosis) -> AgentSays:
    """The same claims. A finding that they cite and that is not found now comes along, numbered after the others."""
    here = {marked(finding): finding.id for finding in reversed(now.findings)}
    cited = {id_ for claim in says.claims for id_ in (*claim.evidence, *claim.against)} | {*says.unexplained}
    known = [*then.findings, *says.findings]
    lost = [each for each in known if each.id in cited and marked(each) not in here]
    more = [replace(each, id=f"F{len(now.findings) + at}") for at, each in enumerate(lost, 1)]
    here |= {marked(each): each.id for each in more}
    names = {each.id: here[marked(each)] for each in known if marked(each) in here}
    return replace(
        says,
        claims=tuple(_claim(each, names) for each in says.claims),
        unexplained=_named(says.unexplained, names),
        remedies=tuple(each for each in says.remedies if each in {offer.id for offer in now.remedies}),
        findings=tuple(more),
    )


def marked(finding: Finding) -> tuple[Hashable, ...]:
    """What a finding is told by when its id is another. Its text is no part of that: in a bundle it is redacted."""
    value = finding.current and finding.current.value
    return (finding.kind, finding.step, finding.verdict, finding.signal, finding.onset, value)


def _claim(claim: AgentClaim, names: Mapping[str, str]) -> AgentClaim:
    text = ID.sub(lambda found: names.get(found[0], found[0]), claim.text)
    return replace(claim, text=text, evidence=_named(claim.evidence, names), against=_named(claim.against, names))


def _named(ids: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names[id_] for id_ in ids))

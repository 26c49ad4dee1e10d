"""What a language model added to a diagnosis: claims that cite findings, and what it cost to get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from console.model.happened import Finding


@dataclass(frozen=True, slots=True)
class AgentClaim:
    """One thing that the model says. It cites findings; one that cites none is never kept."""

    text: str
    cause: str = ""  # id of a named cause that it is about; empty: of none
    evidence: tuple[str, ...] = ()  # finding ids that speak for it
    against: tuple[str, ...] = ()
    unfounded: tuple[str, ...] = ()  # numbers in the text that no finding it cites has


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls cost so far."""

    calls: int = 0
    tokens_in: int = 0  # not read from a cache
    tokens_cached: int = 0
    tokens_out: int = 0
    money: float = 0.0  # US dollars, by the configured prices; 0 where none are configured
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """All that were read or written."""
        return self.tokens_in + self.tokens_cached + self.tokens_out


@dataclass(frozen=True, slots=True)
class AgentSays:
    """What a model concluded about an incident; with `stopped`, why it did not come to a conclusion.

    The diagnosis stands either way: verdicts and order are those of the numbers.
    """

    model: str
    claims: tuple[AgentClaim, ...] = ()
    unexplained: tuple[str, ...] = ()  # finding ids that it cannot explain
    settles: tuple[str, ...] = ()  # what would settle it, in its words
    remedies: tuple[str, ...] = ()  # ids out of the diagnosis
    findings: tuple[Finding, ...] = ()  # that it looked up itself, numbered after those of the diagnosis
    dropped: int = 0  # claims without a valid finding id, which were removed
    disagrees: bool = False  # it puts another cause first than the numbers do
    stopped: str = ""
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One investigation by a model, message by message, as it was sent and answered: without secrets.

    Each request was `head` with the messages before an answer, so any of them can be built again, and no key is needed
    to go through it once more.
    """

    id: str  # T-1, T-2 …; empty: it was not kept
    incident: str  # empty: of a symptom that no incident has
    time: float
    model: str
    about: str  # digest of the diagnosis it explains: to another one its citations mean nothing
    question: str = ""  # what an operator asked; empty: it explains the incident
    operator: str = ""
    head: Mapping[str, Any] = field(default_factory=dict)  # what every request began with: rules, tools …
    messages: tuple[Mapping[str, Any], ...] = ()
    before: int = 0  # how many of the messages are of the investigations that this one goes on from
    says: AgentSays | None = None

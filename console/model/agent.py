"""What a language model added to a diagnosis: claims that cite findings, and what it cost to get them."""

from __future__ import annotations

from dataclasses import dataclass

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

"""What `/` filters by: words anywhere in a row, and key=value terms on one of its facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """Every term must hold. A value or word may be any part of the fact, in any case.

    >>> Filter.of("host=n1 h100").fits({"host": "n12", "name": "H100"})
    True
    >>> Filter.of("!host=n1").fits({"host": "n12"})
    False
    """

    text: str = ""
    words: tuple[tuple[str, bool], ...] = ()  # (word, wanted)
    terms: tuple[tuple[str, str, bool], ...] = ()  # (fact, value, wanted)

    @classmethod
    def of(cls, text: str) -> Filter:
        """The filter that a person typed; `!` before a term means that it must not hold."""
        words, terms = [], []
        for part in text.lower().split():
            wanted = not part.startswith("!")
            name, equals, value = part.removeprefix("!").partition("=")
            if equals:
                terms.append((name, value, wanted))
            elif name:
                words.append((name, wanted))
        return cls(text, tuple(words), tuple(terms))

    def fits(self, facts: Mapping[str, str]) -> bool:
        """Whether a row with these facts is to be shown."""
        low = {name.lower(): value.lower() for name, value in facts.items()}
        return all(any(word in value for value in low.values()) == wanted for word, wanted in self.words) and all(
            (value in low[name] if name in low else False) == wanted for name, value, wanted in self.terms
        )

    def __bool__(self) -> bool:
        return bool(self.words or self.terms)

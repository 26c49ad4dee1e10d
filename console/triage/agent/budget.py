"""What an investigation may cost: checked before each call, so that it is never over by more than one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from console.model import Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of everything one investigation may take."""

    calls: int = 12
    tokens: int = 300_000
    dollars: float = 2.0
    seconds: float = 180.0
    dollars_a_day: float = 20.0  # of all investigations of the last 24 hours together; 0: not counted


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens; nothing where a model costs nothing, or nobody said what it does."""

    read: float = 0.0
    cached: float = 0.0
    kept: float = 0.0  # read, and kept in the cache
    written: float = 0.0


def over(spent: Usage, limits: Limits, before: float = 0.0) -> str:
    """Why there is nothing left; empty: there is. `before`: dollars that earlier ones of the same day took.

    >>> over(Usage(calls=12), Limits())
    'the budget of 12 calls is used up'
    """
    if spent.calls >= limits.calls:
        return f"the budget of {limits.calls} calls is used up"
    if spent.tokens >= limits.tokens:
        return f"the budget of {limits.tokens:,} tokens is used up"
    if spent.money >= limits.dollars > 0:
        return f"the budget of ${limits.dollars:g} is used up"
    if spent.money + before >= limits.dollars_a_day > 0:
        return f"the budget of ${limits.dollars_a_day:g} a day is used up"
    if spent.seconds >= limits.seconds:
        return f"the budget of {limits.seconds:g} s is used up"
    return ""


def after_call(spent: Usage, told: Mapping[str, object], prices: Prices, seconds: float) -> Usage:
    """The usage once one more call came back, by what the endpoint says of it; what it does not say is nothing."""
    read, kept, cached, written = (
        count if isinstance(count := told.get(name), int) and count > 0 else 0
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    )
    cost = read * prices.read + kept * prices.kept + cached * prices.cached + written * prices.written
    return replace(
        spent,
        calls=spent.calls + 1,
        tokens_in=spent.tokens_in + read + kept,
        tokens_cached=spent.tokens_cached + cached,
        tokens_out=spent.tokens_out + written,
        money=spent.money + cost / 1e6,
        seconds=seconds,
    )

"""Invented traces: web calls cart, cart calls its database, on hosts whose clocks may differ."""

from __future__ import annotations

import random
from collections.abc import Iterable

from console.model import TraceSpan


def request(
    id_: str,
    at: float,
    *,
    db: float = 0.004,
    wire: float = 0.002,
    cart: float = 0.010,
    skew: float = 0.0,
    failed: bool = False,
    queries: int = 1,
) -> Iterable[TraceSpan]:
    """The spans of one request; `skew` is how far the database's clock is ahead."""
    now = at + 0.003
    for query in range(queries):
        start = now + wire / 2 + skew
        yield TraceSpan(id_, f"d{query}", f"c{query}", "db", "SELECT", start, start + db, failed)
        yield TraceSpan(id_, f"c{query}", "b", "cart", "db.call", now, now + wire + db)
        now += wire + db
    yield TraceSpan(id_, "b", "a", "cart", "load", at + 0.001, now + cart)
    yield TraceSpan(id_, "a", "w", "web", "cart.call", at + 0.0005, now + cart + 0.0005)
    yield TraceSpan(id_, "w", "", "web", "GET /", at, now + cart + 0.002)


def requests(
    many: int, start: float, seconds: float = 600.0, *, since: float = 0.0, seed: int = 1, fails: float = 0.0,
    then: dict[str, float] | None = None, **usual: float,
) -> list[TraceSpan]:  # fmt: skip
    """So many requests evenly over a time, with what wobbles wobbling; from `since` on they are as `then` says."""
    chance = random.Random(seed)
    found: list[TraceSpan] = []
    for number in range(many):
        at = start + seconds * number / many
        given = {"db": 0.004, "wire": 0.002, "cart": 0.010} | usual | ((then or {}) if at >= since else {})
        skew, queries = given.pop("skew", 0.0), int(given.pop("queries", 1))
        wobbly = {name: value * chance.lognormvariate(0, 0.3) for name, value in given.items()}
        failed = at >= since and chance.random() < fails
        id_ = f"{int(start) % 10**6:06x}{number:010x}"
        found += request(id_, at, skew=skew, queries=queries, failed=failed, **wobbly)
    return found

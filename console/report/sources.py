"""How sources are, for a person at 80 columns: what each dialect has, what is missing and how to turn it on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from console.report.clean import clean
from console.report.tables import columns
from console.signals.spoken import Spoken
from console.sources.types import SourceStatus

WIDTH = 80
HANGING = 6


def checked(statuses: Sequence[SourceStatus]) -> str:
    """A line for each source, then what there is to say of it."""
    rows = [
        (each.name, each.kind, each.state, len(each.signals), len(each.missing), f"{each.seconds:.2f} s")
        for each in statuses
    ]
    table = columns(["source", "kind", "state", "signals", "missing", "took"], rows, empty="no source is configured")
    blocks = ["\n".join(lines) for each in statuses if (lines := list(_block(each)))]
    return "\n\n".join((table, *blocks))


def _block(status: SourceStatus) -> Iterator[str]:
    if not (status.reason or status.spoken or status.missing):
        return
    yield f"{clean(status.name)}: {status.state}"
    if status.reason:
        yield from _wrapped(status.reason, 2)
    for spoken in status.spoken:
        yield from _dialect(spoken)
    if not status.spoken:
        for signal, why in status.missing:
            yield from _wrapped(f"{signal}: {why}", 4)


def _dialect(spoken: Spoken) -> Iterator[str]:
    yield f"  {clean(spoken.title)} ({clean(spoken.dialect)}): {len(spoken.signals)} signals"
    for scope, signals in groupby(sorted(spoken.signals), lambda signal: signal.partition(".")[0]):
        yield from _wrapped(f"{scope}: {', '.join(signal.partition('.')[2] for signal in signals)}", 4)
    for way in spoken.ways:
        yield from _wrapped(f"missing: {way.what}", 4)
        for signal, metrics in way.signals:
            yield from _wrapped(f"{signal}  {metrics}", HANGING)
    if spoken.lacks:
        yield "    not to be had"
    for signal, why in spoken.lacks:
        yield from _wrapped(f"{signal}: {why}", HANGING)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        clean(text).replace("\n", " "),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_on_hyphens=False,
    )

"""Each page, read by us and asked of a real Prometheus that holds the same samples: every signal is the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pages import PAGES, every_dialect, page, plugin
from promserver import is_installed, prometheus

from console.model import Kind, Labels, Query, Reading, Span, Window
from console.signals.catalogue import find_signal
from console.signals.dialect import Dialect
from console.signals.exposition import parse_line
from console.signals.page import PageReader

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not is_installed(), reason="prometheus and promtool are not installed"),
]
STEP = 60.0
NAMES = sorted(path.stem for path in PAGES.glob("*.prom"))
END = float(int(time.time()) // 3600 * 3600 - 7200)
Sample = tuple[str, str, float]  # name, labels as written, value


def samples(name: str) -> Iterator[Sample]:
    for line in page(name).splitlines():
        if line.strip() and not line.startswith(b"#"):
            sample = parse_line(line)
            yield sample.name, sample.label_text.decode().rstrip(","), sample.value


def growing(dialects: list[Dialect]) -> set[str]:
    """The lines that only grow: those of counters and histograms."""
    natives = [(d, native) for d in dialects for signal in d.signals for native in d.natives(signal)]
    totals = {name for d, native in natives if native.kind is not Kind.GAUGE for name in d.spellings(*native.names)}
    return totals | {f"{name}{suffix}" for name in totals for suffix in ("_bucket", "_sum", "_count")}


def later(name: str, dialects: list[Dialect]) -> list[Sample]:
    """The page a minute later: what grows has doubled."""
    totals = growing(dialects)
    return [(one, labels, 2 * value if one in totals else value) for one, labels, value in samples(name)]


def history() -> str:
    lines: list[str] = []
    for name in NAMES:
        for moment, found in ((END - 90, samples(name)), (END - 30, later(name, every_dialect()))):
            for one, labels, value in found:
                inside = ",".join(part for part in (f'page="{name}"', labels) if part)
                lines.append(
                    f"{one}{{{inside}}} {value!r} {moment:.0f}".replace("inf ", "+Inf ").replace("nan ", "NaN ")
                )
    return "\n".join([*lines, "# EOF", ""])


def text(found: list[Sample] | Iterator[Sample]) -> bytes:
    return "".join(f"{one}{{{labels}}} {value!r}\n" for one, labels, value in found).encode()


def folded(readings: list[Reading], signal: str) -> float:
    values = [sum((reading.counts or (reading.value,))[-1:]) for reading in readings if reading.series.signal == signal]
    across = find_signal(signal).across if find_signal(signal).kind is Kind.GAUGE else "sum"
    return {"sum": sum(values), "mean": sum(values) / len(values), "max": max(values)}[across]


async def test_every_signal_of_every_page_is_the_same_on_both_paths(tmp_path: Path) -> None:
    module = plugin("prometheus")
    window = Window((Span(END - STEP, END),))
    differ: list[str] = []
    compared = 0
    with prometheus(tmp_path, history=history()) as url:
        for name in NAMES:
            reader = PageReader(every_dialect())
            first = reader.read(text(samples(name)), END - 90)
            dialects = [dialect for dialect in every_dialect() if dialect.name in reader.seen]
            second = reader.read(text(later(name, dialects)), END)
            source = module.Prometheus("prom", module.PrometheusOptions(url=url))
            source.speak({dialect.name: dialect for dialect in dialects})
            try:
                for signal in reader.answered:
                    frame = await source.read(Query(signal, window, STEP, Labels.of(page=name)))
                    asked = float(sum(np.nansum(series.values[-1]) for series in frame.series))
                    read = folded(second, signal)
                    if find_signal(signal).kind is not Kind.GAUGE:
                        read -= folded(first, signal)
                    compared += 1
                    if asked != pytest.approx(read, rel=1e-6, abs=1e-9):
                        differ.append(f"{name} {signal}: read {read:g}, asked {asked:g}")
            finally:
                await source.close()
    assert differ == []
    assert compared > 200

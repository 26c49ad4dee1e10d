"""How fast a metrics page is read, the first time and on later scrapes, beside prometheus_client; and whether both find
the same.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from statistics import median

from pages import DCGM, TRITON, VLLM, page

from console.model import Kind, Labels, Reading
from console.signals.dialect import Dialect
from console.signals.page import PageReader

ROOT = Path(__file__).parents[1]
OFFICIAL = ROOT / ".venv-pages" / "bin" / "python"
MEGABYTES = 5
ROUNDS = 9
FIRST, LATER = 3.0, 20.0  # times as fast as the other
DIALECTS = (VLLM, TRITON, DCGM)
SERIES = re.compile(rb"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:(\{)| )", re.MULTILINE)
Known = dict[tuple[str, Labels], float]


def pages() -> bool:
    """Print how long both take; whether the goals are met. Without the other, ours alone."""
    body = big_page()
    lines = sum(not line.startswith(b"#") for line in body.splitlines())
    print(f"a page of vLLM's of {len(body) / 1e6:.1f} MB, {lines:,} samples; CPU ms, the median of {ROUNDS} times")
    first = median(cpu_seconds(lambda: PageReader(DIALECTS).read(body, 1.0)) for _round in range(ROUNDS))
    warm = PageReader(DIALECTS)
    warm.read(body, 1.0)
    later = median(cpu_seconds(lambda: warm.read(body, 2.0)) for _round in range(ROUNDS))
    if not OFFICIAL.exists():
        show("andon, first scrape", first, len(body))
        show("andon, every later one", later, len(body))
        print("prometheus_client is not here to be measured beside: make .venv-pages/.ready")
        return True
    with tempfile.NamedTemporaryFile(suffix=".prom") as file:
        file.write(body)
        file.flush()
        command = [str(OFFICIAL), str(Path(__file__).with_name("_official_pages.py")), file.name, str(ROUNDS)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    official = median(told["seconds"])
    show("prometheus_client, every scrape", official, len(body))
    show("andon, first scrape", first, len(body), official)
    show("andon, every later one", later, len(body), official)
    known = {(name, Labels.of(labels)): value for name, labels, value in told["samples"]}
    wrong = [reading.series for reading in warm.read(body, 3.0) if not same(reading, known)]
    count = len(warm.read(body, 4.0))
    print(f"{count - len(wrong):,} of {count:,} readings are what prometheus_client found")
    is_fast = official / first >= FIRST and official / later >= LATER
    print(f"goal: {FIRST:g} times as fast at first, {LATER:g} times later: {'met' if is_fast else 'missed'}")
    return is_fast and not wrong


def big_page() -> bytes:
    """vLLM's page as that of many pods, each series in its own label."""
    one = page("vllm")
    pods = range(MEGABYTES * 1_000_000 // len(SERIES.sub(_in_pod(0), one)))
    return b"".join(SERIES.sub(_in_pod(pod), one) for pod in pods)


def _in_pod(pod: int) -> Callable[[re.Match[bytes]], bytes]:
    def labelled(series: re.Match[bytes]) -> bytes:
        return series[1] + b'{pod="vllm-%d"' % pod + (b"," if series[2] else b"} ")

    return labelled


def same(reading: Reading, known: Known) -> bool:
    """Whether the other found these numbers too, under one of the names that the dialects know them by."""
    return any(
        _is(reading, name, labels, native.scale, known)
        for dialect in DIALECTS
        for native in dialect.natives(reading.series.signal)
        for name in dialect.spellings(*native.names)
        for labels in _native(reading, dialect, dict(native.where))
    )


def _native(reading: Reading, dialect: Dialect, where: dict[str, str]) -> Iterator[dict[str, str]]:
    """Labels as the page may have them, those that select a native among them."""
    told = reading.series.labels
    for names in product(*((*dialect.native_labels(name), name) for name, _value in told)):
        yield where | {name: value for name, (_common, value) in zip(names, told, strict=True)}


def _is(reading: Reading, name: str, labels: dict[str, str], scale: float, known: Known) -> bool:
    if reading.series.kind is not Kind.HISTOGRAM:
        return math.isclose(known.get((name, Labels.of(labels)), math.nan) * scale, reading.value)
    total = known.get((f"{name}_sum", Labels.of(labels)))
    if total is None or not math.isclose(total * scale, reading.value):
        return False
    counts = {
        float(dict(found)["le"]): value
        for (other, found), value in _buckets(name, known).get(Labels.of(labels), {}).items()
        if other
    }
    return [counts[edge] for edge in sorted(counts)] == list(reading.counts)


_BUCKETS: dict[str, dict[Labels, dict[tuple[str, Labels], float]]] = {}


def _buckets(name: str, known: Known) -> dict[Labels, dict[tuple[str, Labels], float]]:
    """The buckets of one metric, by their labels without the edge."""
    if name not in _BUCKETS:
        table = _BUCKETS[name] = {}
        for (other, labels), value in known.items():
            if other == f"{name}_bucket":
                rest = Labels.of((label, text) for label, text in labels if label != "le")
                table.setdefault(rest, {})[other, labels] = value
    return _BUCKETS[name]


def cpu_seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def show(name: str, took: float, size: int, beside: float | None = None) -> None:
    faster = "" if beside is None else f"{beside / took:7.1f} ×"
    print(f"  {name:36}{took * 1000:9.1f} ms {size / 1e6 / took:8.1f} MB/s {faster}")

"""Does `drift` say what happened, and nothing where nothing did? Beside Evidently, NannyML and alibi-detect.

    python benchmarks/drift_honesty.py [--quick] [--seeds 20] [--no-peers] [--only situations,identical,streams]

Three tables. The situations go the whole way: Parquet files, the counting engine, `drift`; what counts is the right
column first, by a right word. Identical data: windows of 50 to 1,000,000 rows against 5,000 (or as many) of the same
law; what counts is whether a window raises anything, over all columns, integrity and relations. Streams: weeks of real
and generated hourly tables against the twelve weeks before; alarms in quiet weeks, and how many weeks after a column
moved it is told. A peer alarms where it flags any column by its defaults; its own environment is needed (`make bench`).
Exits 1 where a figure of the done-list fails.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np

if __package__ in (None, ""):
    sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

import _drift_peers as peers
import _identical
import _streams
import _walks
from _situations import SITUATIONS, Rows, Situation, named, pair

from console.analysis.drift import drift
from console.analysis.slices import explaining_slice
from console.model import Drift, Verdict
from console.sources.options import TableOptions
from console.sources.tables import Table
from console.sources.types import ProfileRequest

TOOLS = ("evidently", "nannyml", "alibi")
PEER_SEEDS = 2
MOST_IDENTICAL, MOST_QUIET, LEAST_FIRST = 0.01, 0.05, 0.95
DELAYS = 4  # weeks that a fault is waited for
LOOSE = 0.6  # alpha at which andon alarms about as often as the calmest peer: what it then finds is to be compared
HONEST = "+0.1 sd"  # there, and too small to matter: seen or not, it is never wrong
ALARMS = (Verdict.DEGRADED, Verdict.INCONCLUSIVE)


@dataclass(slots=True)
class Asked:
    """Pairs of windows for the peers, asked together: a process start costs more than a window."""

    folder: Path
    jobs: list[tuple[str, str, int]] = field(default_factory=list)

    def add(self, baseline: Rows, current: Rows) -> int:
        """The job's number."""
        number = len(self.jobs)
        for side, rows in (("b", baseline), ("c", current)):
            peers.save(self.folder / f"{side}{number}.npz", rows)
        self.jobs.append((f"b{number}.npz", f"c{number}.npz", len(next(iter(current.values())))))
        return number


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer seeds and windows, no peers")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--only", default="situations,identical,streams", help="tables, with commas between them")
    asked = parser.parse_args(argv)
    only = asked.only.split(",")
    tools = [] if asked.quick or asked.no_peers else [tool for tool in TOOLS if peers.installed(tool)]
    began = time.monotonic()
    held = []
    if "situations" in only:
        held.append(situations(3 if asked.quick else asked.seeds, tools))
    if "identical" in only:
        held.append(identical(0.1 if asked.quick else 1.0, tools))
    if "streams" in only:
        held.append(streams(asked.quick, tools))
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0 if all(held) else 1


# ── the situations ───────────────────────────────────────────────────────────────────────────────────────────────────


def situations(seeds: int, tools: Sequence[str]) -> bool:
    """Each situation, and by whom it was told in how many of the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(Path(folder))
        for situation in SITUATIONS if tools else ():
            for seed in range(PEER_SEEDS):
                asked.add(*pair(situation, seed))
        said = peers.ask(asked.folder, asked.jobs, tools) if tools else {}
        print(f"situations: right column first, by a right word, of {seeds} seeds (peers: flagged, of {PEER_SEEDS})\n")
        _line("situation", "andon", *tools)
        held = True
        for at, situation in enumerate(SITUATIONS):
            told = sum(named(through_the_engine(situation, seed, folder), situation) for seed in range(seeds))
            held &= told == seeds or situation.name == HONEST
            places = range(at * PEER_SEEDS, (at + 1) * PEER_SEEDS)
            _line(situation.name, f"{told}/{seeds}", *(_flagged(said.get(tool), places, situation) for tool in tools))
    return held


def through_the_engine(situation: Situation, seed: int, folder: str) -> Drift:
    """From files to what is said of them."""
    baseline, current = pair(situation, seed)
    tables = [_table(rows, Path(folder) / f"{side}.parquet") for side, rows in (("b", baseline), ("c", current))]
    before = tables[0].profiles(ProfileRequest(()))[0].profile
    now = tables[1].profiles(ProfileRequest((), like=before))[0].profile
    found = drift(now, before)
    if "slice" in situation.words and found.columns[0].verdict is Verdict.DEGRADED:
        by = [
            {group.value or "": group.profile for group in table.profiles(ProfileRequest((), like=before, by="camera"))}
            for table in tables
        ]
        first = found.columns[0]
        explained = replace(first, slice=explaining_slice(first.name, *by))
        found = replace(found, columns=(explained, *found.columns[1:]))
    return found


def _table(rows: Rows, path: Path) -> Table:
    cells = ", ".join(
        f'CASE WHEN NOT isnan("{name}") THEN "{name}" END AS "{name}"' if values.dtype.kind == "f" else f'"{name}"'
        for name, values in rows.items()
    )
    data = rows  # DuckDB finds it by this name
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {cells} FROM data) TO '{path}' (FORMAT parquet)")
    assert data is rows
    return Table(path.stem, TableOptions(path=str(path), time=None))


def _flagged(said: list[dict[str, object]] | None, places: Iterable[int], situation: Situation) -> str:
    if said is None:
        return "-"
    answers = [said[place] for place in places]
    if all(answer["error"] for answer in answers):
        return "raises"
    if situation.column is None:
        return f"{sum(not answer['columns'] for answer in answers)}/{len(answers)}"
    return f"{sum(situation.column in answer['columns'] for answer in answers)}/{len(answers)}"


# ── identical data ───────────────────────────────────────────────────────────────────────────────────────────────────

SIZES = ((50, 5000, 500), (200, 5000, 300), (2000, 5000, 150), (20_000, 5000, 30), (20_000, 20_000, 20),
         (200_000, 200_000, 4), (1_000_000, 1_000_000, 1))  # fmt: skip
PEER_SIZES, PEER_WINDOWS = (50, 200, 2000), 5


def identical(part: float, tools: Sequence[str]) -> bool:
    """Windows that raise anything, of windows that are of the baseline's own law."""
    print("\nidentical data: 16 columns, windows that raise anything\n")
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(Path(folder))
        for size in PEER_SIZES if tools else ():
            for _ in range(PEER_WINDOWS):
                asked.add(_identical.rows(rng, 5000), _identical.rows(rng, size))
        said = peers.ask(asked.folder, asked.jobs, tools) if tools else {}
    _line("rows, baseline", "andon", *tools)
    alarms = windows = 0
    for size, before, count in SIZES:
        count = max(1, round(count * part))
        if part < 1 and size > 20_000:
            continue
        raised = sum(_raises(rng, size, before) for _ in range(count))
        alarms, windows = alarms + raised, windows + count
        cells = [_alarm_share(said.get(tool), size) for tool in tools]
        _line(f"{size:,} against {before:,}", f"{raised}/{count}", *cells)
    _line("all", f"{alarms / windows:.4f} {_wilson(alarms, windows)}")
    return _wilson_low(alarms, windows) <= MOST_IDENTICAL


def _raises(rng: np.random.Generator, size: int, before: int) -> bool:
    baseline = _identical.counted(_identical.rows(rng, before))
    found = drift(_identical.counted(_identical.rows(rng, size), baseline), baseline)
    return found.verdict in ALARMS


def _alarm_share(said: list[dict[str, object]] | None, size: int) -> str:
    if said is None or size not in PEER_SIZES:
        return "-"
    at = PEER_SIZES.index(size) * PEER_WINDOWS
    answers = said[at : at + PEER_WINDOWS]
    if all(answer["error"] for answer in answers):
        return "raises"
    return f"{sum(bool(answer['columns']) for answer in answers)}/{len(answers)}"


# ── streams ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def streams(quick: bool, tools: Sequence[str]) -> bool:
    """Quiet weeks that alarm; weeks until a moved column is told, and whether it is told first."""
    found = _streams.real(60 if quick else 120)
    if not found:
        print("\nthe real streams are not there: make .venv-streams/.ready", file=sys.stderr)
    found += [_streams.generated(seed, 40 if quick else 80, φ) for seed, φ in enumerate((0.5, 0.9, 0.97))]
    print("\nstreams: share of quiet weeks with an alarm; faults of 3 sd found, mean delay in weeks (missed: 4)\n")
    _line("stream", "andon", f"andon at α {LOOSE}", *tools)
    held, firsts, faults_found = True, 0, 0
    for stream in found:
        quiet = _walks.weeks(stream)
        faults = list(_walks.faults(stream, 4 if quick else 8, 3.0))
        alarms = sum(_walks.look(stream, week).verdict is Verdict.DEGRADED for week in quiet)
        told = [_told(stream, fault) for fault in faults]
        firsts += sum(first for _delay, first in told)
        faults_found += sum(delay < DELAYS for delay, _first in told)
        held &= alarms / len(quiet) <= MOST_QUIET
        delays = [delay for delay, _first in told]
        cells = [f"{alarms / len(quiet):.3f} of {len(quiet)}; {_delay(delays)}"]
        _line(stream.name, *cells, _loosely(stream, quiet, faults), *_peers_on(stream, quiet, faults, tools))
    share = firsts / max(faults_found, 1)
    print(f"\nthe moved column first: {firsts} of {faults_found} found ({share:.2f})")
    return held and share >= LEAST_FIRST


def _loosely(stream: _streams.Stream, quiet: Sequence[int], faults: Sequence[_walks.Fault]) -> str:
    """On the weeks that the peers are asked of, at an alpha that lets as many false alarms through as theirs."""
    calm = quiet[::10]
    alarms = sum(_walks.look(stream, week, LOOSE).verdict is Verdict.DEGRADED for week in calm)
    delays = [_told(stream, fault, LOOSE, 1)[0] for fault in faults[::2]]
    return f"{alarms / len(calm):.2f} of {len(calm)}; {_delay(delays)}"


def _told(stream: _streams.Stream, fault: _walks.Fault, alpha: float = 0.01, weeks: int = DELAYS) -> tuple[int, bool]:
    """(weeks until the column is told, whether it is told first)."""
    moved = _walks.broken(stream, fault)
    for delay in range(weeks):
        found = _walks.look(moved, fault.week + delay, alpha)
        told = next(column for column in found.columns if column.name == fault.column)
        if told.verdict is Verdict.DEGRADED:
            return delay, found.columns[0].name == fault.column
    return DELAYS, False


def _peers_on(
    stream: _streams.Stream, quiet: Sequence[int], faults: Sequence[_walks.Fault], tools: Sequence[str]
) -> list[str]:
    """The same of the peers: every tenth quiet week, every second fault, in the week they begin."""
    if not tools:
        return []
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(Path(folder))
        calm = [asked.add(*_walks.windows(stream, week)) for week in quiet[::10]]
        moved = [(asked.add(*_walks.windows(_walks.broken(stream, one), one.week)), one.column) for one in faults[::2]]
        said = peers.ask(asked.folder, asked.jobs, tools)
    cells = []
    for tool in tools:
        if tool not in said:
            cells.append("-")
            continue
        alarms = sum(bool(said[tool][at]["columns"]) for at in calm)
        delays = [0 if column in said[tool][at]["columns"] else DELAYS for at, column in moved]
        cells.append(f"{alarms / len(calm):.2f} of {len(calm)}; {_delay(delays)}")
    return cells


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _delay(delays: Sequence[int]) -> str:
    return f"{sum(one < DELAYS for one in delays)}/{len(delays)}, {np.mean(delays):.1f}"


def _line(first: str, *cells: str) -> None:
    print(f"  {first:26}" + "".join(f"{cell:>26}" for cell in cells), flush=True)


def _wilson(hits: int, n: int) -> str:
    low, high = _wilson_low(hits, n), 1 - _wilson_low(n - hits, n)
    return f"[{low:.4f}, {high:.4f}]"


def _wilson_low(hits: int, n: int) -> float:
    share, z = hits / n, 1.96
    middle = share + z * z / (2 * n)
    return max(0.0, (middle - z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n))


if __name__ == "__main__":
    raise SystemExit(main())

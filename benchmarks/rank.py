"""How often does `rank` name the root cause first, which ingredient finds what, and what does it bear?

    python benchmarks/rank.py CASES [--only NAME,…] [--limit N] [--quick | --constants]

CASES is a folder of case folders (docs/ranking.md has the layout) beside a truth.json, which says for each SET/CASE
{"services": […]} or {"events": […]}. Prints the accuracy of each set (AC@k: a true target among the first k; Avg@5: the
mean of AC@1 to AC@5) with the 95 % Wilson interval of AC@1 and the CPU seconds that the slowest case took; the ablation
(each ingredient alone, and all but it); and the same cases perturbed. --quick leaves the perturbations out. --constants
halves and doubles each constant instead, and tests on every set the choice that was best on the others.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from console.analysis.incidents.anomalies import Meaning, meaning_of
from console.analysis.rank import INGREDIENTS, evidence, fused, news_of, rank
from console.model import Case, Labels, LogLines, Ranking, SeriesKey, Span, TraceSpans, Window
from console.sources.cases import read_case

MISSED = 10**6
CONSTANTS = (
    "rank.USUAL_LOSS", "rank.USUAL_SURPRISE", "rank.USUAL_NEWS", "rank.LEAST_SURPRISE", "rank.LEAST_SCORE",
    "trouble.PLAIN", "trouble.LEAST_STRENGTH", "spans.LEAST_Z", "anomalies.LEAST_SCALE", "behaviour.NEAR",
)  # fmt: skip
FACTORS = (0.5, 2.0)


# ── perturbations ────────────────────────────────────────────────────────────────────────────────────────────────────


def without_traffic(case: Case) -> Case:
    return _series(case, lambda key, _index: meaning_of(key.signal) is not Meaning.TRAFFIC)


def half_of_the_series(case: Case) -> Case:
    rng = np.random.default_rng(int(case.onset or 0))
    return _series(case, lambda key, _index: key == case.violated or rng.random() < 0.5)


def _series(case: Case, keep: Callable[[SeriesKey, int], bool]) -> Case:
    if case.metrics is None:
        return case
    kept = tuple(series for index, series in enumerate(case.metrics.series) if keep(series.key, index))
    return replace(case, metrics=replace(case.metrics, series=kept))


def in_other_units(case: Case) -> Case:
    if case.metrics is None:
        return case
    scaled = tuple(
        series if meaning_of(series.key.signal) is Meaning.SUCCESS else replace(series, values=series.values * 1000)
        for series in case.metrics.series
    )
    return replace(case, metrics=replace(case.metrics, series=scaled))


def half_of_the_steps(case: Case) -> Case:
    if case.metrics is None:
        return case
    kept = np.random.default_rng(0).random(case.metrics.times.size) < 0.5
    return replace(
        case,
        metrics=replace(
            case.metrics,
            times=case.metrics.times[kept],
            series=tuple(replace(series, values=series.values[kept]) for series in case.metrics.series),
        ),
    )


def later_window(case: Case) -> Case:
    """The current window begins and ends a fifth of itself later."""

    def moved(window: Window, by: float) -> Window:
        return replace(
            window,
            spans=tuple(Span(span.start + by * span.seconds, span.end + by * span.seconds) for span in window.spans),
        )

    return replace(case, current=moved(case.current, 0.2))


def half_of_the_lines(case: Case) -> Case:
    if case.logs is None:
        return case
    kept = np.random.default_rng(0).random(case.logs.times.size) < 0.5
    return replace(case, logs=_lines(case.logs, kept))


def _lines(logs: LogLines, kept: Any) -> LogLines:
    bodies = tuple(body for body, is_kept in zip(logs.bodies, kept.tolist(), strict=True) if is_kept)
    return replace(
        logs,
        times=logs.times[kept],
        service=logs.service[kept],
        severity=logs.severity[kept],
        span=logs.span[kept],
        bodies=bodies,
    )


def half_of_the_traces(case: Case) -> Case:
    spans = case.spans
    if spans is None:
        return case
    root = np.arange(spans.starts.size)
    for _ in range(64):
        root = np.where(spans.parent[root] >= 0, spans.parent[root], root)
    kept = (np.random.default_rng(0).random(spans.starts.size) < 0.5)[root]
    at = np.where(kept, np.cumsum(kept) - 1, -1)
    chosen = TraceSpans(
        spans.starts[kept], spans.ends[kept], spans.service[kept], spans.operation[kept],
        np.where(spans.parent[kept] >= 0, at[spans.parent[kept]], -1), spans.failed[kept], spans.services,
        spans.operations,
    )  # fmt: skip
    logs = case.logs
    if logs is not None:
        logs = replace(logs, span=np.where(logs.span >= 0, at[logs.span], -1))
        logs = _lines(logs, (case.logs.span < 0) | (logs.span >= 0))  # type: ignore[union-attr]
    return replace(case, spans=chosen, logs=logs)


def lines_without_spans(case: Case) -> Case:
    return case if case.logs is None else replace(case, logs=replace(case.logs, span=np.full_like(case.logs.span, -1)))


def renamed(case: Case) -> Case:
    """Every service by a name without meaning, in another order."""
    names: dict[str, str] = {}

    def new(name: str) -> str:
        return names.setdefault(name, f"s{hash_of(name)}")

    def key_of(key: SeriesKey) -> SeriesKey:
        return replace(key, labels=Labels.of({a: new(b) if a == "service" else b for a, b in key.labels}))

    return replace(
        case,
        services=tuple(map(new, case.services)),
        calls=tuple((new(a), new(b)) for a, b in case.calls),
        violated=case.violated and key_of(case.violated),
        metrics=case.metrics
        and replace(
            case.metrics, series=tuple(replace(series, key=key_of(series.key)) for series in case.metrics.series)
        ),
        logs=case.logs and replace(case.logs, services=tuple(map(new, case.logs.services))),
        spans=case.spans and replace(case.spans, services=tuple(map(new, case.spans.services))),
    )


def hash_of(name: str) -> str:
    from zlib import crc32

    return f"{crc32(name.encode()):08x}"


PERTURBATIONS: dict[str, Callable[[Case], Case]] = {
    "as it is": lambda case: case,
    "services renamed": renamed,
    "no call graph": lambda case: replace(case, calls=()),
    "nothing violated": lambda case: replace(case, violated=None),
    "neither of the two": lambda case: replace(case, violated=None, calls=()),
    "no traffic": without_traffic,
    "half of the series": half_of_the_series,
    "half of the steps": half_of_the_steps,
    "other units": in_other_units,
    "later window": later_window,
    "half of the lines": half_of_the_lines,
    "half of the traces": half_of_the_traces,
    "lines without spans": lines_without_spans,
    "no metrics": lambda case: replace(case, metrics=None),
    "no logs": lambda case: replace(case, logs=None),
    "no spans": lambda case: lines_without_spans(replace(case, spans=None)),
    "metrics alone": lambda case: replace(case, logs=None, spans=None),
}


# ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure(
    folder: Path, key: str, truth: dict[str, Any], perturbations: tuple[str, ...]
) -> tuple[str, float, dict[str, int]]:
    """One case: its seconds, and the place of the true target under each setting."""
    began = time.process_time()
    case = read_case(folder / key)
    news = news_of(case)
    said = evidence(case, news)
    ranking = fused(case, news, said)
    seconds = time.process_time() - began
    places = {"all": place(ranking, truth)}
    for name in INGREDIENTS:
        places[f"only {name}"] = place(fused(case, news, said, {name}), truth)
        places[f"without {name}"] = place(fused(case, news, said, set(INGREDIENTS) - {name}), truth)
    for name in perturbations:
        wanted = (
            {**truth, "services": [f"s{hash_of(one)}" for one in truth["services"]]}
            if name == "services renamed" and "services" in truth
            else truth
        )
        changed = PERTURBATIONS[name](case)
        places[f"~{name}"] = place(rank(changed), wanted)
    return key, seconds, places


def with_other_constants(folder: Path, key: str, truth: dict[str, Any]) -> dict[str, int]:
    """The place of the true target with each constant halved and doubled."""
    case = read_case(folder / key)
    places = {"as they are": place(rank(case), truth)}
    for constant in CONSTANTS:
        name, attribute = constant.split(".")
        module = importlib.import_module(f"console.analysis.{name}")
        usual = getattr(module, attribute)
        for factor in FACTORS:
            setattr(module, attribute, type(usual)(usual * factor))
            places[f"{attribute} × {factor:g}"] = place(rank(case), truth)
        setattr(module, attribute, usual)
    return places


def place(ranking: Ranking, truth: dict[str, Any]) -> int:
    kind = "event" if "events" in truth else "service"
    targets = list(dict.fromkeys(one.target for one in ranking.candidates if one.kind == kind))
    if truth.get("events") == ["none"] and not targets:
        targets = ["none"]
    wanted = set(truth.get("services") or truth.get("events") or ())
    return next((index for index, target in enumerate(targets, start=1) if target in wanted), MISSED)


def wilson(share: float, n: int) -> tuple[float, float]:
    z = 1.96
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)


def row(name: str, places: list[int]) -> str:
    at = [sum(one <= k for one in places) / len(places) for k in range(1, 6)]
    return f"| {name} | {at[0]:.3f} | {at[2]:.3f} | {at[4]:.3f} | {sum(at) / 5:.3f} |"


def leave_one_out(folder: Path, truths: dict[str, Any], sets: dict[str, list[str]]) -> None:
    shares: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor(2) as pool:
        for name, keys in sets.items():
            jobs = [pool.submit(with_other_constants, folder, key, truths[key]) for key in keys]
            places = [job.result() for job in jobs]
            shares[name] = {setting: sum(of[setting] == 1 for of in places) / len(places) for setting in places[0]}
    print(f"AC@1 of | {' | '.join(shares)}")
    for setting in next(iter(shares.values())):
        print(f"{setting} | {' | '.join(f'{of[setting]:.3f}' for of in shares.values())}")
    for name, of in shares.items():
        others = [other for other in shares if other != name]
        if others:
            best = max(of, key=lambda setting: sum(shares[other][setting] for other in others))
            print(f"chosen without {name}: {best}, which gives it {of[best]:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--constants", action="store_true")
    asked = parser.parse_args()
    try:
        truths: dict[str, Any] = json.loads((asked.cases / "truth.json").read_text())
    except OSError as error:
        sys.exit(f"{asked.cases} has no truth.json ({error.strerror}): see {__file__} for what is needed")
    sets: dict[str, list[str]] = defaultdict(list)
    for key in sorted(truths):
        name = key.split("/")[0]
        if not asked.only or name in asked.only.split(","):
            sets[name].append(key)
    perturbations = () if asked.quick else tuple(PERTURBATIONS)
    if asked.constants:
        return leave_one_out(asked.cases, truths, {name: keys[: asked.limit] for name, keys in sets.items()})
    with ProcessPoolExecutor(2) as pool:
        for name, keys in sets.items():
            keys = keys[: asked.limit]
            jobs = [pool.submit(measure, asked.cases, key, truths[key], perturbations) for key in keys]
            found = [job.result() for job in jobs]
            places: dict[str, list[int]] = defaultdict(list)
            for _key, _seconds, of in found:
                for setting, at in of.items():
                    places[setting].append(at)
            first = sum(one <= 1 for one in places["all"]) / len(keys)
            low, high = wilson(first, len(keys))
            slowest = max(seconds for _key, seconds, _of in found)
            accuracy = f"AC@1 {first:.3f} ({low:.2f} to {high:.2f})"
            print(f"\n{name}: {len(keys)} cases, {accuracy}; at most {slowest:.2f} CPU seconds a case")
            print(
                "missed: "
                + (
                    " ".join(
                        f"{key.split('/')[1]}:{of['all'] if of['all'] < MISSED else '-'}"
                        for key, _s, of in found
                        if of["all"] > 1
                    )
                    or "none"
                )
            )
            print("\n| | AC@1 | AC@3 | AC@5 | Avg@5 |\n|---|---|---|---|---|")
            for setting, of in places.items():
                print(row(setting.removeprefix("~"), of))


if __name__ == "__main__":
    main()

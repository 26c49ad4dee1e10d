"""The drift tools that people use today, each in its own environment, over many pairs of windows in one process.

    .venv-evidently/bin/python benchmarks/_drift_peers.py evidently FOLDER

FOLDER/jobs.json lists [baseline, current, rows of a chunk]: files of `save`. What each tool flags by its defaults is
written to FOLDER/TOOL.json: one {columns, error} per job. `ask` starts them all from the benchmark.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1500.0  # seconds for all the windows of one tool


def save(path: Path, rows: Mapping[str, np.ndarray]) -> None:
    """Columns as numpy keeps them without pickle: a missing text is an empty one."""
    plain = {
        name: values if values.dtype.kind == "f" else np.array(["" if one is None else str(one) for one in values])
        for name, values in rows.items()
    }
    np.savez(path, **plain)


def installed(tool: str) -> bool:
    """Whether its environment is there (`make bench` makes them)."""
    return (ROOT / f".venv-{tool}" / "bin" / "python").exists()


def ask(folder: Path, jobs: Sequence[tuple[str, str, int]], tools: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    """What each tool says of each job, by tool; a tool that failed as a whole says nothing of any."""
    (folder / "jobs.json").write_text(json.dumps(jobs))
    found = {}
    for tool in tools:
        command = [str(ROOT / f".venv-{tool}" / "bin" / "python"), __file__, tool, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
        answer = folder / f"{tool}.json"
        if done.returncode or not answer.exists():
            print(f"{tool} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
            continue
        found[tool] = json.loads(answer.read_text())
    return found


# ── in the environment of one tool ───────────────────────────────────────────────────────────────────────────────────


def main(tool: str, folder: Path) -> None:
    warnings.simplefilter("ignore")
    flags = {"evidently": _evidently, "nannyml": _nannyml, "alibi": _alibi}[tool]()
    answers = []
    for baseline, current, chunk in json.loads((folder / "jobs.json").read_text()):
        try:
            answers.append({"columns": flags(_load(folder / baseline), _load(folder / current), chunk), "error": ""})
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is its answer
            answers.append({"columns": [], "error": f"{type(error).__name__}: {error}"[:200]})
    (folder / f"{tool}.json").write_text(json.dumps(answers))


Flags = Callable[..., list[str]]


def _load(path: Path) -> object:
    import pandas as pd

    with np.load(path) as held:
        return pd.DataFrame(
            {
                name: held[name] if held[name].dtype.kind == "f" else pd.Series(held[name]).replace("", None)
                for name in held.files
            }
        )


def _evidently() -> Flags:
    from evidently import Report
    from evidently.presets import DataDriftPreset

    def flags(baseline, current, _chunk):
        told = Report([DataDriftPreset()]).run(current, baseline).dict()
        found = []
        for metric in told["metrics"]:
            config = metric.get("config", {})
            if not str(config.get("type", "")).endswith("ValueDrift"):
                continue
            value, threshold = metric["value"], config["threshold"]
            is_p = "p_value" in str(config["method"]) or "p_value" in metric["metric_name"]
            if value < threshold if is_p else value >= threshold:
                found.append(config["column"])
        return found

    return flags


def _nannyml() -> Flags:
    import logging

    import nannyml

    logging.disable(logging.CRITICAL)

    def flags(baseline, current, chunk):
        texts = [name for name in baseline if baseline[name].dtype == object]
        calculator = nannyml.UnivariateDriftCalculator(
            column_names=list(baseline), treat_as_categorical=texts, chunk_size=chunk
        )
        told = calculator.fit(baseline).calculate(current).filter(period="analysis").to_df()
        return [name for name in baseline if told[name].xs("alert", axis=1, level=-1).to_numpy().any()]

    return flags


def _alibi() -> Flags:
    from alibi_detect.cd import TabularDrift

    def flags(baseline, current, _chunk):
        categories = {}
        both = [baseline.copy(), current[list(baseline)].copy()]
        for at, name in enumerate(baseline):
            if baseline[name].dtype == object:
                known = {value: float(place) for place, value in enumerate(sorted(set(baseline[name].dropna())))}
                for side in both:
                    side[name] = side[name].map(lambda value, known=known: known.get(value, float(len(known))))
                categories[at] = None
        x, y = (side.to_numpy(dtype=np.float32) for side in both)
        told = TabularDrift(x, p_val=0.05, categories_per_feature=categories or None).predict(y)
        threshold = told["data"]["threshold"]  # Bonferroni over the columns
        return [name for name, p in zip(baseline, told["data"]["p_val"], strict=True) if p < threshold]

    return flags


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

"""What NannyML says of the same windows: run by its own Python, windows in (npz), JSON out.

    .venv-nannyml/bin/python benchmarks/_nannyml_performance.py WINDOWS.npz

The file holds, per case, `NAME.baseline` (rows, 2) and `NAME.windows` (windows, rows, 2): score and label.
"""

from __future__ import annotations

import json
import sys
import warnings

import nannyml
import numpy as np
import pandas as pd

METRICS = ["accuracy", "roc_auc", "precision", "recall", "f1"]
COLUMNS = {"y_pred_proba": "score", "y_pred": "answer", "y_true": "label", "problem_type": "classification_binary"}


def rows(values: np.ndarray) -> pd.DataFrame:
    """As NannyML takes them."""
    score, label = values.T
    return pd.DataFrame({"score": score, "answer": (score >= 0.5).astype(int), "label": label.astype(int)})


def alarms(found: pd.DataFrame) -> list[bool]:
    """Whether any metric of a window raised one."""
    return [bool(one) for one in np.any([found[metric, "alert"] for metric in METRICS], axis=0)]


def judged(baseline: np.ndarray, windows: np.ndarray) -> dict[str, list[float] | list[bool]]:
    """Its realised and its estimated performance, defaults but for the size of a chunk."""
    size = windows.shape[1]
    now = rows(windows.reshape(-1, 2))
    realised = nannyml.PerformanceCalculator(metrics=METRICS, chunk_size=size, **COLUMNS).fit(rows(baseline))
    estimator = nannyml.CBPE(metrics=METRICS, chunk_size=size, **COLUMNS).fit(rows(baseline))
    measured = realised.calculate(now).filter(period="analysis").to_df()
    estimated = estimator.estimate(now.drop(columns="label")).filter(period="analysis").to_df()
    return {
        "alarms": alarms(measured),
        "estimated_alarms": alarms(estimated),
        "accuracy": [float(one) for one in estimated["accuracy", "value"]],
        "auroc": [float(one) for one in estimated["roc_auc", "value"]],
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as cases:
        names = sorted({name.rsplit(".", 1)[0] for name in cases})
        print(json.dumps({name: judged(cases[f"{name}.baseline"], cases[f"{name}.windows"]) for name in names}))

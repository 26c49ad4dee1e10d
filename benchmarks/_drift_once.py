"""One drift tool over two Parquet files by its defaults, as a user would start it: read both, fit, score.

.venv-evidently/bin/python benchmarks/_drift_once.py evidently BASELINE CURRENT
"""

from __future__ import annotations

import sys
import warnings


def main(tool: str, baseline: str, current: str) -> None:
    """Run the tool and say its version and how many columns it flags."""
    warnings.simplefilter("ignore")
    version, flagged = {"evidently": _evidently, "nannyml": _nannyml, "alibi": _alibi}[tool](baseline, current)
    print(version, flagged)


def _evidently(baseline: str, current: str) -> tuple[str, int]:
    import evidently
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    found = Report([DataDriftPreset()]).run(pd.read_parquet(current), pd.read_parquet(baseline)).dict()
    count = next(one for one in found["metrics"] if one["metric_name"].startswith("DriftedColumnsCount"))
    return evidently.__version__, int(count["value"]["count"])


def _nannyml(baseline: str, current: str) -> tuple[str, int]:
    import nannyml
    import pandas as pd

    rows = pd.read_parquet(baseline)
    calculator = nannyml.UnivariateDriftCalculator(column_names=list(rows.columns)).fit(rows)
    found = calculator.calculate(pd.read_parquet(current)).filter(period="analysis").to_df()
    alerts = found.loc[:, [name for name in found.columns if name[-1] == "alert"]]
    return nannyml.__version__, int(alerts.any(axis=0).sum())


def _alibi(baseline: str, current: str) -> tuple[str, int]:
    import alibi_detect
    import pandas as pd
    from alibi_detect.cd import TabularDrift

    rows, now = pd.read_parquet(baseline), pd.read_parquet(current)
    texts = {at: None for at, name in enumerate(rows.columns) if rows[name].dtype == object}
    for at in texts:
        name = rows.columns[at]
        known = {value: float(code) for code, value in enumerate(rows[name].unique())}
        rows[name], now[name] = rows[name].map(known), now[name].map(known).fillna(-1.0)
    detector = TabularDrift(rows.to_numpy(float), categories_per_feature=texts)
    found = detector.predict(now.to_numpy(float), drift_type="feature")
    return alibi_detect.__version__, int(found["data"]["is_drift"].sum())


if __name__ == "__main__":
    main(*sys.argv[1:])

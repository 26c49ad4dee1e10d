"""`drift`: from the rows of a table to what moved, since when, where, and one row of each side."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playbook_world import NOW

from console.errors import NoData, UsageError
from console.model import ColumnProfile, Span, State, Verdict, Window
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.asking import only_one
from console.playbook.steps.drift import STEP, DriftOptions
from console.playbook.steps.rows import gained, past_places, slicing_columns
from console.sources.estate import Estate
from console.sources.options import TableOptions
from console.sources.tables import Table

DAY = 86400.0
ONSET = NOW - 480.0
CURRENT = Window((Span(NOW - 900, NOW),))
YESTERDAY = Window((Span(NOW - 900 - DAY, NOW - DAY),), "offset")


class Rows:
    """The real table, asked from a coroutine as its child process would be."""

    def __init__(self, table: Table) -> None:
        self.table = table

    async def profiles(self, request: Any) -> Any:
        return self.table.profiles(request)

    async def exemplars(self, request: Any) -> Any:
        return self.table.exemplars(request)

    async def slices(self) -> Any:
        return self.table.slices()

    async def outputs(self) -> Any:
        return self.table.outputs()


def rows(days: int = 6) -> list[dict[str, Any]]:
    """Rows of the same quarter of an hour over several days, two lines, one a second."""
    found = []
    random = np.random.default_rng(1)
    for day in range(days, -1, -1):
        for second in range(900):
            time = NOW - day * DAY - 900 + second
            light = float(random.normal(0.6, 0.05))
            found.append({"time": time, "line": f"line-{second % 2}", "light": light, "hum": float(random.normal(5, 1)),
                          "prediction": f"class-{int(light * 20)}"})  # fmt: skip
    return found


def table(tmp_path: Path, kept: list[dict[str, Any]], **options: Any) -> Rows:
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(row) for row in kept))
    return Rows(Table("log", TableOptions(path=str(tmp_path / "log.jsonl"), prediction="prediction", **options)))


async def looked(reader: Any, options: dict[str, Any] | None = None, **changes: Any) -> StepOutcome:
    fields: dict[str, Any] = {
        "step": "s", "current": CURRENT, "baseline": YESTERDAY, "inputs": {}, "results": {}, "now": NOW, "ask": None,
    }  # fmt: skip
    tables = changes.pop("tables", {"log": reader})
    context = StepContext(estate=Estate(tables=tables), **(fields | changes))
    outcome: StepOutcome = await STEP.run(context, DriftOptions.model_validate(options or {}))
    return outcome


async def test_the_same_world_is_well_and_says_how_much_was_looked_at(tmp_path: Path) -> None:
    outcome = await looked(table(tmp_path, rows()))
    assert outcome.state is State.OK
    assert (outcome.values["moved"], outcome.values["outputs_moved"], outcome.values["schema_changed"]) == (False,) * 3
    (finding,) = outcome.findings
    assert finding.text == "900 rows against 900: no column of 4 drifted"


async def test_what_moved_is_named_with_its_onset_its_slice_and_one_row_of_each_side(tmp_path: Path) -> None:
    changed = [
        row | {"light": row["light"] - 0.4} if row["time"] >= ONSET and row["line"] == "line-1" else row
        for row in rows()
    ]
    outcome = await looked(table(tmp_path, changed, slices=["line"]))
    values = outcome.values
    assert (outcome.state, values["verdict"], values["moved"]) == (State.DEGRADED, Verdict.DEGRADED, True)
    assert (values["column"], values["slice.column"], values["slice.value"]) == ("light", "line", "line-1")
    assert abs(values["onset"] - ONSET) <= 30
    assert values["shift"] < -0.05
    assert not values["schema_changed"]
    drifted = outcome.findings[0]
    assert drifted.drift is not None and drifted.drift.slice is not None
    assert "light drifted, its mean by -0." in drifted.text and "line=line-1 explains" in drifted.text
    pair = outcome.findings[-1]
    assert pair.kind == "exemplar"
    assert [each.side for each in pair.exemplars] == ["baseline", "current"]
    then, now = (float(each.fields.value("light") or "nan") for each in pair.exemplars)
    assert then > 0.5 and now < then


async def test_what_the_model_wrote_is_no_input(tmp_path: Path) -> None:
    changed = [row | {"prediction": "class-12"} if row["time"] >= ONSET else row for row in rows()]
    values = (await looked(table(tmp_path, changed))).values
    assert values["verdict"] == Verdict.DEGRADED
    assert (values["moved"], values["outputs_moved"]) == (False, True)


async def test_a_vanished_column_is_named_and_no_drift_of_the_world(tmp_path: Path) -> None:
    changed = [
        {key: value for key, value in row.items() if key != "hum"} if row["time"] >= NOW - 900 else row
        for row in rows()
    ]
    outcome = await looked(table(tmp_path, changed))
    assert (outcome.values["schema_changed"], outcome.values["missing_column"]) == (True, "hum")
    assert outcome.values["moved"] is False
    assert "schema" in outcome.values["issues"] and "hum" in outcome.values["issue_columns"]
    assert "hum" in outcome.findings[0].text


async def test_a_column_that_came_while_another_went_missing_is_named(tmp_path: Path) -> None:
    kept = rows()
    for row in kept:
        if row["time"] > ONSET:
            row["noise"] = row.pop("hum")
    outcome = await looked(table(tmp_path, kept))
    assert outcome.values["new_columns"] == ["noise"]
    assert (await looked(table(tmp_path, rows()))).values["new_columns"] == []


async def test_another_unit_is_the_feeds_doing_and_not_the_worlds(tmp_path: Path) -> None:
    changed = [row | {"hum": row["hum"] * 1000} if row["time"] >= NOW - 900 else row for row in rows()]
    values = (await looked(table(tmp_path, changed))).values
    assert (values["schema_changed"], values["moved"]) == (True, False)
    assert "unit" in values["issues"]


async def test_only_the_rows_and_columns_asked_for_are_looked_at(tmp_path: Path) -> None:
    changed = [row | {"light": 0.1} if row["time"] >= ONSET and row["line"] == "line-1" else row for row in rows()]
    reader = table(tmp_path, changed)
    assert (await looked(reader, {"where": {"line": "line-0"}})).state is State.OK
    assert (await looked(reader, {"columns": ["hum"], "where": {"line": ""}})).state is State.OK
    assert (await looked(reader, {"columns": ["light"], "slices": ["line"]})).values["slice.value"] == "line-1"


async def test_the_models_own_table_is_taken_and_otherwise_the_only_one(tmp_path: Path) -> None:
    reader = table(tmp_path, rows(1))
    two = {"glove": reader, "shoe": reader}
    assert (await looked(reader, inputs={"model": "glove"}, tables=two)).state is State.OK
    assert (await looked(reader, {"table": "shoe"}, tables=two)).state is State.OK
    with pytest.raises(UsageError, match="glove, shoe could each be the table meant"):
        await looked(reader, tables=two)
    with pytest.raises(UsageError, match="there is no table 'sheo'") as raised:
        await looked(reader, {"table": "sheo"}, tables=two)
    assert raised.value.hint == "did you mean 'shoe'?"


async def test_a_source_says_in_its_options_which_model_it_is_about() -> None:
    estate = Estate(tables={"a": None, "b": None}, models={"a": "glove", "b": "shoe"})  # type: ignore[dict-item]
    context = StepContext("s", estate, CURRENT, YESTERDAY, {"model": "shoe"}, {}, NOW, None)  # type: ignore[arg-type]
    assert only_one({"a": 1, "b": 2}, None, "table", context) == 2
    nobody = replace(context, inputs={"model": "nobody"})
    with pytest.raises(NoData, match="no table is about nobody"):
        only_one({"a": 1, "b": 2}, None, "table", nobody)


def test_the_current_rows_are_told_by_the_bin_that_gained_most() -> None:
    before = ColumnProfile("luma", "numeric", "DOUBLE", 100, edges=(50.0, 100.0), counts=(0, 10, 90), minimum=60.0,
                           maximum=180.0, mean=130.0)  # fmt: skip
    after = replace(before, counts=(40, 10, 50), minimum=20.0, mean=90.0)
    assert gained(after, before) == 35.0  # black gloves, and not the mean of black and gray
    assert gained(replace(before, edges=()), after) == 130.0


async def test_without_a_table_or_a_row_there_is_nothing_to_judge_by(tmp_path: Path) -> None:
    with pytest.raises(NoData, match="absent: no source is a table"):
        await looked(None, tables={})
    with pytest.raises(NoData, match="absent: the baseline has no row"):
        await looked(table(tmp_path, rows(0)))


async def test_rows_without_a_time_have_no_onset(tmp_path: Path) -> None:
    class Timeless(Rows):
        async def profiles(self, request: Any) -> Any:
            if request.every is not None:
                raise UsageError("table log cannot be cut into steps without a span of time", "")
            return await super().profiles(request)

    changed = [row | {"light": 0.1} if row["time"] >= ONSET else row for row in rows()]
    outcome = await looked(Timeless(table(tmp_path, changed).table))
    assert outcome.values["column"] == "light"
    assert outcome.values["onset"] is None


def test_the_past_is_the_same_hour_of_earlier_days_or_the_seasons_themselves() -> None:
    days = past_places(CURRENT, YESTERDAY)
    assert [place.start for place in days] == [NOW - 900 - day * DAY for day in range(1, 8)]
    seasons = Window((Span(0, 900), Span(604800, 605700), Span(1209600, 1209900)), "seasonal")
    assert past_places(CURRENT, seasons) == [Span(0, 900), Span(604800, 605700)]  # the last one was cut


async def test_columns_with_few_values_are_what_rows_are_sliced_by(tmp_path: Path) -> None:
    from console.sources.types import ProfileRequest

    reader = table(tmp_path, rows(1))
    (group,) = await reader.profiles(ProfileRequest(CURRENT.spans))
    assert slicing_columns(group.profile, group.profile, ["prediction"]) == ["line"]

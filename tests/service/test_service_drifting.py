"""When rows are looked at, and what is shown of them: the schedule by itself, and a real table under a real daemon."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nouns
import pytest
from household import Clock, ask

from console.config import Config, SourceConfig
from console.errors import NoData, SourceError, UsageError
from console.model import Labels, Verdict
from console.service import drifting, following_rows
from console.service.board import read_board
from console.service.drift_view import blank, golden_changed, labels_are_worse, models_with_rows
from console.service.drifting import Drifts
from console.service.house import House
from console.service.opening import open_house
from console.sources.estate import Estate

DAY = 86400.0


class Looker:
    """A schedule, who looks, and what was looked at."""

    def __init__(self, data: Path, models: Sequence[str] = ("glove", "boot"), seconds: float = 5.0) -> None:
        self.models = [*models]
        self.is_watched = False
        self.looked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.fails: Exception | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.changes = 0
        self.drifts = Drifts(
            lambda: self.models, self._look, lambda: self.is_watched, self._changed, data, seconds=seconds
        )

    async def _look(self, model: str) -> Any:
        self.looked.append(model)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.hold.wait()
        finally:
            self.at_once -= 1
        if self.fails:
            raise self.fails
        verdict = "degraded" if model == "glove" else "ok"
        return {**blank(model, "", 1.0), "verdict": verdict}

    def _changed(self) -> None:
        self.changes += 1


async def test_nobody_looks_so_nothing_is_counted(data: Path) -> None:
    looker = Looker(data)
    await looker.drifts.round()
    assert looker.looked == []
    assert [row["reason"] for row in looker.drifts.rows()] == ["not looked at yet"] * 2
    looker.is_watched = True
    await looker.drifts.round()
    assert (looker.looked, looker.changes) == (["glove", "boot"], 2)


async def test_a_model_is_looked_at_once_a_minute_and_one_at_a_time(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker = Looker(data)
    looker.is_watched = True
    await asyncio.gather(looker.drifts.round(), looker.drifts.round(), looker.drifts.of("boot"))
    assert (sorted(looker.looked), looker.most_at_once) == (["boot", "glove"], 1)
    monkeypatch.setattr(drifting, "AGAIN_SECONDS", 0.0)
    await looker.drifts.round()
    assert len(looker.looked) == 4


async def test_after_an_examination_its_model_is_looked_at_again(data: Path) -> None:
    looker = Looker(data)
    looker.is_watched = True
    await looker.drifts.round()
    looker.drifts.look_again("glove")
    looker.drifts.look_again("a model without rows")
    await looker.drifts.round()
    assert looker.looked == ["glove", "boot", "glove"]


async def test_who_asked_a_moment_ago_still_looks(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looker = Looker(data)
    assert (await looker.drifts.of("glove"))["verdict"] == "degraded"
    await looker.drifts.round()
    assert looker.looked == ["glove", "boot"]
    assert [row["model"] for row in looker.drifts.rows()] == ["glove", "boot"]
    monkeypatch.setattr(drifting, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(drifting, "ASKED_SECONDS", 0.0)
    await looker.drifts.round()
    assert len(looker.looked) == 2
    with pytest.raises(UsageError, match="no table is about 'hat'"):
        await looker.drifts.of("hat")


async def test_while_others_are_looked_at_the_last_view_is_shown(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looker = Looker(data)
    await looker.drifts.of("glove")
    monkeypatch.setattr(drifting, "AGAIN_SECONDS", 0.0)
    looker.hold.clear()
    other = asyncio.create_task(looker.drifts.of("boot"))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        assert (await looker.drifts.of("glove"))["verdict"] == "degraded"
    looker.hold.set()
    await other


@pytest.mark.parametrize("error", [SourceError("the disk is gone"), ZeroDivisionError("oops")])
async def test_a_look_that_fails_says_so_in_its_row(data: Path, error: Exception) -> None:
    looker = Looker(data)
    looker.fails = error
    view = await looker.drifts.of("glove")
    assert view["verdict"] == "no_data"
    assert str(error) in view["reason"]


async def test_a_look_that_never_ends_is_stopped(data: Path) -> None:
    looker = Looker(data, seconds=0.02)
    looker.hold.clear()
    assert "more than 0.02 s" in (await looker.drifts.of("glove"))["reason"]


def test_which_models_have_rows() -> None:
    tables: Any = {"log": object(), "glove": object()}
    assert models_with_rows(Estate(tables=tables, models={"log": "boot"}), ["hat", "glove"]) == ["boot", "glove"]
    assert models_with_rows(Estate(tables={"log": tables["log"]}), ["hat"]) == ["hat"]
    assert models_with_rows(Estate(tables={"log": tables["log"]}), []) == ["log"]
    assert models_with_rows(Estate(tables={"log": tables["log"]}), ["hat", "boot"]) == ["log"]
    assert models_with_rows(Estate(), ["hat"]) == []


def test_what_labels_and_golden_inputs_say_is_read_from_what_was_found_already() -> None:
    worse, well = nouns.finding(), nouns.finding(verdict=Verdict.OK, labels=Labels.of(model="boot"))
    slow = nouns.finding(signal="model.latency")
    assert labels_are_worse("glove", [slow, worse, well]) is True
    assert labels_are_worse("boot", [slow, worse, well]) is False
    assert labels_are_worse("hat", [slow, worse, well]) is None

    def probed(model: str, **values: bool) -> Any:
        return nouns.a_run(inputs={"model": model}, steps=(nouns.step("model", uses="probe", values=values),))

    assert golden_changed("glove", [probed("boot", same=True), probed("glove"), probed("glove", same=False)]) is True
    assert golden_changed("boot", [probed("boot", same=True)]) is False
    assert golden_changed("hat", [probed("boot", same=True)]) is None


# ── a real table ─────────────────────────────────────────────────────────────────────────────────────────────────────


def rows(now: float) -> list[dict[str, Any]]:
    """A row every second of the same quarter of an hour over a week; today line-1 went dark six minutes ago."""
    chance = random.Random(1)
    found = []
    for day in range(8):
        for ago in range(1, 900):
            dark = day == 0 and ago <= 360 and ago % 2
            found.append(
                {
                    "time": now - day * DAY - ago, "line": f"line-{ago % 2}", "hum": chance.gauss(5, 1),
                    "light": chance.gauss(0.2 if dark else 0.6, 0.05),
                }
            )  # fmt: skip
    return found


@pytest.fixture
async def plant(data: Path, clock: Clock, tmp_path: Path) -> AsyncIterator[House]:
    """A daemon with the prediction logs of the models glove and boot."""
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in sorted(rows(clock.now), key=lambda row: row["time"])))
    sources = tuple(
        SourceConfig(name, "table", {"path": str(path), "model": model})
        for name, model in (("log", "glove"), ("other", "boot"))
    )
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(
            open_house(Config(data=data, interval=0, clock=clock.path, sources=sources))
        )


async def test_the_drift_of_a_real_table_column_by_column(plant: House, clock: Clock) -> None:
    told = await ask(plant, "drift", model="glove")
    assert (told["model"], told["table"], told["verdict"], told["looked"]) == ("glove", "log", "degraded", clock.now)
    assert told["rows"] == [7 * 600, 600]
    assert told["windows"].startswith("the last 10 min against the same time in the past")
    light = told["columns"][0]
    assert (light["name"], light["kind"], light["verdict"]) == ("light", "numeric", "degraded")
    assert light["slice"].startswith("line=line-1 explains")
    assert abs(light["onset"] - (clock.now - 360)) <= 30
    assert {one["verdict"] for one in told["columns"][1:]} == {"ok"}
    assert told["times"] == [clock.now - 3600 + 300 * slot for slot in range(12)]
    assert light["slots"][:9] == [None] * 9  # the rows begin a quarter of an hour ago
    assert light["slots"][9] < light["slots"][10] < 0.3 < light["slots"][11]
    assert len(light["bins"]["labels"]) == len(light["bins"]["baseline"]) == len(light["bins"]["current"]) <= 24
    assert sum(light["bins"]["current"]) == pytest.approx(1)
    assert [each["side"] for each in told["exemplars"]] == ["baseline", "current"]
    assert told["world_or_model"]["verdict"] == "world"
    assert "weaker verdict" in told["world_or_model"]["text"]
    json.dumps(told)


async def test_golden_inputs_that_were_sent_lately_decide_and_the_board_says_so(plant: House, clock: Clock) -> None:
    step = nouns.step("model", uses="probe", values={"same": False})
    run = nouns.a_run(started=clock.now - 600, inputs={"model": "glove"}, steps=(step,))
    await plant.records.keep_runs([run], None)
    await ask(plant, "drift", model="glove")
    row, other = (await read_board(plant))["drift"]
    assert (other["model"], other["reason"]) == ("boot", "not looked at yet")
    assert (row["model"], row["verdict"], row["rows"]) == ("glove", "degraded", [4200, 600])
    assert set(row["columns"][0]) == {"name", "verdict", "effect", "line", "onset", "shift", "issues"}
    assert (
        row["world_or_model"] == "Golden inputs are answered differently: the model changed. The inputs moved as well."
    )


def append(house: House, found: Sequence[dict[str, Any]]) -> None:
    path = Path(str(house.config.sources[0].options["path"]))
    with path.open("a") as log:
        log.write("".join("\n" + json.dumps(row) for row in found))


def steady(now: float, seconds: int, light: float = 0.6) -> list[dict[str, Any]]:
    """The rows that come next."""
    chance = random.Random(2)
    return [
        {"time": now + at, "line": f"line-{at % 2}", "hum": chance.gauss(5, 1), "light": chance.gauss(light, 0.05)}
        for at in range(seconds)
    ]


async def test_a_later_look_reads_only_the_rows_that_came(
    plant: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drifting, "AGAIN_SECONDS", 0.0)
    before = await ask(plant, "drift", model="glove")
    assert before["read"] == {"rows": 8 * 899, "newest": clock.now - 1, "left": 0}
    append(plant, steady(clock.now, 120))
    clock.set(clock.now + 120)
    after = await ask(plant, "drift", model="glove")
    assert after["rows"] == [7 * 480, 600]  # of the days before there is nothing beyond the quarter of an hour
    assert after["read"] == {"rows": 8 * 899 + 120, "newest": clock.now - 1, "left": 0}
    light = next(each for each in after["columns"] if each["name"] == "light")
    assert light["bins"]["labels"] == before["columns"][0]["bins"]["labels"]
    assert light["slots"][-1] < before["columns"][0]["slots"][-1]


async def test_after_its_child_died_a_table_says_what_it_said(
    plant: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drifting, "AGAIN_SECONDS", 0.0)
    before = await ask(plant, "drift", model="glove")
    await plant.estate.sources["log"].close()
    after = await ask(plant, "drift", model="glove")
    assert after == before


async def test_what_is_wrong_with_the_table_as_a_whole_is_told_first(
    plant: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drifting, "AGAIN_SECONDS", 0.0)
    append(plant, [{**row, "lens": 3} for row in steady(clock.now + 3600, 60)])
    append(plant, [{**row, "lens": 3} for row in steady(clock.now, 60)])
    clock.set(clock.now + 60)
    told = await ask(plant, "drift", model="glove")
    assert told["issues"] == ["60 rows are of the future: a clock is wrong", "column lens is new"]


async def test_while_the_same_columns_drift_the_explanation_is_a_few_minutes_old_and_then_asked_anew(
    plant: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drifting, "AGAIN_SECONDS", 0.0)
    asked: list[float] = []

    async def counting(*arguments: Any) -> Any:
        asked.append(clock.now)
        return await explained(*arguments)

    explained = following_rows.explained
    monkeypatch.setattr(following_rows, "explained", counting)
    first = await ask(plant, "drift", model="glove")
    for _ in range(5):
        append(plant, [{**row, "light": row["light"] / 3 if row["line"] == "line-1" else row["light"]}
                       for row in steady(clock.now, 60)])  # fmt: skip
        clock.set(clock.now + 60)
        later = await ask(plant, "drift", model="glove")
        assert (later["verdict"], later["columns"][0]["name"]) == ("degraded", "light")
    assert [at - asked[0] for at in asked] == [0, 300]
    assert first["columns"][0]["slice"].startswith("line=line-1") and later["columns"][0]["slice"].startswith("line=")


async def test_a_look_that_could_not_read_all_goes_on_soon_and_the_last_view_stays(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker = Looker(data, ["glove"])
    await looker.drifts.of("glove")
    monkeypatch.setattr(drifting, "REST_SECONDS", 0.0)
    looker.fails = NoData("partial: its rows are being counted")
    looker.drifts.look_again("glove")
    assert (await looker.drifts.of("glove"))["verdict"] == "degraded"
    looker.fails = None
    await looker.drifts.of("glove")
    assert looker.looked == ["glove"] * 3


async def test_a_model_without_rows_is_a_usage_error(plant: House) -> None:
    with pytest.raises(UsageError, match="no table is about 'hat'"):
        await ask(plant, "drift", model="hat")

"""The board: worst first, every light with a shape, the panels below, and what the keys do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from consoles import (
    HOSTILE,
    NOW,
    TellingClient,
    board,
    drift,
    gpu,
    incident,
    latency,
    model,
    running,
    settled,
    text_of,
    until,
)
from textual.pilot import Pilot

from console.errors import ConfigError, DaemonUnreachable
from console.tui.app import Console
from console.tui.panels.incidents import outlook
from console.tui.panels.panel import Panel
from console.tui.panels.room import Want, share
from console.tui.screens.triage import Triage

SIZES = [(80, 24), (120, 40), (200, 50), (300, 100)]


async def test_the_board_shows_models_lights_and_panels(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, _pilot):
        shown = text_of(app)
    assert "glove" in shown
    assert "▲ degraded" in shown
    assert "● ok" in shown


@pytest.mark.parametrize("size", SIZES)
async def test_everything_that_matters_is_seen_without_scrolling(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(TellingClient(tmp_path, board()), size=size) as (app, _pilot):
        shown = text_of(app)
    for words in (
        "glove",
        "chat",
        "▲ I-3",
        "likely 99 %: The world changed",
        "n1/0",
        "n1/3",
        "45 ms",
        "glove_luma -20.3",
    ):
        assert words in shown
    assert all(len(line) <= size[0] for line in shown.splitlines())


@pytest.mark.parametrize("size", SIZES)
async def test_plans_that_wait_for_somebody_are_seen_on_every_board(tmp_path: Path, size: tuple[int, int]) -> None:
    waiting = {"id": "P-3", "title": "kubernetes.scale deployment prod/chat", "state": "planned", "risk": "high",
               "text": "waits for another operator to approve it, ada did"}  # fmt: skip
    others = [waiting | {"id": f"P-{number}"} for number in (4, 5)]
    client = TellingClient(tmp_path, board() | {"plans": [waiting]})
    async with running(client, size=size) as (app, pilot):
        assert "◐ P-3 waits for another operator to approve it, ada did, high risk" in text_of(app)
        assert "8 shows it" in text_of(app)
        client.tell(board() | {"plans": [waiting, *others]})
        await until(pilot, lambda: "and 2 more plans; 8 shows them" in text_of(app))
        shown = text_of(app)
        assert "▲ I-3" in shown and "n1/0" in shown and "glove_luma -20.3" in shown
        client.tell(board())
        await until(pilot, lambda: "P-3" not in text_of(app))
    assert all(len(line) <= size[0] for line in shown.splitlines())


async def test_lights_are_said_in_words_where_there_is_room(tmp_path: Path) -> None:
    told = board(models=[model("m", gpu="stale", queue="no_data", drift="degraded")])
    async with running(TellingClient(tmp_path, told), size=(119, 30)) as (app, _pilot):
        narrow = text_of(app)
    async with running(TellingClient(tmp_path, told), size=(120, 30)) as (app, _pilot):
        wide = text_of(app)
    assert all(word in narrow for word in ("◌ old", "○ –", "▲ bad"))
    assert all(word in wide for word in ("◌ stale", "○ no data", "▲ degraded"))


async def test_another_size_while_it_runs(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board()), size=(80, 24)) as (app, pilot):
        assert "▲ bad" in text_of(app)
        await pilot.resize_terminal(200, 50)
        await pilot.pause(0.1)
        assert "▲ degraded" in text_of(app)
        tops = {app.screen.query_one(f"#{name}").region.y for name in ("gpus", "latency", "drift")}
        assert len(tops) == 1
        await pilot.resize_terminal(80, 24)
        await pilot.pause(0.1)
        tops = {app.screen.query_one(f"#{name}").region.y for name in ("gpus", "latency", "drift")}
        assert len(tops) == 3


async def test_many_of_everything_leaves_rows_of_each_at_80x24(tmp_path: Path) -> None:
    many = board(
        models=[model(f"m{n}") for n in range(300)],
        incidents=[incident(f"I-{n}", subject=f"m{n}") for n in range(9)],
        gpus=[gpu(n) for n in range(64)],
        latency=[latency(f"m{n}") for n in range(300)],
        drift=[drift(f"m{n}") for n in range(300)],
        troubles=["the disk is full"],
    )
    async with running(TellingClient(tmp_path, many), size=(80, 24)) as (app, _pilot):
        shown = text_of(app)
        rows = {
            name: app.screen.query_one(f"#{name}", Panel).size.height - 1
            for name in ("models", "gpus", "latency", "drift")
        }
    assert min(rows.values()) >= 3
    assert "✖ the disk is full" in shown
    assert "1/300" in shown


async def test_what_is_wrong_stands_first_in_the_panels(tmp_path: Path) -> None:
    gpus = [*(gpu(n) for n in range(20)), gpu(20, state="degraded", reason="it does not answer")]
    told = board(gpus=gpus, latency=[*(latency(f"m{n}") for n in range(30)), latency("bad", verdict="degraded")])
    async with running(TellingClient(tmp_path, told), size=(80, 24)) as (app, _pilot):
        shown = text_of(app)
    assert "▲ n1/20" in shown
    assert "it does not answer" in shown
    assert "▲ bad" in shown


async def test_numbers_follow_the_snapshots(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board())
    async with running(client) as (app, pilot):
        assert "45 ms" in text_of(app)
        client.tell(board(latency=[latency("chat", p95=0.123)]))
        await settled(app, pilot)
        assert "123 ms" in text_of(app)
        assert "45 ms" not in text_of(app)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_enter_on_a_model_with_an_incident_opens_its_triage(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Triage)


@pytest.mark.parametrize(
    ("table", "goes"),
    [("models", ("latency", "chat")), ("latency", ("latency", "glove")), ("drift", ("drift", "glove"))],
)
async def test_enter_goes_to_what_is_behind_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, goes: tuple[str, str]
) -> None:
    gone: list[tuple[str, str]] = []
    monkeypatch.setattr("console.tui.screens.board.Board._open", lambda _self, name, to: gone.append((name, to)))
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        await focus(app, pilot, table)
        if table == "models":
            await pilot.press("down")
        await pilot.press("enter")
        await pilot.pause(0.05)
    assert gone == [goes]


async def test_enter_on_an_incident_opens_it_and_on_a_gpu_shows_it(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board())
    async with running(client) as (app, pilot):
        await focus(app, pilot, "incidents")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, Triage)
        await pilot.press("escape")
        await pilot.pause(0.05)
        await focus(app, pilot, "gpus")
        await pilot.press("down", "enter")
        await pilot.pause(0.1)
        assert "n1/1" in text_of(app)
        await pilot.press("escape")
        await pilot.pause(0.05)
        assert "likely 99 %" in text_of(app)


async def test_tab_goes_from_table_to_table_and_the_cord_knows_what_it_is_about(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board())) as (app, pilot):
        seen = []
        for _ in range(5):
            seen.append((getattr(app.focused, "id", ""), app.screen.subject()))  # type: ignore[attr-defined]
            await pilot.press("tab")
    assert seen == [
        ("models", "glove"),
        ("incidents", "glove"),
        ("gpus", "n1/0"),
        ("latency", "glove"),
        ("drift", "glove"),
    ]


async def test_a_gpu_belongs_to_the_incident_about_it(tmp_path: Path) -> None:
    told = board(incidents=[incident("I-9", subject="n1/0")])
    async with running(TellingClient(tmp_path, told)) as (app, pilot):
        await focus(app, pilot, "gpus")
        assert app.screen.incident() == "I-9"  # type: ignore[attr-defined]


async def test_the_filter_narrows_every_table(tmp_path: Path) -> None:
    async with running(TellingClient(tmp_path, board()), size=(120, 40)) as (app, pilot):
        await pilot.press("slash", *"chat", "enter")
        await pilot.pause(0.1)
        shown = text_of(app)
        assert "chat" in shown
        assert "n1/0" not in shown
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert "n1/0" in text_of(app)


# ── nothing, little, too much ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES[:3])
async def test_an_empty_estate_says_what_to_type(tmp_path: Path, size: tuple[int, int]) -> None:
    hints = ["name what is to be watched in /etc/andon/config.toml, for example", "  [sources.chat]",
             '  kind = "metrics"', "or look from the machine that has GPUs: ssh NODE andon"]  # fmt: skip
    nothing: dict[str, Any] = {name: [] for name in ("models", "gpus", "latency", "drift", "incidents", "sources")}
    client = TellingClient(tmp_path, board(hints=hints, **nothing))
    async with running(client, size=size) as (app, pilot):
        shown = text_of(app)
        assert "Nothing is watched yet." in shown
        assert "   [sources.chat]" in shown
        assert "ssh NODE andon" in shown
        client.tell(board())
        await settled(app, pilot)
        assert "Nothing is watched" not in text_of(app)
        assert getattr(app.focused, "id", "") == "models"


async def test_without_gpus_the_hint_stands_where_they_would(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board(gpus=[], hints=["look from the machine that has GPUs: ssh NODE andon"]))
    async with running(client, size=(80, 24)) as (app, _pilot):
        assert "ssh NODE andon" in text_of(app)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (DaemonUnreachable("no daemon runs yet: starting one", ""), "starting the daemon …"),
        (DaemonUnreachable("the daemon cannot be started", "see daemon.log"), "see daemon.log"),
    ],
)
async def test_before_anything_came_it_says_why(tmp_path: Path, trouble: DaemonUnreachable, said: str) -> None:
    client = TellingClient(tmp_path)
    client.tell(trouble)
    async with running(client) as (app, _pilot):
        assert said in text_of(app)


async def test_why_no_daemon_could_be_started_is_not_forgotten(tmp_path: Path) -> None:
    def start() -> None:
        raise ConfigError("the configuration names no such file", "see `andon config path`")

    def nobody() -> DaemonUnreachable:
        error = DaemonUnreachable("no daemon runs", "start it")
        error.__cause__ = FileNotFoundError()
        return error

    client = TellingClient(tmp_path)
    for _ in range(3):
        client.tell(nobody())
    async with running(client, start=start) as (app, pilot):
        await pilot.pause(0.3)
        assert "the configuration names no such file" in text_of(app)
        assert "see `andon config path`" in text_of(app)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"models": None, "gpus": None},
        {"models": [{}], "gpus": [{}], "latency": [{}], "drift": [{}], "incidents": [{"id": "I-1"}]},
    ],
)
async def test_whatever_is_missing_is_missing(tmp_path: Path, told: dict[str, Any]) -> None:
    client = TellingClient(tmp_path, {"now": NOW} | told)
    async with running(client, size=(80, 24)) as (app, pilot):
        await pilot.press("down", "tab", "down", "tab", "end")
        assert "board" in text_of(app)


async def test_nothing_from_outside_breaks_it(tmp_path: Path) -> None:
    told = board(
        models=[model(name, owner=name) for name in HOSTILE],
        gpus=[gpu(n, host=name, name=name, reason=name, state="degraded") for n, name in enumerate(HOSTILE)],
        latency=[latency(name) for name in HOSTILE],
        drift=[drift(name, columns=[{"name": name, "verdict": "degraded", "issues": [name]}]) for name in HOSTILE],
        incidents=[incident(f"I-{n}", subject=name, title=name, cause=None) for n, name in enumerate(HOSTILE)],
        troubles=list(HOSTILE),
        hints=list(HOSTILE),
    )
    for size in SIZES[:3]:
        async with running(TellingClient(tmp_path, told), size=size) as (app, _pilot):
            shown = text_of(app)
        assert not set(shown) & set("\x1b\x07\x9b\r\t\u202e")


async def test_ten_thousand_rows_are_no_more_work_than_those_seen(tmp_path: Path) -> None:
    told = board(models=[model(f"m{n}") for n in range(10_000)])
    async with running(TellingClient(tmp_path, told)) as (app, pilot):
        await pilot.press("end")
        await pilot.pause(0.05)
        assert "m9999" in text_of(app)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"cause": {"title": "The world changed", "probability": 0.99, "more": 2}},
            "likely 99 %: The world changed (and 2 more)",
        ),
        ({"cause": {"title": "The cache is full", "probability": 0.8}}, "possible 80 %: The cache is full"),
        ({"title": "p95 is up"}, "cause unknown: p95 is up"),
        ({"examining": {"playbook": "drop", "steps": [{"state": "ok"}, {"state": None}]}}, "examining: drop 1/2"),
        ({"examining": {"playbook": "", "title": "waiting for its turn"}}, "examining: waiting for its turn"),
        ({"title": "x", "questions": 2}, "2 questions for you; cause unknown: x"),
    ],
)  # fmt: skip
def test_how_far_one_is_with_an_incident(row: dict[str, Any], said: str) -> None:
    assert outlook(row)[0] == said


def test_lines_go_to_those_who_need_them() -> None:
    assert share(22, [Want(4, 5), Want(2, 3), Want(9, 5), Want(3, 4), Want(2, 4)]) == [4, 2, 9, 3, 2]
    assert sum(share(22, [Want(300, 5)] * 5)) == 22
    assert share(3, [Want(10, 5), Want(10, 5)]) == [3, 0]


async def focus(app: Console, pilot: Pilot[int], table: str) -> None:
    """Tab until that table has it."""
    for _ in range(6):
        if getattr(app.focused, "id", "") == table:
            return
        await pilot.press("tab")
    raise AssertionError(table)

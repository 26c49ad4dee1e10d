"""The screen of plans: what would change is shown before anybody says yes, and yes is for exactly that."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, NOW, TellingClient, board, running, text_of, until
from diagnoses import diagnosis
from plans import plan
from textual.pilot import Pilot
from textual.widgets import Input, Label

from console.errors import UsageError
from console.model import PlanRecord
from console.remedy.planning import plan_hash
from console.tui.app import Console
from console.tui.screens import plan_yes
from console.tui.screens.card import Card
from console.tui.screens.prompt import Prompt
from console.wire import dump

DECISION = {"is_allowed": True, "rule": "levers", "why": "it allows this", "approvers": 1, "is_signed": False}
SIZES = ((80, 24), (120, 40), (200, 50))


def row(state: str = "planned", **changes: Any) -> dict[str, Any]:
    made = plan(created=NOW - 60, expires=NOW + 840, incident="I-3", **changes)
    told: dict[str, Any] = dump(PlanRecord("P-1", plan_hash(made), made, changed=NOW - 60))
    return told | {"state": state}


def telling(folder: Path, *rows: dict[str, Any]) -> TellingClient:
    client = TellingClient(folder, board())
    client.answers = {"plan.list": [*rows], "plan.explain": {"decision": DECISION}}
    return client


async def open_plans(app: Console, pilot: Pilot[int]) -> str:
    await pilot.press("8")
    await until(pilot, lambda: app.screen.NAME == "plans" and "asking the daemon" not in text_of(app))  # type: ignore[attr-defined]
    return text_of(app)


async def typed(app: Console, pilot: Pilot[int], text: str) -> str:
    """Answer the prompt on top; its question."""
    await until(pilot, lambda: isinstance(app.screen, Prompt) and bool(app.screen.query(Label)))
    question = str(app.screen.query_one(Label).render())
    app.screen.query_one(Input).value = text
    await pilot.press("enter")
    return question


def asked(client: TellingClient, op: str) -> list[dict[str, Any]]:
    return [args for name, args in client.asked if name == op]


@pytest.mark.parametrize("size", SIZES)
async def test_a_row_says_what_would_change_and_how_many_must_say_yes(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(telling(tmp_path, row()), size=size) as (app, pilot):
        shown = await open_plans(app, pilot)
    assert "○ planned" in shown and "0/1" in shown and "P-1" in shown
    assert "spec.replicas: 2 → 4" in shown and "2 → 4 replicas" in shown
    assert all(len(line) <= size[0] for line in shown.splitlines())


async def test_yes_goes_with_the_hash_of_what_was_shown(tmp_path: Path) -> None:
    client = telling(tmp_path, told := row())
    client.answers["plan.approve"] = row("approved")
    async with running(client) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("Y")
        assert "spec.replicas: 2 → 4" in await typed(app, pilot, "")
        await until(pilot, lambda: bool(asked(client, "plan.approve")))
    assert asked(client, "plan.approve") == [{"plan": "P-1", "hash": told["hash"]}]


async def test_esc_approves_nothing_and_high_risk_is_typed_out(tmp_path: Path) -> None:
    client = telling(tmp_path, row(risk="high"))
    client.answers["plan.approve"] = row("approved")
    async with running(client) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(app.screen, Prompt))
        await pilot.press("escape", "Y")
        await typed(app, pilot, "yes")
        await until(pilot, lambda: "nothing was approved" in text_of(app))
        assert not asked(client, "plan.approve")
        await pilot.press("Y")
        await typed(app, pilot, "deployment prod/ranker")
        await until(pilot, lambda: bool(asked(client, "plan.approve")))


async def test_what_the_policy_does_not_let_be_done_is_said_before_anybody_types(tmp_path: Path) -> None:
    client = telling(tmp_path, row())
    client.answers["plan.explain"] = {
        "decision": DECISION | {"is_allowed": False, "rule": "freeze", "why": "it denies"}
    }
    async with running(client) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("Y")
        await until(pilot, lambda: "rule 'freeze' does not let this be done: it denies" in text_of(app))
    assert not asked(client, "plan.approve")


async def test_the_first_of_two_hears_that_another_is_wanted_and_alone_says_why(tmp_path: Path) -> None:
    client = telling(tmp_path, told := row())
    client.answers["plan.approve"] = row("planned")
    async with running(client) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("Y")
        await typed(app, pilot, "")
        await until(pilot, lambda: "your yes to P-1 counts; another operator's is wanted" in text_of(app))
        client.answers["plan.approve"] = row("approved")
        await pilot.press("B")
        await typed(app, pilot, "")
        assert "Break the glass for P-1" in await typed(app, pilot, "checkout is down")
        await until(pilot, lambda: "P-1 is approved by you" in text_of(app))
    assert asked(client, "plan.approve")[1] == {
        "plan": "P-1", "hash": told["hash"], "reason": "checkout is down", "break_glass": True
    }  # fmt: skip


@pytest.mark.parametrize("code", [0, 2])
async def test_a_yes_that_is_wanted_signed_leaves_the_terminal_to_the_command_that_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    client = telling(tmp_path, told := row())
    client.answers["plan.explain"] = {"decision": DECISION | {"is_signed": True}}
    commands: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(plan_yes.subprocess, "run", run)
    monkeypatch.setattr("builtins.input", lambda _prompt: "")
    monkeypatch.setattr(Console, "suspend", lambda _app: nullcontext())
    async with running(client) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("Y")
        await typed(app, pilot, "")
        assert "wants P-1 signed: with which SSH key?" in await typed(app, pilot, "/keys/ada")
        words = "P-1 is approved and signed by you" if code == 0 else "P-1 was not approved"
        await until(pilot, lambda: words in text_of(app))
    (command,) = commands
    assert command[3:] == [
        "console.cli", "--data", str(tmp_path), "plan", "approve", "P-1", "--hash", told["hash"], "--sign", "/keys/ada"
    ]  # fmt: skip
    assert not asked(client, "plan.approve")


async def test_a_terminal_that_cannot_be_left_says_what_to_type_in_another(tmp_path: Path) -> None:
    client = telling(tmp_path, row())
    client.answers["plan.explain"] = {"decision": DECISION | {"is_signed": True}}
    async with running(client, size=(160, 40)) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("Y")
        await typed(app, pilot, "")
        await typed(app, pilot, "/keys/ada")
        await until(pilot, lambda: "andon plan approve P-1 --sign /keys/ada" in text_of(app))


async def test_it_is_applied_rejected_and_taken_back_from_here_and_what_went_wrong_is_said(tmp_path: Path) -> None:
    client = telling(tmp_path, row("approved"))
    client.answers["plan.apply"] = row("failed") | {"reason": "it is not what it was"}
    client.answers["plan.rollback"] = UsageError("P-1 was not applied", "andon plan show P-1")
    client.answers["plan.reject"] = row("rejected")
    async with running(client) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("p")
        await until(pilot, lambda: "P-1 is failed: it is not what it was" in text_of(app))
        await pilot.press("u")
        assert "Restore what was before P-1?" in await typed(app, pilot, "")
        await until(pilot, lambda: "P-1 was not applied" in text_of(app))
        await pilot.press("N")
        await typed(app, pilot, "too wide")
        await until(pilot, lambda: bool(asked(client, "plan.reject")))
    assert asked(client, "plan.reject") == [{"plan": "P-1", "reason": "too wide"}]


async def test_enter_shows_all_of_it_and_locked_changes_nothing(tmp_path: Path) -> None:
    client = telling(tmp_path, row())
    async with running(client, locked=True) as (app, pilot):
        await open_plans(app, pilot)
        await pilot.press("Y", "p", "u", "N")
        await until(pilot, lambda: "locked" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Card))
        assert isinstance(app.screen, Card)
        facts = app.screen._facts
    assert facts["change 1"] == "spec.replicas: 2 → 4" and facts["back"] == "yes"
    assert {op for op, _args in client.asked} <= {"plan.list"}


async def test_from_the_triage_a_remedy_is_planned(tmp_path: Path) -> None:
    client = telling(tmp_path, row())
    told = diagnosis()
    told["causes"][0]["remedies"] = ["roll_back", "retrain"]
    client.answers["diagnosis"] = told
    client.answers["plan.make"] = row()
    async with running(client, incident="I-3") as (app, pilot):
        await until(pilot, lambda: app.screen.NAME == "triage" and "roll_back" in text_of(app))  # type: ignore[attr-defined]
        await pilot.press("m")
        assert "1 roll_back  2 retrain" in await typed(app, pilot, "2")
        await until(pilot, lambda: app.screen.NAME == "plans")  # type: ignore[attr-defined]
    assert asked(client, "plan.make") == [{"incident": "I-3", "remedy": "retrain"}]


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_name_of_a_plan_steers_the_terminal(tmp_path: Path, name: str) -> None:
    told = row(title=name)
    told["reason"] = name
    async with running(telling(tmp_path, told)) as (app, pilot):
        shown = await open_plans(app, pilot)
    assert "\x1b" not in shown and "\u202e" not in shown

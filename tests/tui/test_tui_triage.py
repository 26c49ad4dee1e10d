"""The triage: the answer is seen at once, each step shows what it compared, and every key does what the help says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from consoles import HOSTILE, NOW, TellingClient, board, incident, running, settled, text_of, until
from diagnoses import accuracy_run, cause, curve, diagnosis, finding, latency_run, move, run, step
from textual.pilot import Pilot

from console.errors import SourceError, UsageError
from console.tui.app import Console
from console.tui.screens.triage import Triage
from console.tui.screens.triage_answers import Answers
from console.tui.screens.triage_reader import Reader
from console.tui.screens.triage_shown import markdown_lines
from console.tui.widgets.part import Part
from console.tui.widgets.table import Table

SIZES = ((80, 24), (120, 40), (200, 50))


@asynccontextmanager
async def triage(
    folder: Path,
    told: Any = None,
    *,
    size: tuple[int, int] = (120, 40),
    row: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Console, Pilot[int], TellingClient]]:
    """The triage of I-3, once it has its answers."""
    client = TellingClient(folder, board(incidents=[incident("I-3") if row is None else row]))
    client.answers = {"diagnosis": diagnosis() if told is None else told, "curve": curve()}
    async with running(client, size=size, **options) as (app, pilot):
        app.open_incident("I-3")
        await until(pilot, lambda: "diagnosis" in asked(client))
        await pilot.pause(0.05)
        yield app, pilot, client


def asked(client: TellingClient) -> list[str]:
    return [op for op, _args in client.asked]


def last(client: TellingClient, op: str) -> dict[str, Any]:
    return [args for name, args in client.asked if name == op][-1]


@pytest.mark.parametrize("size", SIZES)
async def test_the_answer_is_seen_at_once_with_its_reason_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with triage(tmp_path, size=size) as (app, _pilot, _client):
        shown = text_of(app)
    lines = shown.splitlines()
    assert any("likely, 99 %: The world changed" in line for line in lines[:7])
    assert "because the inputs moved (glove_luma drifted" in shown
    assert "▲  Are fewer answers right?" in shown
    assert "current" in shown and "0.882" in shown and "n 870" in shown
    assert all(len(line) <= size[0] for line in lines)
    assert len(lines) == size[1]


async def test_the_cursor_stands_on_the_gravest_step_at_first(tmp_path: Path) -> None:
    async with triage(tmp_path) as (app, _pilot, _client):
        assert app.screen.query_one("#steps", Table).row["place"].step["id"] == "accuracy"  # type: ignore[index]


async def test_a_comparison_is_drawn_over_the_windows_that_were_compared(tmp_path: Path) -> None:
    async with triage(tmp_path) as (app, pilot, client):
        await until(pilot, lambda: "┤" in text_of(app))
        shown = text_of(app)
    question = last(client, "curve")
    assert question["signal"] == "model.feedback.correct"
    assert question["of"] == "model.feedback"
    assert question["where"] == {"model": "glove"}
    assert (question["start"], question["end"]) == (NOW - 1000, NOW - 400)
    assert len(question["baseline"]) == 2
    assert "┤" in shown
    assert "×0.9 (0.863 to 0.939), p 0.0085, since 20:13:20Z" in " ".join(shown.split()) or "×0.9 (0.863" in shown


async def test_a_curve_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    async with triage(tmp_path, size=(200, 50)) as (app, pilot, client):
        client.answers["curve"] = SourceError("the source is asleep", "wake it")
        await pilot.press("g", "j")
        await until(pilot, lambda: "asleep" in text_of(app))
        assert "no drawing: the source is asleep. wake it" in text_of(app)


@pytest.mark.parametrize(
    ("step_id", "words"),
    [
        ("world", ("glove_luma drifted", "10.5 %", "line=line-2 explains 99.7 %", "baseline", "glove_luma 200")),
        ("model", ("F4 32 golden inputs: the same",)),
        ("released", ("F5 deploy of gateway", "by ana", "F6 config of hall-heating")),
        ("load", ("skipped: it is not so that",)),
        ("host", ("error: the source does not answer",)),
        ("announced", ("? Was more load announced?", "answers: yes, no", "Enter answers")),
    ],
)
async def test_each_kind_of_step_shows_what_it_found(tmp_path: Path, step_id: str, words: tuple[str, ...]) -> None:
    async with triage(tmp_path, size=(200, 50)) as (app, pilot, _client):
        await to_step(app, pilot, step_id)
        shown = text_of(app)
    for word in words:
        assert word in shown


async def to_step(app: Console, pilot: Pilot[int], step_id: str) -> None:
    await pilot.press("g")
    table = app.screen.query_one("#steps", Table)
    for _ in range(40):
        if table.row is not None and table.row["place"].step.get("id") == step_id:
            break
        await pilot.press("j")
    await pilot.pause(0.02)


async def test_causes_show_what_speaks_for_and_against_and_what_nothing_explains(tmp_path: Path) -> None:
    told = diagnosis(run("r", "p", "P", step("a", "A?", "degraded", finding("F1"), finding("F7")), causes=[
        cause("The wire", 9.0, move("calls are late", "strong", "F1"), move("no deploy", "weak", against=True),
              remedies=["restart_it"])]))  # fmt: skip
    async with triage(tmp_path, told, size=(200, 50)) as (app, _pilot, _client):
        shown = text_of(app)
    assert "possible, 90 %" in shown
    assert "+ calls are late (strong)" in shown
    assert "− no deploy (against, weak)" in shown
    assert "remedy: restart_it" in shown
    assert "No named cause explains:" in shown


async def test_no_named_cause_says_what_would_help(tmp_path: Path) -> None:
    async with triage(tmp_path, diagnosis(latency_run()), size=(200, 50)) as (app, _pilot, _client):
        shown = text_of(app)
    assert "no cause stands out" in shown
    assert "What would help:" in shown
    assert "an answer: Was more load announced?" in shown
    assert "Is the host busier: the source does not answer" in shown
    assert "F7 model.latency p95 is 127 ms" in shown


async def test_a_question_is_answered_by_its_key_and_the_incident_is_asked_for_again(tmp_path: Path) -> None:
    async with triage(tmp_path) as (app, pilot, client):
        client.answers["answer"] = incident("I-3")
        await to_step(app, pilot, "announced")
        await pilot.press("enter")
        await pilot.pause(0.05)
        assert isinstance(app.screen, Answers)
        before = asked(client).count("diagnosis")
        await pilot.press("2")
        await until(pilot, lambda: asked(client).count("diagnosis") > before)
        assert last(client, "answer") == {"incident": "I-3", "question": "Was more load announced?", "answer": "no"}
        assert "being examined again" in text_of(app)


async def test_a_question_that_waits_is_said_above_and_an_answer_once_in_the_timeline(tmp_path: Path) -> None:
    said = {"time": NOW, "operator": "ana", "text": "Was more load announced? no"}
    answer = {"time": NOW, "operator": "ana", "question": "Was more load announced?", "answer": "no"}
    row = incident("I-3", notes=[said], answers=[answer])
    async with triage(tmp_path, row=row, size=(200, 50)) as (app, _pilot, _client):
        shown = text_of(app)
    assert "? Was more load announced? (Enter on the step with ? answers)" in shown
    assert shown.count("ana: Was more load announced? no") == 1


async def test_the_cursor_and_enter_answer_too_and_escape_does_not(tmp_path: Path) -> None:
    async with triage(tmp_path) as (app, pilot, client):
        client.answers["answer"] = incident("I-3")
        await to_step(app, pilot, "announced")
        await pilot.press("enter", "escape")
        assert "answer" not in asked(client)
        await pilot.press("enter", "j", "enter")
        await until(pilot, lambda: "answer" in asked(client))
        assert last(client, "answer")["answer"] == "no"


async def test_enter_opens_all_of_a_step_to_read_and_copy(tmp_path: Path) -> None:
    async with triage(tmp_path) as (app, pilot, _client):
        copied: list[str] = []
        app.copy = copied.append  # type: ignore[method-assign]
        await pilot.press("enter")
        await pilot.pause(0.05)
        assert isinstance(app.screen, Reader)
        await pilot.press("y")
        assert "F1 model.feedback.correct, share of model.feedback" in copied[0]
        await pilot.press("tab", "tab", "enter")
        await pilot.pause(0.05)
        assert isinstance(app.screen, Reader)
        await pilot.press("escape")
        assert isinstance(app.screen, Triage)


async def test_y_copies_the_diagnosis_as_text(tmp_path: Path) -> None:
    async with triage(tmp_path) as (app, pilot, _client):
        copied: list[str] = []
        app.copy = copied.append  # type: ignore[method-assign]
        await pilot.press("y")
    for words in (
        "I-3 open",
        "likely, 99 %",
        "+ the inputs moved (strong)",
        "▲ Are fewer answers right?",
        "looking at line-2",
    ):
        assert words in copied[0]


@pytest.mark.parametrize(
    ("key", "typed", "op", "args"),
    [
        ("r", None, "examine", {"incident": "I-3"}),
        ("a", None, "incident.ack", {"incident": "I-3"}),
        ("N", "hm", "incident.note", {"incident": "I-3", "text": "hm"}),
        ("x", "", "incident.close", {"incident": "I-3", "text": ""}),
    ],
)
async def test_the_keys_act(tmp_path: Path, key: str, typed: str | None, op: str, args: dict[str, Any]) -> None:
    async with triage(tmp_path) as (_app, pilot, client):
        client.answers[op] = incident("I-3", owner="ana")
        await pilot.press(key)
        if typed is not None:
            await pilot.press(*typed, "enter")
        await until(pilot, lambda: op in asked(client))
        assert last(client, op) == args


@pytest.mark.parametrize("key", ["r", "a", "N", "x", "space"])
async def test_a_locked_console_changes_nothing(tmp_path: Path, key: str) -> None:
    async with triage(tmp_path, locked=True) as (app, pilot, client):
        await pilot.press(key)
        await pilot.pause(0.05)
        assert "this andon is locked" in text_of(app)
        assert set(asked(client)) <= {"diagnosis", "curve", "events", "explain.seen"}


async def test_a_locked_console_asks_nobody(tmp_path: Path) -> None:
    async with triage(tmp_path, locked=True) as (app, pilot, _client):
        await to_step(app, pilot, "announced")
        await pilot.press("enter")
        assert isinstance(app.screen, Triage)


async def test_tab_gives_the_room_to_the_next_part_where_parts_are_stacked(tmp_path: Path) -> None:
    async with triage(tmp_path, size=(80, 24)) as (app, pilot, _client):
        heights = []
        for name in ("steps", "compared", "causes", "timeline"):
            heights.append(app.screen.query_one(f"#{name}").size.height)
            assert app.screen.focused is not None and app.screen.focused.id == name
            await pilot.press("tab")
            await pilot.pause(0.05)
        await pilot.press("n")
        assert app.screen.focused is not None and app.screen.focused.id == "timeline"
        await pilot.pause(0.05)
        assert "ana: looking at line-2" in text_of(app)
    assert heights[1] >= 8
    assert heights[2] >= 8


async def test_an_examination_is_followed_step_by_step_and_asked_for_when_it_ends(tmp_path: Path) -> None:
    steps = [{"id": "a", "title": "Is it late?", "state": None}, {"id": "b", "title": "Is it wrong?", "state": None}]
    examining = {"playbook": "p", "title": "All of it", "steps": steps}
    empty = diagnosis(incident=incident("I-3"), runs=[], findings=[], causes=[], unexplained=[], verdict="no_data",
                      windows={"current": None, "baseline": None})  # fmt: skip
    async with triage(tmp_path, empty, row=incident("I-3", examining=examining, runs=[], cause=None)) as (
        app,
        pilot,
        client,
    ):
        assert "… examining, 0/2: All of it" in text_of(app)
        assert "…  Is it late?" in text_of(app)
        ended = examining | {"steps": [steps[0] | {"state": "degraded"}, steps[1]]}
        client.tell(board(incidents=[incident("I-3", examining=ended, runs=[], cause=None)]))
        await until(pilot, lambda: "▲  Is it late?" in text_of(app))
        assert "1/2" in text_of(app)
        assert "▲  Is it late?" in text_of(app)
        client.answers["diagnosis"] = diagnosis()
        client.tell(board(incidents=[incident("I-3", runs=["r1"])]))
        await until(pilot, lambda: "99 %" in text_of(app))
        assert "likely, 99 %: The world changed" in text_of(app)


async def test_a_diagnosis_that_never_comes_is_said_and_one_that_is_refused_too(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board())
    async with running(client) as (app, pilot):
        app.open_incident("I-99")
        await until(pilot, lambda: "knows no operation" in text_of(app))
        assert "✖ the daemon knows no operation 'diagnosis'" in text_of(app)


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_from_outside_breaks_the_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    steps = [step(f"s{place}", text, "degraded", finding(f"F{place}", text=text, labels={text: text}))
             for place, text in enumerate(HOSTILE)]  # fmt: skip
    steps += [step("e", HOSTILE[3], "error", reason=HOSTILE[3]), step("q", "Q", "skipped", question={"text": HOSTILE[5],
              "answers": list(HOSTILE)})]  # fmt: skip
    named = [cause(text, 50.0, move(text, "strong", "F0")) for text in HOSTILE if text]
    notes = [{"time": NOW, "operator": text, "text": text} for text in HOSTILE]
    told = diagnosis(
        run("r", "p", HOSTILE[3], *steps, causes=named), incident=incident("I-3", title=HOSTILE[3]) | {"notes": notes}
    )
    async with triage(tmp_path, told, size=size, row=incident("I-3", title=HOSTILE[4], subject=HOSTILE[1])) as (
        app,
        pilot,
        _,
    ):
        for _number in range(len(steps) * 2):
            await pilot.press("j")
            shown = text_of(app)
            assert "\x1b" not in shown and "\x9b" not in shown and "\u202e" not in shown
        await pilot.press("enter")
        await pilot.pause(0.02)
        assert app.is_running


async def test_missing_and_null_values_are_no_matter(tmp_path: Path) -> None:
    bare = {"verdict": None, "incident": None, "runs": [{"steps": [{}, {"findings": [{"kind": "comparison"}]}]}, {}],
            "causes": [{}], "findings": [{}]}  # fmt: skip
    async with triage(tmp_path, bare, row={"id": "I-3"}) as (app, pilot, _client):
        await pilot.press("j", "j", "enter", "escape", "y")
        assert app.is_running


async def test_thousands_of_steps_are_no_matter(tmp_path: Path) -> None:
    many = run(
        "r", "p", "P", *(step(f"s{place}", f"Step {place}?", "ok", finding(f"F{place}")) for place in range(10_000))
    )
    async with triage(tmp_path, diagnosis(many)) as (app, pilot, _client):
        await until(pilot, lambda: "Step 0?" in text_of(app))
        await pilot.press("G")
        await until(pilot, lambda: "Step 9999?" in text_of(app))
        assert "Step 9999?" in text_of(app)


async def test_another_size_is_laid_out_anew(tmp_path: Path) -> None:
    async with triage(tmp_path, size=(80, 24)) as (app, pilot, _client):
        assert app.screen.query_one("#causes", Part).size.width == 80
        await pilot.resize_terminal(160, 45)
        await pilot.pause(0.1)
        assert app.screen.query_one("#causes", Part).size.width < 80
        assert app.screen.query_one("#causes", Part).size.height > 20


async def test_a_closed_incident_can_still_be_read(tmp_path: Path) -> None:
    client = TellingClient(tmp_path, board(incidents=[]))
    client.answers["diagnosis"] = diagnosis(accuracy_run(), incident=incident("I-3", state="closed", owner="ana"))
    async with running(client) as (app, pilot):
        app.open_incident("I-3")
        await settled(app, pilot)
        await until(pilot, lambda: "99 %" in text_of(app))
        assert "I-3 closed" in text_of(app)
        assert "ana looks after it" in text_of(app)


async def test_what_changed_around_the_incident_stands_in_its_timeline(tmp_path: Path) -> None:
    async with triage(tmp_path, size=(200, 50)) as (app, pilot, client):
        events = [
            {"time": NOW - 600 - minutes * 60, "kind": "deploy", "target": "glove", "title": f"v{minutes}"}
            for minutes in range(40)
        ]
        client.answers["events"] = [{**events[0], "target": "", "title": "\n".join(HOSTILE)}, *events]
        app.screen._ask()  # type: ignore[attr-defined]
        await until(pilot, lambda: "deploy of glove: v1" in text_of(app))
        span = last(client, "events")
        assert span["start"] < span["end"]
        await pilot.press("n")
        await pilot.pause()
        shown = app.screen._report()  # type: ignore[attr-defined]
        told = ["".join(text for text, _look in line) for line in shown]
        assert sum("deploy of glove: v" in line for line in told) <= 20
        assert "\x1b" not in text_of(app)


ASKED = {"text": "How many were there?", "answers": [], "kind": "number", "roles": ["oncall"], "expires": NOW + 3600}
SHOWN = {
    "markdown": "## Drain it\n\nFirst **look**, then:\n\n- drain `node-a`\n- wait",
    "command": "kubectl drain node-a",
}


def waiting() -> dict[str, Any]:
    """A run that waits, with every kind of question, something shown, and steps that decide nothing."""
    steps = [
        step("how_many", "How many?", "waiting", question=ASKED),
        step("sure", "Sure?", "waiting", question={"text": "Is it sure?", "answers": [], "kind": "boolean"}),
        step("after", "After?", "waiting", reason="it needs how_many, which waits for an answer"),
        step("plan", "What to do", "ok", shown=SHOWN),
        step("kv", "Full?", "degraded", finding("F1"), is_dry=True),
        step("extra", "Extra?", "error", reason="it is down", is_optional=True),
    ]
    return diagnosis(run("r1", "restart", "Is a restart due?", *steps, state="paused", finished=None))


@pytest.mark.parametrize("size", SIZES)
async def test_a_run_that_waits_says_for_what_and_for_whom(tmp_path: Path, size: tuple[int, int]) -> None:
    async with triage(tmp_path, waiting(), size=size) as (app, pilot, _client):
        head = text_of(app)
        await to_step(app, pilot, "how_many")
        shown = " ".join(text_of(app).split())
    assert "a run waits: How many were there? (Enter on the step with ◔ answers; 1 more)" in head
    assert "◔ How many?" in shown and "a number; oncall may answer" in shown


async def test_a_number_is_typed_and_a_choice_is_taken_and_who_may_not_is_told(tmp_path: Path) -> None:
    async with triage(tmp_path, waiting()) as (app, pilot, client):
        client.answers["answer"] = incident("I-3")
        await to_step(app, pilot, "how_many")
        await pilot.press("enter", "3", "enter")
        await until(pilot, lambda: "answer" in asked(client))
        assert last(client, "answer") == {"incident": "I-3", "question": "How many were there?", "answer": "3"}
        await until(pilot, lambda: "the run goes on" in text_of(app))
        assert "'3' is kept; the run goes on" in text_of(app)
        client.answers["answer"] = UsageError("'Is it sure?' is for lead, which ana is not", "bob may")
        await to_step(app, pilot, "sure")
        await pilot.press("enter", "1")
        await until(pilot, lambda: "bob may" in text_of(app))
        assert last(client, "answer")["answer"] == "true"
        assert "is for lead, which ana is not. bob may" in text_of(app)


async def test_nothing_typed_answers_nothing(tmp_path: Path) -> None:
    async with triage(tmp_path, waiting()) as (app, pilot, client):
        await to_step(app, pilot, "how_many")
        await pilot.press("enter", "enter")
        await pilot.press("enter", "escape")
        await pilot.pause(0.05)
        assert "answer" not in asked(client)


async def test_what_is_shown_reads_as_text_and_its_command_is_copied_by_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr(Console, "copy", lambda _app, text: copied.append(text))
    async with triage(tmp_path, waiting(), size=(200, 50)) as (app, pilot, _client):
        await to_step(app, pilot, "after")
        await pilot.press("c")
        await until(pilot, lambda: "shows no command" in text_of(app))
        assert copied == []
        await to_step(app, pilot, "plan")
        shown = text_of(app)
        await pilot.press("c")
    assert "Drain it" in shown and "First look, then:" in shown and "• drain node-a" in shown
    assert "$ kubectl drain node-a" in shown and "##" not in shown
    assert copied == ["kubectl drain node-a"]


async def test_what_decides_nothing_says_so(tmp_path: Path) -> None:
    async with triage(tmp_path, waiting(), size=(200, 50)) as (app, pilot, _client):
        await to_step(app, pilot, "kv")
        dry = text_of(app)
        await to_step(app, pilot, "extra")
        optional = text_of(app)
    assert "dry run, decides nothing:" in dry and "measured and told, it decides nothing" in dry
    assert "optional, decides nothing: it is down" in optional


def test_markdown_from_outside_is_text_and_nothing_else() -> None:
    hostile = "# \x1b[31mred\n\n[click](http://x/\x07)\n```\nrm -rf /\n```\n1. one\n   - two"
    lines = ["".join(text for text, _look in line) for line in markdown_lines(hostile, 40)]
    assert lines == ["red", "", "click (http://x/)", "  rm -rf /", "1. one", "   • two"]
    assert all(len(line) <= 20 for line in ("".join(t for t, _ in each) for each in markdown_lines("word " * 60, 20)))

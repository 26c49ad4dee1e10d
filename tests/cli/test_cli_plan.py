"""`andon plan` and `andon audit`, on a daemon that says what a test tells it to, and on a log that was written."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from nouns import NOON
from plans import kept, plan

from console.cli import run
from console.cli.shapes import shape_schema
from console.errors import Exit, RemedyError
from console.model import Approval, PlanRecord, PlanState, Receipt
from console.remedy.planning import plan_hash
from console.service.client import Client
from console.store.store import DATABASE_NAME, Store
from console.wire import dump

Asked = list[tuple[str, dict[str, Any]]]
PLAN = plan(created=NOON, expires=NOON + 900, incident="I-3")
RECORD = PlanRecord("P-1", plan_hash(PLAN), PLAN, changed=NOON)
HIGH = replace(RECORD, plan=replace(PLAN, risk="high"))
DECISION = {
    "is_allowed": False, "rule": "freeze", "why": "it is the year's end", "approvers": 1, "is_signed": False,
    "outcomes": [{"rule": "freeze", "effect": "deny", "holds": True, "why": "between"}],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the daemon is asked; every plan that it knows is P-1, in the state that fits."""
    found: Asked = []
    states = {"plan.approve": "approved", "plan.apply": "verifying", "plan.rollback": "rolled_back",
              "plan.reject": "rejected", "plan.cancel": "cancelled", "plan.settle": "applied"}  # fmt: skip

    def request(_client: Client, op: str, *, timeout: float = 30.0, **args: Any) -> Any:
        found.append((op, args))
        told = dump(replace(RECORD, state=PlanState(states.get(op, "planned"))))
        if op == "plan.list":
            return [told]
        return {"plan": told, "decision": DECISION} if op == "plan.explain" else told

    monkeypatch.setattr(Client, "request", request)
    return found


@pytest.mark.parametrize(
    ("arguments", "op", "args", "code"),
    [
        (["make", "I-3", "scale"], "plan.make", {"incident": "I-3", "remedy": "scale", "cause": None}, Exit.HEALTHY),
        (["list", "--all"], "plan.list", {"all": True, "incident": None}, Exit.HEALTHY),
        (["show", "P-1"], "plan.show", {"plan": "P-1"}, Exit.HEALTHY),
        (["explain", "P-1"], "plan.explain", {"plan": "P-1"}, Exit.HEALTHY),
        (["reject", "P-1", "--reason", "no"], "plan.reject", {"plan": "P-1", "reason": "no"}, Exit.HEALTHY),
        (["cancel", "P-1"], "plan.cancel", {"plan": "P-1"}, Exit.HEALTHY),
        (["apply", "P-1"], "plan.apply", {"plan": "P-1"}, Exit.HEALTHY),
        (["rollback", "P-1"], "plan.rollback", {"plan": "P-1"}, Exit.REMEDY),
        (["settle", "P-1", "applied", "--reason", "I looked"], "plan.settle",
         {"plan": "P-1", "state": "applied", "reason": "I looked"}, Exit.HEALTHY),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)  # fmt: skip
def test_each_command_asks_for_what_it_says(
    asked: Asked, capsys: pytest.CaptureFixture[str], arguments: list[str], op: str, args: dict[str, Any], code: Exit
) -> None:
    assert run(["plan", *arguments]) == code
    assert asked == [(op, args)]
    assert ("freeze" if op == "plan.explain" else "P-1") in capsys.readouterr().out


def test_a_plan_says_what_would_change_and_how_it_is_taken_back(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["plan", "show", "P-1"])
    told = capsys.readouterr().out
    for words in ("deployment prod/ranker", "spec.replicas", "- 2", "+ 4", "can be taken back", "2 → 4 replicas"):
        assert words in told
    run(["plan", "show", "P-1", "--format", "json"])
    assert json.loads(capsys.readouterr().out)["hash"] == RECORD.hash


def test_yes_is_for_the_hash_that_was_seen(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "approve", "P-1"]) == Exit.USAGE  # nobody is there to look at it
    assert f"--hash {RECORD.hash[:12]}" in capsys.readouterr().err
    assert run(["plan", "approve", "P-1", "--hash", "0" * 64]) == Exit.USAGE
    assert run(["plan", "approve", "P-1", "--hash", RECORD.hash[:4]]) == Exit.USAGE  # too little of it
    assert [op for op, _args in asked] == ["plan.show"] * 3
    assert run(["plan", "approve", "P-1", "--hash", RECORD.hash[:12], "--reason", "calm"]) == Exit.HEALTHY
    op, args = asked[-1]
    assert (op, args["hash"], args["reason"], args["break_glass"]) == ("plan.approve", RECORD.hash, "calm", False)


def test_what_is_signed_is_what_is_shown(
    asked: Asked, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Making keys and signatures is tested in tests/remedy/test_signing.py."""
    key = tmp_path / "key"
    yes = ["plan", "approve", "P-1", "--hash", RECORD.hash[:12], "--sign", str(key)]
    assert run(yes) == Exit.USAGE  # there is no such key
    assert f"there is no key {key}" in capsys.readouterr().err
    monkeypatch.setattr("console.remedy.signing.sign", lambda hash_, key: f"{key.name} over {hash_}")
    assert run(yes) == Exit.HEALTHY
    assert asked[-1][1]["signature"] == f"key over {RECORD.hash}"
    asked.clear()
    other = dump(replace(RECORD, plan=replace(PLAN, risk="high")))
    monkeypatch.setattr(Client, "request", lambda _client, op, **_args: asked.append((op, {})) or other)
    assert run(yes) == Exit.USAGE
    assert "is not of what it shows" in capsys.readouterr().err
    assert [op for op, _args in asked] == ["plan.show"]


def test_a_remedy_that_failed_exits_5(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "request", lambda *_given, **_args: dump(replace(RECORD, state=PlanState.FAILED)))
    assert run(["plan", "show", "P-1"]) == Exit.REMEDY

    def refused(*_given: Any, **_args: Any) -> Any:
        raise RemedyError("it is not what it was", "make a new plan")

    monkeypatch.setattr(Client, "request", refused)
    assert run(["plan", "apply", "P-1"]) == Exit.REMEDY


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A data folder whose audit log has three lines; its anchor knows none of them."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with Store.open(data / DATABASE_NAME) as store:
        record = kept(store)
        given = Approval(NOON, "=cmd|' /C calc'!A0", 7, record.hash)
        for after in (replace(record, approvals=(given,)), replace(record, receipt=Receipt("k", NOON))):
            from console.store.audit import Entry

            store.plans.change(record, after, Entry(NOON, given.operator, "changed", record.id, {"target": "prod/x"}))
            record = after
    return data


def test_the_log_is_shown_verified_and_exported(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--data", str(log)]
    assert run(["audit", "show", *at]) == Exit.HEALTHY
    assert "prod/x" in capsys.readouterr().out
    assert run(["audit", "verify", *at]) == Exit.HEALTHY
    assert "3 lines hold" in capsys.readouterr().out
    assert run(["audit", "export", *at]) == Exit.HEALTHY
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["what"] for line in lines] == ["planned", "changed", "changed"]
    assert run(["audit", "export", "--csv", *at]) == Exit.HEALTHY
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 4 and not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_a_log_that_was_tampered_with_exits_1(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(log / DATABASE_NAME) as connection:
        connection.execute("UPDATE audit SET line = replace(line, 'prod/x', 'prod/y') WHERE number = 2")
    connection.close()
    assert run(["audit", "verify", "--data", str(log)]) == Exit.PROBLEM
    assert "line 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line", ["\x1b[2Jno line", f'{{"no line": 0, "time": {"1" * 400}}}', "no line" + "[" * 200_000]
)
def test_a_log_that_is_not_whole_is_exported_and_that_is_said(
    log: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    with sqlite3.connect(log / DATABASE_NAME) as connection:
        connection.execute("UPDATE audit SET line = ? WHERE number = 2", (line,))
    connection.close()
    for form in ([], ["--csv"]):
        assert run(["audit", "export", *form, "--data", str(log)]) == Exit.HEALTHY
        told = capsys.readouterr()
        assert "this log is not whole: line 2" in told.err
        assert len(told.out.splitlines()) == 3 + len(form) and "no line" in told.out and "\x1b" not in told.out
    assert run(["audit", "show", "--data", str(log)]) == Exit.HEALTHY
    assert "damaged" in capsys.readouterr().out


@pytest.mark.parametrize("shape", [
    ("remedy-plan", ["plan", "show", "P-1"]), ("remedy-plans", ["plan", "list"]),
    ("remedy-decision", ["plan", "explain", "P-1"]), ("remedy-policy", ["plan", "policy"]),
    ("audit-lines", ["audit", "show"]), ("audit-verified", ["audit", "verify"]),
])  # fmt: skip
def test_what_is_printed_has_its_published_shape(
    asked: Asked, log: Path, capsys: pytest.CaptureFixture[str], shape: tuple[str, list[str]]
) -> None:
    name, words = shape
    run(["--format", "json", "--data", str(log), *words])
    jsonschema.validate(json.loads(capsys.readouterr().out), shape_schema(name))


@pytest.mark.parametrize(("form", "begins"), [("junit", "<?xml"), ("markdown", "## ○ P-1 planned")])
def test_a_plan_is_printed_as_what_is_asked_for(
    asked: Asked, capsys: pytest.CaptureFixture[str], form: str, begins: str
) -> None:
    assert run(["plan", "show", "P-1", "--format", form]) == Exit.HEALTHY
    assert capsys.readouterr().out.startswith(begins)

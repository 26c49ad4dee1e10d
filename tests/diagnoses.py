"""A diagnosis as the daemon gives it: two runs with a step of every kind, a named cause, one that is not."""

from __future__ import annotations

from typing import Any

from consoles import NOW, incident

SPAN = {"start": NOW - 1000, "end": NOW - 400}
PAST = [{"start": NOW - 1000 - day * 86400, "end": NOW - 400 - day * 86400} for day in (2, 1)]
CURRENT = {"spans": [SPAN], "kind": "current", "where": {}, "name": "", "note": ""}
BASELINE = {"spans": PAST, "kind": "seasonal", "where": {}, "name": "", "note": "2 × 1d pooled"}
QUESTION = {"text": "Was more load announced?", "answers": ["yes", "no"]}


def finding(id_: str, **changes: Any) -> dict[str, Any]:
    """A comparison that got worse; any key can be put in its place."""
    whole = {
        "id": id_,
        "kind": "comparison",
        "step": "accuracy",
        "text": "model.feedback.correct of model.feedback is 0.882, was 0.98 (×0.9), since 2026-05-28T20:20:00Z",
        "verdict": "degraded",
        "signal": "model.feedback.correct",
        "labels": {},
        "reason": "ratio ×0.9: worse than the 5% tolerated",
        "stat": "ratio",
        "current": {"value": 0.882, "n": 870.0, "start": NOW - 1000, "end": NOW - 400, "kind": "current"},
        "baseline": {"value": 0.98, "n": 5444.0, "start": NOW - 90000, "end": NOW - 86000, "kind": "seasonal"},
        "ratio": 0.9,
        "interval": [0.863, 0.939],
        "p": 0.0085,
        "onset": NOW - 800,
        "drift": None,
        "exemplars": [],
        "event": None,
    }
    return whole | changes


def other(id_: str, kind: str, text: str, **changes: Any) -> dict[str, Any]:
    """A finding without numbers of its own."""
    nothing = dict.fromkeys(("signal", "stat", "current", "baseline", "ratio", "interval", "p", "onset"))
    return finding(id_, **{"kind": kind, "text": text, "verdict": "ok", "reason": "", **nothing, **changes})


def step(id_: str, title: str, state: str, *findings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A step that ended."""
    whole = {"id": id_, "title": title, "uses": "compare", "state": state, "reason": "", "findings": list(findings),
             "values": {}, "seconds": 0.1, "unreachable": False, "question": None}  # fmt: skip
    return whole | changes


def exemplar(side: str, grey: int) -> dict[str, Any]:
    """A picture of one grey."""
    return {"side": side, "time": NOW - 500, "kind": "image", "caption": f"glove_luma {grey}", "fields": {},
            "pixels": [[grey] * 24 for _ in range(24)]}  # fmt: skip


def run(id_: str, playbook: str, title: str, *steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """One execution of one playbook."""
    whole = {"id": id_, "playbook": playbook, "title": title, "started": NOW - 400, "finished": NOW - 395,
             "verdict": "degraded", "steps": list(steps), "causes": [], "inputs": {"model": "glove"},
             "current": CURRENT, "baseline": BASELINE}  # fmt: skip
    return whole | changes


def move(text: str, weight: str, *findings: str, against: bool = False) -> dict[str, Any]:
    """One line of evidence."""
    return {"text": text, "weight": weight, "against": against, "findings": list(findings), "group": None,
            "counted": True}  # fmt: skip


def cause(title: str, odds: float, *moves: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A cause with its own odds."""
    whole = {"id": title.split()[-1], "playbook": "accuracy_drop", "title": title, "subject": "glove", "odds": odds,
             "probability": odds / (1 + odds), "evidence": [], "against": [],
             "moves": list(moves), "remedies": []}  # fmt: skip
    return whole | changes


DRIFT = {
    "name": "glove_luma", "verdict": "degraded", "reason": "", "line": "step", "p_sampling": 4e-59, "p_usual": 8e-14,
    "wobble": 1.33, "effect": 0.105, "shift": -20.5, "psi": 0.265, "js": 0.213, "ks": 0.158, "wasserstein": 4.6,
    "onset": NOW - 820, "slice": {"column": "line", "value": "line-2", "share": 0.997, "rows": 0.335},
    "issues": [{"check": "range", "column": "glove_luma", "verdict": "inconclusive", "text": "reaches 29.83"}],
}  # fmt: skip
EVENT = {"time": NOW - 700, "kind": "deploy", "target": "gateway", "title": "gateway 4.18", "id": "e",
         "detail": "by ana", "source": "changes"}  # fmt: skip


def accuracy_run() -> dict[str, Any]:
    """Why answers are wrong: a comparison, a drift with pictures, a probe, an event."""
    world = "The world changed; the model answers as it always did"
    for_it = (
        move("the inputs moved", "strong", "F2", "F3"),
        move("golden inputs are answered as before", "moderate", "F4"),
    )
    return run(
        "r1",
        "accuracy_drop",
        "The model's answers got worse",
        step("sure", "Is it less sure?", "ok", finding("F9", text="model.confidence mean is 0.97, was 0.97",
             signal="model.confidence", stat="mean", verdict="ok", ratio=1.0)),
        step("accuracy", "Are fewer answers right?", "degraded", finding("F1")),
        step("world", "Do other inputs reach the model?", "degraded",
             other("F2", "drift", "glove_luma drifted, its mean by -20.5", verdict="degraded", drift=DRIFT),
             other("F3", "exemplar", "line-2, baseline: bright · current: dark", verdict="degraded",
                   exemplars=[exemplar("baseline", 200), exemplar("current", 40)]), uses="drift"),
        step("model", "Does it answer the golden inputs as before?", "ok",
             other("F4", "probe", "32 golden inputs: the same"), uses="probe"),
        step("released", "What was changed?", "ok",
             other("F5", "event", "deploy of gateway: gateway 4.18", event=EVENT),
             other("F6", "event", "config of hall-heating: 19 degrees", event=EVENT), uses="events",
             values={"nearest.kind": "deploy", "nearest.target": "gateway", "nearest.title": "gateway 4.18"}),
        causes=[cause(world, 100.0, *for_it), cause("The model changed", 0.003)],
    )  # fmt: skip


def latency_run() -> dict[str, Any]:
    """Why answers are late: a question, a skipped step, an error."""
    return run(
        "r2",
        "latency_regression",
        "Answers take longer than they did",
        step("latency", "Do answers take longer?", "degraded", finding(
            "F7", text="model.latency p95 is 127 ms, was 38.7 ms (×3.29)", signal="model.latency", stat="p95",
            ratio=3.29)),
        step("load", "Is it asked more often?", "skipped", reason="it is not so that steps.latency.ok"),
        step("announced", "Was the load expected?", "skipped", uses="ask", question=QUESTION,
             reason="nobody was asked"),
        step("host", "Is the host busier?", "error", reason="the source does not answer"),
    )  # fmt: skip


def diagnosis(*runs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What is known about incident I-3."""
    shown = list(runs or (accuracy_run(), latency_run()))
    findings = [each for one in shown for one_step in one["steps"] for each in one_step["findings"]]
    named = [each for one in shown for each in one["causes"] if each["odds"] >= 3]
    whole = {
        "verdict": "degraded",
        "exit": 1,
        "incident": incident("I-3") | {
            "closed": None,
            "symptom": {"text": "fewer answers are right"},
            "notes": [{"time": NOW - 300, "operator": "ana", "text": "looking at line-2"}],
            "answers": [],
        },
        "causes": named,
        "findings": findings,
        "unexplained": [each["id"] for each in findings if each["id"] == "F7"],
        "remedies": [],
        "windows": {"current": CURRENT, "baseline": BASELINE},
        "agent": None,
        "runs": shown,
        "seconds": 5.3,
    }  # fmt: skip
    return whole | changes


def curve(**changes: Any) -> dict[str, Any]:
    """What the operation `curve` answers."""
    times = [NOW - 1000 + 30 * place for place in range(1, 21)]
    whole = {"signal": "model.feedback.correct", "stat": "ratio", "unit": "1", "times": times, "note": "",
             "current": [0.97] * 8 + [0.85] * 12, "baseline": [0.98] * 20, "low": [0.95] * 20,
             "high": [0.99] * 20}  # fmt: skip
    return whole | changes

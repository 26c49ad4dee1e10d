"""`events`, `probe` and `ask`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playbook_world import NOW, Diary, Golden
from pydantic import ValidationError

from console.errors import NoData, SourceError, StoreError
from console.model import Event, Question, Span, State, StepResult, Verdict, Window
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps import andon_step_types, ask, events, probe
from console.plugins import StepType
from console.sources.estate import KEPT, Estate
from console.sources.types import ProbeAnswer
from console.words import lapse, quantity

CURRENT = Window((Span(NOW - 900, NOW),))
ONSET = NOW - 600
DEPLOY = Event(ONSET - 120, "deploy", "glove", "glove v2", "d-1")
CONFIG = Event(ONSET + 60, "config", "shoe", "more threads", "c-1")


async def looked(step_type: StepType, options: dict[str, Any] | None = None, **changes: Any) -> StepOutcome:
    fields: dict[str, Any] = {
        "step": "s", "current": CURRENT, "baseline": CURRENT, "inputs": {}, "results": {}, "now": NOW, "ask": None,
    }  # fmt: skip
    context = StepContext(estate=Estate(**changes.pop("estate", {})), **(fields | changes))
    outcome: StepOutcome = await step_type.run(context, step_type.options.model_validate(options or {}))
    return outcome


def onset_of(step: str, onset: float | None = ONSET) -> dict[str, StepResult]:
    values = {} if onset is None else {"onset": onset}
    return {step: StepResult(step, step, "compare", State.DEGRADED, values=values)}


async def test_what_changed_around_the_onset_is_told_the_nearest_first_with_its_distance() -> None:
    outcome = await looked(
        events.STEP,
        {"around": {"onset_of": "a"}},
        results=onset_of("a"),
        estate={"events": {"e": Diary(CONFIG, DEPLOY)}},
    )
    assert outcome.state is State.OK
    assert outcome.values["count"] == 2
    assert (outcome.values["ids"], outcome.values["kinds"]) == (["d-1", "c-1"], ["config", "deploy"])
    assert (outcome.values["nearest.kind"], outcome.values["nearest.seconds"]) == ("config", -60)
    assert [finding.text.partition(" (")[0] for finding in outcome.findings] == [
        "config of shoe: more threads",
        "deploy of glove: glove v2",
    ]
    assert "2 min before the onset" in outcome.findings[1].text
    assert all(finding.verdict is Verdict.OK for finding in outcome.findings)  # a change is a suspect, not a culprit


async def test_only_the_kinds_the_target_and_the_time_asked_for_count() -> None:
    async def count(**options: Any) -> int:
        around = {"onset_of": "a"} | options.pop("around", {})
        outcome = await looked(
            events.STEP,
            {"around": around} | options,
            results=onset_of("a"),
            estate={"events": {"e": Diary(DEPLOY, CONFIG)}},
        )
        number: int = outcome.values["count"]
        return number

    assert await count() == 2
    assert await count(kinds=["deploy"]) == 1
    assert await count(target="shoe") == 1
    assert await count(target="") == 2
    assert await count(around={"before": "1m"}) == 1
    assert await count(around={"after": "30s"}) == 1


async def test_without_an_onset_the_whole_window_is_looked_at() -> None:
    outcome = await looked(
        events.STEP,
        {"around": {"onset_of": "a"}},
        results=onset_of("a", None),
        estate={"events": {"e": Diary(DEPLOY, CONFIG, Event(NOW - 9000, "deploy", "old", "old"))}},
    )
    assert outcome.values["count"] == 2
    assert outcome.values["nearest.seconds"] is None


async def test_a_change_that_two_sources_tell_counts_once() -> None:
    retold = replace(DEPLOY, time=DEPLOY.time + 40, kind="rollout", id="uid", title="revision 9", source="cluster")
    sources = {"e": Diary(DEPLOY), "k": Diary(retold)}
    outcome = await looked(
        events.STEP, {"around": {"onset_of": "a"}}, results=onset_of("a"), estate={"events": sources}
    )
    assert outcome.values["count"] == 1
    assert "also told by cluster" in outcome.findings[0].event.detail


async def test_what_was_told_before_counts_but_what_is_kept_alone_is_no_source() -> None:
    kept = {"events": {"e": Diary(), KEPT: Diary(DEPLOY)}}
    assert (await looked(events.STEP, results=onset_of("a"), estate=kept)).values["count"] == 1
    with pytest.raises(NoData):
        await looked(events.STEP, estate={"events": {KEPT: Diary(DEPLOY)}})
    with pytest.raises(SourceError):
        await looked(events.STEP, estate={"events": {"e": Diary(broken=SourceError("gone")), KEPT: Diary(DEPLOY)}})


async def test_that_nothing_changed_is_a_finding_too() -> None:
    outcome = await looked(events.STEP, {"kinds": ["deploy", "flag"]}, estate={"events": {"e": Diary()}})
    assert outcome.values["count"] == 0
    assert outcome.findings[0].text.startswith("no deploy or flag between 2026-11-22T")


async def test_one_silent_diary_silences_no_other() -> None:
    away = Diary(broken=SourceError("git: unreachable", ""))
    outcome = await looked(events.STEP, estate={"events": {"a": away, "b": Diary(DEPLOY), "c": Diary(DEPLOY)}})
    assert outcome.values["count"] == 1  # the same event told twice is one
    with pytest.raises(SourceError, match="git: unreachable"):
        await looked(events.STEP, estate={"events": {"a": away}})
    with pytest.raises(ZeroDivisionError):
        await looked(events.STEP, estate={"events": {"a": Diary(broken=ZeroDivisionError()), "b": Diary()}})  # type: ignore[arg-type]
    with pytest.raises(NoData, match="absent: no source knows of events"):
        await looked(events.STEP)
    with pytest.raises(StoreError):
        await looked(events.STEP, estate={"events": {"a": Diary(broken=StoreError("away", ""))}})


async def test_a_flood_of_events_is_cut_to_those_nearest_the_onset() -> None:
    many = [Event(ONSET - 10 * n, "deploy", f"m{n}", "v", str(n)) for n in range(50)]
    outcome = await looked(
        events.STEP, {"around": {"onset_of": "a"}}, results=onset_of("a"), estate={"events": {"e": Diary(*many)}}
    )
    assert outcome.values["count"] == 50
    assert next(finding.event.target for finding in outcome.findings if finding.event) == "m0"
    assert len(outcome.findings) == 10


@pytest.mark.parametrize(
    ("answer", "state", "same", "text"),
    [
        (
            ProbeAnswer(24, 24, 0, 0.0, 0.01),
            State.OK,
            True,
            "24 golden inputs through the live model: all are answered",
        ),
        (ProbeAnswer(24, 24, 9, 0.7, 0.01), State.DEGRADED, False, "9 are answered differently, by up to 0.7"),
        (
            ProbeAnswer(24, 9, 0, 0.0, 0.01),
            State.INCONCLUSIVE,
            None,
            "9 were answered as before, the others not at all",
        ),
        (ProbeAnswer(0, 0, 0, 0.0, 0.0), State.NO_DATA, None, "absent: no golden input is pinned"),
    ],
)
async def test_other_answers_to_the_same_questions_mean_another_model(
    answer: ProbeAnswer, state: State, same: bool | None, text: str
) -> None:
    outcome = await looked(probe.STEP, estate={"probers": {"glove": Golden(answer)}})
    assert outcome.state is state
    assert outcome.values["same"] is same
    assert text in outcome.findings[0].text


async def test_a_model_that_answers_nothing_could_not_be_reached() -> None:
    mute = Golden(ProbeAnswer(24, 0, 0, 0.0, 0.0, error="connection refused"))
    with pytest.raises(SourceError, match="the model answered none of 24 golden inputs: connection refused"):
        await looked(probe.STEP, estate={"probers": {"glove": mute}})


async def test_where_no_probe_can_be_sent_nobody_knows() -> None:
    with pytest.raises(NoData, match="absent: no source is a model endpoint"):
        await looked(probe.STEP)


QUESTION = {"question": "Was it announced?", "answers": ["yes", "no"], "unattended": "unknown"}


async def test_a_person_is_asked_and_the_answer_is_a_finding() -> None:
    async def operator(question: Question) -> str:
        assert question == Question("Was it announced?", ("yes", "no"))
        return "no"

    outcome = await looked(ask.STEP, QUESTION, ask=operator)
    assert (outcome.state, outcome.values) == (State.OK, {"answer": "no"})
    assert outcome.findings[0].text == "Was it announced? The operator said: no"


async def test_where_nobody_is_there_the_playbook_says_what_counts() -> None:
    async def nobody(_question: Question) -> None:
        return None

    outcome = await looked(ask.STEP, QUESTION, ask=nobody)
    assert (outcome.state, outcome.values, outcome.findings) == (State.SKIPPED, {"answer": "unknown"}, ())
    assert "Nobody was there to answer" in outcome.reason


def test_two_answers_must_differ() -> None:
    with pytest.raises(ValidationError, match="two answers are the same"):
        ask.AskOptions.model_validate(QUESTION | {"answers": ["yes", "yes"]})


def test_every_result_has_a_type_that_expressions_know() -> None:
    from console.playbook.expressions import TYPES

    names = [step_type.name for step_type in andon_step_types()]
    looks = ["compare", "now", "drift", "events", "logs", "traces", "probe"]
    assert names == [*looks, "ask", "show", "assert", "wait_for", "playbook"]
    assert all(kind in TYPES for step_type in andon_step_types() for kind in step_type.result.values())


def test_numbers_are_said_with_their_unit() -> None:
    assert [quantity(value, "s") for value in (2.5, 0.25, 0.00025)] == ["2.5 s", "250 ms", "250 µs"]
    assert [quantity(value, "By") for value in (3 * 2**30, 5 * 2**20, 2048, 12)] == ["3 GiB", "5 MiB", "2 KiB", "12 B"]
    assert [quantity(12345.6, "{request}"), quantity(0.5, "1")] == ["12,346 request", "0.5"]
    assert [lapse(40), lapse(7200), lapse(172800)] == ["40 s", "2 h", "2 d"]

"""`now`: a gauge against a limit, with whatever history there is, or none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playbook_world import NOW, Readings
from pydantic import ValidationError

from console.errors import NoData, SourceError, StoreError
from console.model import Labels, Span, State, Window
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps.now import STEP, NowOptions
from console.sources.estate import Estate

WAITING = "workload.pods.waiting"
WEB, API = Labels.of(workload="web"), Labels.of(workload="api")


def since(moment: float, value: float = 1.0) -> Any:
    """0, and `value` from a moment on."""
    return lambda times, _step: np.where(times > moment, value, 0.0)


async def asked(*readers: Any, **options: Any) -> StepOutcome:
    estate = Estate(readers=list(readers))
    window = Window((Span(NOW - 1200, NOW),))
    context = StepContext("waiting", estate, window, Window(()), {}, {}, NOW, _nobody)
    return await STEP.run(context, NowOptions(**{"signal": WAITING, **options}))


async def _nobody(_question: str, _answers: tuple[str, ...]) -> None:
    return None


async def test_what_is_beyond_its_limit_for_long_enough_is_degraded_since_then() -> None:
    outcome = await asked(Readings({WAITING: {WEB: since(NOW - 120)}}), above=0.0, lasting="1m", by=["workload"])
    assert outcome.state is State.DEGRADED
    assert outcome.values["onset"] == NOW - 120
    assert outcome.values["value"] == 1.0 and outcome.values["labels"] == {"workload": "web"}
    [finding] = outcome.findings
    assert finding.text == f"{WAITING} of workload=web is 1 container, above 0 container since 2026-11-22T11:58:00Z"
    assert finding.onset == NOW - 120 and finding.baseline is None


async def test_what_has_only_just_gone_beyond_it_is_inconclusive() -> None:
    outcome = await asked(Readings({WAITING: {WEB: since(NOW - 30)}}), above=0.0, lasting="1m")
    assert outcome.state is State.INCONCLUSIVE and outcome.values["beyond"] == 0
    assert outcome.reason == "for 30 s so far, 1m needed"
    assert outcome.findings[0].onset is None


async def test_what_was_beyond_it_and_is_not_any_more_is_ok() -> None:
    values = {WEB: lambda times, _step: np.where(times < NOW - 60, 3.0, 0.0)}
    outcome = await asked(Readings({WAITING: values}), above=0.0)
    assert outcome.state is State.OK and outcome.values["value"] == 0.0


async def test_what_was_beyond_it_as_far_back_as_is_known_has_no_onset() -> None:
    outcome = await asked(Readings({WAITING: {WEB: since(0)}}), above=0.0, lasting="1m")
    assert outcome.state is State.DEGRADED and outcome.values["onset"] is None


async def test_the_label_set_that_is_furthest_beyond_comes_first() -> None:
    series = {API: since(NOW - 600, 1.0), WEB: since(NOW - 600, 5.0), Labels.of(workload="fine"): since(2 * NOW)}
    outcome = await asked(Readings({WAITING: series}), above=0.0, by=["workload"])
    assert outcome.values["labels"] == {"workload": "web"}
    assert (outcome.values["series"], outcome.values["beyond"]) == (3, 2)
    assert [finding.verdict for finding in outcome.findings] == ["degraded", "degraded", "ok"]


async def test_below_a_limit_is_beyond_it_too() -> None:
    outcome = await asked(Readings({WAITING: {WEB: since(0, 2.0)}}), below=3.0)
    assert outcome.state is State.DEGRADED and "below 3 container" in outcome.findings[0].text


async def test_without_a_limit_it_only_tells() -> None:
    outcome = await asked(Readings({WAITING: {WEB: since(0, 2.0), API: since(0, 3.0)}}))
    assert outcome.state is State.OK and outcome.values["value"] == 5.0


async def test_the_first_reader_with_a_sample_of_this_moment_is_believed() -> None:
    old = {WEB: lambda times, _step: np.where(times < NOW - 600, 1.0, np.nan)}
    outcome = await asked(Readings({WAITING: old}), Readings({WAITING: {WEB: since(2 * NOW)}}), above=0.0)
    assert outcome.state is State.OK
    with pytest.raises(NoData, match=r"stale: workload\.pods\.waiting has no sample of the last"):
        await asked(Readings({WAITING: old}), above=0.0)


async def test_nobody_s_silence_is_good_news() -> None:
    with pytest.raises(NoData, match="absent"):
        await asked(Readings({"host.ready": {}}), above=0.0)
    with pytest.raises(SourceError, match="down"):
        await asked(Readings({}, broken=SourceError("down", "")), above=0.0)
    outcome = await asked(Readings({}, broken=StoreError("torn", "")), Readings({WAITING: {WEB: since(0)}}), above=0.0)
    assert outcome.state is State.DEGRADED


async def test_what_a_counter_gained_within_the_window_is_judged_and_since_when() -> None:
    gains = {WEB: lambda times, _step: np.where(times == NOW - 300, 1.0, 0.0), API: lambda times, _step: times * 0.0}
    outcome = await asked(Readings({"workload.restarts": gains}), signal="workload.restarts", above=0, by=["workload"])
    assert outcome.state is State.DEGRADED and outcome.values["beyond"] == 1
    assert (outcome.values["value"], outcome.values["labels"]) == (1.0, {"workload": "web"})
    assert outcome.values["onset"] == NOW - 315  # the start of the step that holds the first gain
    assert outcome.findings[0].text.startswith("workload.restarts of workload=web grew by 1 restart, above 0 restart")
    still = await asked(Readings({"workload.restarts": {API: gains[API]}}), signal="workload.restarts", above=0)
    assert still.state is State.OK and still.values["value"] == 0.0


@pytest.mark.parametrize(
    ("values", "state", "onset"),
    [
        (lambda times, _step: np.full(times.shape, 79.0), State.OK, None),  # it has stood there since who knows when
        (since(NOW - 120, 79.0), State.DEGRADED, NOW - 120),
        (lambda times, _step: np.where(times > NOW - 120, 48.0, 79.0), State.DEGRADED, NOW - 120),  # another one
        (lambda times, _step: np.where(times > NOW - 120, 48.0, np.nan), State.DEGRADED, None),  # first told now
    ],
)
async def test_a_code_that_stays_is_news_only_while_it_is_new(values: Any, state: State, onset: float | None) -> None:
    others = {Labels.of(gpu="0"): lambda times, _step: times * 0.0, Labels.of(gpu="1"): values}
    outcome = await asked(Readings({"gpu.xid": others}), signal="gpu.xid", above=0, by=["gpu"], news=True)
    assert outcome.state is state and outcome.values.get("onset") == onset


async def test_a_source_that_was_only_just_added_makes_no_news_of_an_old_code() -> None:
    both = {Labels.of(gpu=gpu): lambda times, _step: np.where(times > NOW - 120, 48.0, np.nan) for gpu in "01"}
    outcome = await asked(Readings({"gpu.xid": both}), signal="gpu.xid", above=0, by=["gpu"], news=True)
    assert outcome.state is State.OK


@pytest.mark.parametrize(
    "options",
    [
        {"signal": "model.latency"},
        {"signal": "workload.restarts", "above": 0, "lasting": "1m"},
        {"signal": "workload.restarts", "above": 0, "news": True},
        {"signal": WAITING, "above": 1.0, "below": 0.0},
    ],
)
def test_what_means_nothing_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NowOptions(**options)

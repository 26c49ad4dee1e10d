"""Scenes: what a simulated estate answers is a function of time, whichever window is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from console.analysis.frames import coarsen
from console.errors import UsageError
from console.lab.chance import key_of, poisson
from console.lab.scenes import playing
from console.lab.scenes.__main__ import lines
from console.lab.scenes.scene import NOW, SCENES, Scene, SceneCase, scene
from console.lab.scenes.table import TableScene
from console.model import Frame, Labels, Query, Span, Verdict, Window
from console.sources.types import ExemplarRequest, LogRequest, ProbeAnswer, ProfileRequest, TraceRequest

CHAT = {"model": "chat"}


def estate(seed: int = 0) -> Scene:
    return (
        Scene(seed)
        .gauge("model.kv.usage", 0.5, season=0.2, replica="chat-0", **CHAT)
        .gauge("model.kv.usage", 0.7, replica="chat-1", **CHAT)
        .counter("model.requests", 4.0, season=0.3, replica="chat-0", **CHAT)
        .histogram("model.ttft", 0.3, per_second=5.0, replica="chat-0", **CHAT)
        .gauge("gpu.xid", 0.0, noise=0.0, host="gpu-1", gpu="3")
    )


async def read(
    made: Scene, signal: str, *spans: tuple[float, float], step: float = 15.0, by: tuple[str, ...] = (), **where: str
) -> Frame:
    """Spans are given as seconds ago."""
    window = Window(tuple(Span(NOW - start, NOW - end) for start, end in spans))
    return await made.read(Query(signal, window, step, Labels.of(where), by))


@pytest.mark.parametrize("signal", ["model.kv.usage", "model.requests", "model.ttft"])
async def test_a_window_sees_what_a_longer_one_sees_there(signal: str) -> None:
    made = estate()
    short = await read(made, signal, (300, 0), replica="chat-0")
    long = await read(made, signal, (86_400, 86_000), (3600, 0), replica="chat-0")
    assert short.times.size == 20
    assert np.array_equal(long.times[-20:], short.times)
    assert np.array_equal(long.series[0].values[-20:], short.series[0].values)
    if signal == "model.ttft":
        assert np.array_equal(long.series[0].sums[-20:], short.series[0].sums)  # type: ignore[index]


@pytest.mark.parametrize("signal", ["model.kv.usage", "model.requests", "model.ttft"])
async def test_a_coarse_step_is_the_fine_ones_together(signal: str) -> None:
    fine, coarse = await read(estate(), signal, (600, 0)), await read(estate(), signal, (600, 0), step=60)
    assert np.allclose(coarsen(fine, 60).series[0].values, coarse.series[0].values)


async def test_another_seed_is_another_estate_and_the_same_one_the_same() -> None:
    first, again, other = [
        (await read(estate(seed), "model.requests", (600, 0))).series[0].values for seed in (0, 0, 1)
    ]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


async def test_labels_are_kept_apart_or_folded_as_the_catalogue_says() -> None:
    apart = await read(estate(), "model.kv.usage", (3600, 0), by=("replica",))
    together = await read(estate(), "model.kv.usage", (3600, 0))
    assert [dict(one.key.labels) for one in apart.series] == [{"replica": "chat-0"}, {"replica": "chat-1"}]
    means = [float(one.values.mean()) for one in apart.series]
    assert float(together.series[0].values.mean()) == pytest.approx(sum(means) / 2)
    assert not (await read(estate(), "model.kv.usage", (3600, 0), replica="chat-9")).series


async def test_a_change_holds_from_its_instant_until_its_end_for_those_series_alone() -> None:
    made = estate().change("model.kv.usage", 300, until=150, to=0.99, replica="chat-1")
    made.change("model.requests", 120, times=3.0).change("gpu.xid", 60, to=79.0)
    frame = await read(made, "model.kv.usage", (600, 0), by=("replica",))
    inside = (frame.times > NOW - 300) & (frame.times <= NOW - 150)
    untouched, turned = (one.values for one in frame.series)
    assert (turned[inside] > 0.85).all() and (turned[~inside] < 0.85).all()
    assert untouched.max() < 0.75
    requests = (await read(made, "model.requests", (600, 0))).series[0].values
    assert requests[-8:].mean() > 2.2 * requests[:-8].mean()
    assert (await read(made, "gpu.xid", (120, 0))).series[0].values.tolist() == [0.0] * 4 + [79.0] * 4


async def test_a_change_may_take_its_time() -> None:
    made = Scene().gauge("host.disk.utilization", 0.5, noise=0.0, host="a")
    made.change("host.disk.utilization", 600, to=0.9, over=300)
    values = (await read(made, "host.disk.utilization", (660, 0), step=60)).series[0].values
    assert values[0] == 0.5 and values[-1] == 0.9
    assert (np.diff(values) >= 0).all() and 0.6 < values[4] < 0.9


async def test_what_is_not_there_yet_or_no_more_is_no_data_and_never_zero() -> None:
    made = estate().appears("model.requests", 300).vanishes("model.ttft", 300)
    requests, ttft = [(await read(made, each, (600, 0))).series[0] for each in ("model.requests", "model.ttft")]
    assert np.isnan(requests.values[:20]).all() and not np.isnan(requests.values[20:]).any()
    assert not np.isnan(ttft.values[:20]).any() and np.isnan(ttft.values[20:]).all()
    assert ttft.sums is not None and np.isnan(ttft.sums[20:]).all()
    assert not (await read(made, "model.ttft", (240, 0))).series


async def test_histograms_are_what_was_asked_for() -> None:
    made = Scene().histogram("model.ttft", 0.3, sigma=0.4, per_second=50.0)
    made.change("model.ttft", 300, times=2.0, rate=0.5)
    one = (await read(made, "model.ttft", (600, 0))).series[0]
    assert one.sums is not None
    before, after = one.values[:20].sum(axis=0), one.values[20:].sum(axis=0)
    assert before.sum() == pytest.approx(50 * 300, rel=0.05)
    assert after.sum() == pytest.approx(25 * 300, rel=0.05)
    mean = 0.3 * np.exp(0.4**2 / 2)
    assert one.sums[:20].sum() / before.sum() == pytest.approx(mean, rel=0.02)
    assert one.sums[20:].sum() / after.sum() == pytest.approx(2 * mean, rel=0.03)
    below = before[: one.key.edges.index(0.25) + 1].sum() / before.sum()
    assert below == pytest.approx(0.324, abs=0.02)  # of a log-normal one around 0.3


async def test_the_day_has_a_peak() -> None:
    made = Scene().counter("model.requests", 50.0, season=0.5)
    noon, night = [
        float((await read(made, "model.requests", (ago, ago - 3600))).series[0].values.mean())
        for ago in (86_400 - 2 * 3600, 86_400 - 14 * 3600)  # 14:00 and 02:00 of the day before
    ]
    assert noon / night == pytest.approx(3.0, rel=0.1)


def test_events_come_as_often_as_expected() -> None:
    for mean in (0.3, 7.0, 200.0):
        counts = poisson(key_of("any"), np.arange(20_000, dtype=np.uint64), np.full(20_000, mean))
        assert counts.mean() == pytest.approx(mean, rel=0.03)
        assert counts.var() == pytest.approx(mean, rel=0.05)


async def test_what_makes_no_sense_is_said_at_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        estate().gauge("model.kv.usage", 0.1, replica="chat-0", **CHAT)
    with pytest.raises(UsageError, match=r"no series of model\.ttft"):
        estate().change("model.ttft", 60, to=1.0, model="shoes")
    with pytest.raises(UsageError, match=r"model\.ttft is no gauge"):
        Scene().gauge("model.ttft", 1.0)
    with pytest.raises(UsageError, match="no golden"):
        await Scene().probe()


async def test_logs_say_the_same_whichever_span_is_asked_for() -> None:
    made = (
        Scene().log(900, "chat", "info", "answered {n}", every=10).log(200, "chat", "error", "out of memory", model="a")
    )
    with made.situation() as here:
        [talk] = here.estate.logs.values()
    whole = await talk.logs(LogRequest(Span(NOW - 900, NOW)))
    part = await talk.logs(LogRequest(Span(NOW - 300, NOW - 100)))
    assert 85 <= len(whole) <= 92
    assert list(part) == [line for line in whole if NOW - 300 <= line.time < NOW - 100]
    grave = await talk.logs(LogRequest(Span(NOW - 900, NOW), Labels.of(model="a"), grave=True))
    assert [line.body for line in grave] == ["out of memory"]
    assert not await talk.logs(LogRequest(Span(NOW - 900, NOW), Labels.of(model="b"), "memory"))
    thin = await talk.logs(LogRequest(Span(NOW - 900, NOW), most=20))
    assert len(thin) <= 20 and thin[0].stands_for == 5


async def test_who_is_slow_makes_its_callers_wait() -> None:
    made = Scene().call("", "web", 0.01).call("web", "orders", 0.02).slower("orders", 300, times=5.0, failing=0.5)
    with made.situation() as here:
        [traces] = here.estate.traces.values()
    before, after = [await traces.spans(TraceRequest(Span(NOW - a, NOW - b))) for a, b in ((600, 300), (300, 0))]

    def took(spans: Any, service: str) -> float:
        return float(np.median([span.end - span.start for span in spans if span.service == service]))

    assert took(after, "orders") > 4 * took(before, "orders")
    assert took(after, "web") - took(before, "web") > 0.05
    assert {span.parent for span in after if span.service == "orders"} <= {s.id for s in after if s.service == "web"}
    assert any(span.failed for span in after) and not any(span.failed for span in before)


def rows(random: np.random.Generator, times: Any) -> dict[str, Any]:
    if times[0] > NOW - 600:
        return {}
    moved = np.where(times > NOW - 1800, 3.0, 0.0)
    return {"price": random.normal(50 + moved, 1.0), "answer": random.integers(0, 2, times.size)}


async def test_tables_are_real_rows_in_real_files() -> None:
    made = Scene().table("sales", "shoes", rows, prediction="answer", days=2, per_minute=10, cuts=(600,))
    with made.situation() as here:
        table = here.estate.tables["sales"]
        assert here.estate.models == {"sales": "shoes"}
        spans = [(NOW - 86_400 - 600, NOW - 86_400), (NOW - 1800, NOW - 600), (NOW - 600, NOW)]
        found = [await table.profiles(ProfileRequest((Span(*span),), columns=("price",))) for span in spans]
        assert [groups[0].profile.rows if groups else 0 for groups in found] == pytest.approx([100, 200, 0], abs=30)
        means = [groups[0].profile.columns[0].mean for groups in found[:2]]
        assert means == pytest.approx([50, 53], abs=0.5)
        assert await table.outputs() == ("answer",) and await table.slices() == ()
        assert await table.exemplars(ExemplarRequest("current", (Span(*spans[1]),)))


def test_the_files_of_a_table_are_the_same_every_time(tmp_path: Path) -> None:
    made = TableScene("sales", "shoes", rows, 5.0, 1, 1.0, (), {})
    for folder in ("first", "again"):
        made.opened(tmp_path / folder, 7, NOW)
    first, again = ([file.read_bytes() for file in sorted((tmp_path / each).iterdir())] for each in ("first", "again"))
    assert len(first) == 2 and first == again


async def test_events_and_golden_answers_are_in_the_situation() -> None:
    answer = ProbeAnswer(4, 4, 0, 0.0, 0.02)
    made = estate().event(300, "deploy", "chat", "chat 2").event(60, "xid", "gpu-1/3", "XID 79").golden(answer)
    with made.situation() as here:
        [diary], [prober] = here.estate.events.values(), here.estate.probers.values()
        assert here.now == NOW and not here.estate.logs and not here.estate.tables
    assert [event.kind for event in await diary.events(Span(NOW - 600, NOW), ())] == ["deploy", "xid"]
    assert [event.title for event in await diary.events(Span(NOW - 600, NOW), ("xid",))] == ["XID 79"]
    assert await prober.probe() == answer
    assert await made.coverage(Span(NOW - 600, NOW), 15) == 1.0


def slow_dependency(seed: int) -> Scene:
    """The model waits for its database."""
    made = Scene(seed).counter("model.requests", 10, season=0.3, model="shoes")
    made.histogram("model.latency", 0.08, season=0.3, model="shoes")
    made.histogram("model.inference.duration", 0.03, season=0.3, model="shoes")
    made.histogram("model.dependency.latency", 0.02, season=0.3, model="shoes", dependency="orders")
    return made.change("model.dependency.latency", 420, times=5.0).change("model.latency", 420, times=2.2)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_scene_is_played_through_its_playbooks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = SceneCase("slow", "title", slow_dependency, ("latency_regression", "not_there"), {"model": "shoes"})
    monkeypatch.setitem(SCENES, "slow", case)
    [played] = playing.play_all(playing.chosen(("slow",)), seed, None, 1)
    assert played.diagnosis.verdict is Verdict.DEGRADED and played.missing == ("not_there",)
    assert [(cause.id, cause.subject) for cause in played.diagnosis.causes] == [("slow_dependency", "orders")]
    told = "\n".join(lines(played, steps=True))
    assert "there is no playbook not_there" in told and "slow_dependency of orders" in told


def test_scenes_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCENES, "slow", SceneCase("slow", "title", slow_dependency))
    with pytest.raises(UsageError, match="two scenes"):
        scene("slow")(slow_dependency)
    with pytest.raises(UsageError, match="no scene 'slwo'"):
        playing.chosen(("slwo",))

"""`logs`: what is new in the lines of both windows, how sure that is, and how much was read."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from playbook_world import NOW

from console.errors import NoData, SourceDenied, SourceError, UsageError
from console.model import Labels, LogLine, Span, State, Verdict, Window
from console.playbook.step import StepContext, StepOutcome
from console.playbook.steps import logs
from console.playbook.steps.log_looks import count_of
from console.sources.estate import Estate
from console.sources.log_lines import is_trouble
from console.sources.types import LogRequest

CURRENT = Window((Span(NOW - 600, NOW),))
BASELINE = Window((Span(NOW - 7800, NOW - 7200),), "offset")
WEEK = Window(tuple(Span(NOW - day * 86_400 - 600, NOW - day * 86_400) for day in range(1, 8)), "seasonal")
LOST = "could not reach orders-db: connection refused"


class Written:
    """A LogReader of given lines: it thins evenly, or gives the newest only."""

    def __init__(self, lines: Iterable[LogLine], *, newest: bool = False, broken: BaseException | None = None) -> None:
        self.lines = sorted(lines, key=lambda line: line.time)
        self.newest, self.broken = newest, broken
        self.asked: list[LogRequest] = []

    async def logs(self, request: LogRequest) -> Sequence[LogLine]:
        self.asked.append(request)
        if self.broken:
            raise self.broken
        found = [
            line
            for line in self.lines
            if request.span.start <= line.time < request.span.end
            and dict(request.where).get("service", line.service) == line.service
            and request.words in line.body
            and (not request.grave or is_trouble(line.severity, line.body))
        ]
        if len(found) <= request.most:
            return found
        if self.newest:
            return found[-request.most :]
        kept = [found[at * len(found) // request.most] for at in range(request.most)]
        return [replace(line, stands_for=len(found) / request.most) for line in kept]


def usual(rate: float = 2.0, seed: int = 1, windows: Sequence[Window] = (CURRENT, BASELINE, WEEK)) -> list[LogLine]:
    """What is always said: much chatter, a few warnings, an error now and then."""
    chance = random.Random(seed)
    found = []
    for span in {span for window in windows for span in window.spans}:
        for _ in range(int(rate * span.seconds)):
            at = chance.uniform(span.start, span.end)
            kind = chance.random()
            if kind < 0.02:
                found.append(LogLine(at, "cart", "warn", f"slow answer: {chance.randint(200, 900)} ms"))
            elif kind < 0.03:
                found.append(LogLine(at, "pay", "error", f"card {chance.randint(1, 99)} declined by issuer"))
            else:
                found.append(LogLine(at, "cart", "info", f"served request {chance.randint(1, 10**6)}"))
    return found


def saying(
    text: str, many: int, since: float = NOW - 300, until: float = NOW, severity: str = "error"
) -> list[LogLine]:
    return [LogLine(since + (until - since) * at / many, "cart", severity, f"{text} ({at})") for at in range(many)]


async def looked(*readers: Written, baseline: Window = BASELINE, **options: Any) -> StepOutcome:
    context = StepContext(
        step="said", estate=Estate(logs={f"s{at}": reader for at, reader in enumerate(readers)}), current=CURRENT,
        baseline=baseline, inputs={}, results={}, now=NOW, ask=None,  # type: ignore[arg-type]
    )  # fmt: skip
    outcome: StepOutcome = await logs.STEP.run(context, logs.LogsOptions.model_validate(options))
    assert set(outcome.values) <= set(logs.RESULT)
    return outcome


async def test_a_new_error_is_found_with_its_service_count_onset_and_an_example() -> None:
    outcome = await looked(Written([*usual(), *saying(LOST, 60)]))
    assert outcome.state is State.DEGRADED
    values = outcome.values
    assert (values["new_errors"], values["services"], values["onset"]) == (1, ["cart"], NOW - 300)
    assert (values["top.service"], values["top.change"], values["top.count"]) == ("cart", "new", 60)
    assert values["top.template"].startswith("could not reach orders-db: connection refused")
    finding = outcome.findings[0]
    assert (finding.kind, finding.verdict) == ("log", Verdict.DEGRADED)
    assert "60 lines, none before, since 2026-11-22T11:55:00Z" in finding.text
    assert finding.exemplars[0].caption == f"{LOST} (0)"
    assert (finding.current and finding.current.n, finding.baseline and finding.baseline.n) == (60, 0)


async def test_what_is_said_as_ever_is_nothing_new_and_that_is_told() -> None:
    for baseline in (BASELINE, WEEK):
        outcome = await looked(Written(usual()), baseline=baseline)
        assert outcome.state is State.OK
        assert outcome.values["new_errors"] == 0
        assert "nothing new; current: 1,200 lines" in outcome.findings[-1].text


async def test_quiet_logs_raise_no_alarm_though_hundreds_of_kinds_are_counted() -> None:
    alarms = 0
    for seed in range(25):
        chance = random.Random(seed)
        rare = [
            LogLine(chance.uniform(span.start, span.end), "cart", "error", f"case {word} failed")
            for span in (*CURRENT.spans, *WEEK.spans)
            for word in (f"{chance.choice('abcdefgh')}{letter}x" for letter in "abcdefghijklmnopqrstuvwxyz")
            if chance.random() < 0.2
        ]
        outcome = await looked(Written([*usual(0.5, seed), *rare]), baseline=WEEK)
        alarms += outcome.state is State.DEGRADED
    assert alarms <= 1


async def test_one_odd_line_is_doubted_and_a_burst_of_one_moment_too() -> None:
    assert (await looked(Written([*usual(), *saying(LOST, 1)]))).state is State.INCONCLUSIVE
    assert (await looked(Written([*usual(), *saying(LOST, 40, NOW - 60, NOW - 59)]))).state is State.INCONCLUSIVE


async def test_a_surge_is_measured_by_how_much_its_lines_bunch_as_ever() -> None:
    steady = [*saying("basket is locked", 20, NOW - 7800, NOW - 7200)]
    surged = await looked(Written([*usual(), *steady, *saying("basket is locked", 120)]))
    assert surged.values["top.change"] == "surged"
    assert surged.state is State.DEGRADED
    assert surged.values["onset"] == pytest.approx(NOW - 300, abs=30)


async def test_what_always_came_in_bursts_may_do_so_again() -> None:
    def burst(many: int, end: float) -> list[LogLine]:
        return saying("retry failed", many, end - 100, end - 97)

    wild = [line for day, many in zip(WEEK.spans, (0, 5, 150, 10, 0, 120, 30), strict=True)
            for line in burst(many, day.end)]  # fmt: skip
    calm = [line for day in WEEK.spans for line in burst(45, day.end)]
    for past, state in ((wild, State.INCONCLUSIVE), (calm, State.DEGRADED)):
        assert (await looked(Written([*usual(), *past, *burst(200, NOW)]), baseline=WEEK)).state is state


async def test_more_traffic_is_no_news() -> None:
    busy = [LogLine(line.time + 0.01, line.service, line.severity, line.body) for line in usual(6.0, 3, (CURRENT,))]
    calm = usual(2.0, 4, (BASELINE,))
    assert (await looked(Written([*busy, *calm]))).state is State.OK


async def test_where_there_is_too_much_trouble_is_looked_for_apart_and_the_amounts_are_said() -> None:
    reader = Written([*usual(20.0), *saying(LOST, 12)])
    outcome = await looked(reader, most=500)
    assert outcome.state is State.DEGRADED
    assert outcome.values["top.count"] == 12
    assert [request.grave for request in reader.asked] == [False, False, True, True]
    assert "of 12,012 lines 500 were read" in outcome.reason
    assert "of 12,012 lines 500 were read" in outcome.findings[-1].text


async def test_where_only_the_newest_are_given_their_stretch_is_what_is_compared() -> None:
    outcome = await looked(Written(usual(20.0), newest=True), most=500)
    assert "the newest 500 lines were read" in outcome.reason
    assert outcome.state is State.OK


async def test_errors_that_went_away_are_told_and_are_no_harm() -> None:
    outcome = await looked(Written([*usual(), *saying(LOST, 60, NOW - 7700, NOW - 7300)]))
    assert outcome.state is State.OK
    assert "it went quiet" in outcome.findings[0].text
    assert outcome.findings[0].exemplars[0].side == "baseline"


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ((), "absent: no line with service=cart in either window"),
        ((CURRENT,), "absent: no line with service=cart in the baseline"),
        ((BASELINE,), "absent: no line with service=cart in the current window"),
    ],
)
async def test_no_lines_are_no_data_and_never_ok(windows: tuple[Window, ...], words: str) -> None:
    with pytest.raises(NoData, match=words):
        await looked(Written(usual(windows=windows)), where={"service": "cart"})


async def test_no_source_of_logs_is_no_data_and_an_unknown_one_is_named() -> None:
    with pytest.raises(NoData, match="absent: no source has logs"):
        await looked()
    with pytest.raises(UsageError, match="there is no source of logs 'x'"):
        await looked(Written(usual()), source="x")


async def test_a_broken_source_stops_no_other_and_is_named() -> None:
    broken = Written([], broken=SourceDenied("loki: 403", ""))
    outcome = await looked(Written([*usual(), *saying(LOST, 60)]), broken)
    assert outcome.state is State.DEGRADED
    assert "s1 did not answer" in outcome.findings[-1].text
    with pytest.raises(SourceDenied):
        await looked(broken)
    with pytest.raises(ZeroDivisionError):
        await looked(Written(usual()), Written([], broken=ZeroDivisionError()))


async def test_a_source_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.playbook.steps.log_looks.SOURCE_SECONDS", 0.05)

    class Slow(Written):
        async def logs(self, request: LogRequest) -> Sequence[LogLine]:
            import asyncio

            await asyncio.sleep(60)
            return []

    with pytest.raises(SourceError, match=r"source s0 took more than 0\.05 s"):
        await looked(Slow([]))


async def test_a_canary_is_compared_with_its_siblings_at_the_same_time() -> None:
    class Tracks(Written):
        async def logs(self, request: LogRequest) -> Sequence[LogLine]:
            track = request.where.value("track")
            lines = usual(windows=(CURRENT,)) + (saying(LOST, 60) if track == "canary" else [])
            return [line for line in lines if request.span.start <= line.time < request.span.end]

    stable = Window(CURRENT.spans, "where", Labels.of(track="stable"))
    outcome = await looked(Tracks([]), baseline=stable, where={"track": "canary"})
    assert (outcome.values["new_errors"], outcome.values["top.template"][:15]) == (1, "could not reach")


async def test_nothing_secret_and_nothing_that_a_terminal_obeys_is_shown() -> None:
    nasty = "login of ada@example.org failed: password=hunter2 \x1b]0;owned\x07\x1b[2J Bearer abcdef123456"
    outcome = await looked(Written([*usual(), *saying(nasty, 60)]))
    shown = repr(outcome)
    for secret in ("hunter2", "ada@", "abcdef123456", "\\x1b", "\\x07"):
        assert secret not in shown


async def test_stack_traces_that_come_line_by_line_are_one() -> None:
    def trace(at: float) -> list[LogLine]:
        texts = ("request failed", '  File "x.py", line 3, in f', "  raise KeyError")
        return [LogLine(at + n / 1000, "cart", "error" if not n else "", text) for n, text in enumerate(texts)]

    lines = [line for at in range(30) for line in trace(NOW - 300 + 10 * at)]
    outcome = await looked(Written([*usual(), *lines]))
    assert outcome.values["new"] == 1
    assert "File" not in outcome.values["top.template"]


def test_amounts_are_rounded_where_they_were_reckoned() -> None:
    counts: Callable[[float], str] = lambda n: count_of(n, "line")  # noqa: E731
    assert [counts(n) for n in (0, 1, 12, 1234.0, 1234.5, 51_234.7, 3.4)] == [
        "0 lines", "1 line", "12 lines", "1,234 lines", "about 1,200 lines", "about 51,000 lines", "about 3 lines",
    ]  # fmt: skip

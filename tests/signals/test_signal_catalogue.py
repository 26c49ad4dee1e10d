from __future__ import annotations

import re

import pytest

from console.errors import UsageError
from console.model import Direction, Kind
from console.signals.catalogue import catalogue, find_signal

UNIT = re.compile(r"s|By|1|Cel|W|J|Hz|\{[a-z]+\}")


def test_at_least_sixty_signals_cover_every_scope() -> None:
    assert len(catalogue()) >= 60
    assert {signal.scope for signal in catalogue().values()} == {"gpu", "model", "host", "workload", "data"}


def test_every_signal_is_whole() -> None:
    for name, signal in catalogue().items():
        assert re.fullmatch(r"(gpu|model|host|workload|data)(\.[a-z]+)+", name)
        assert UNIT.fullmatch(signal.unit), name
        assert signal.title and not signal.title.endswith("."), name
        assert signal.floor >= 0, name


@pytest.mark.parametrize(
    ("name", "kind", "bad", "unit"),
    [
        ("model.latency", Kind.HISTOGRAM, Direction.UP, "s"),
        ("model.errors", Kind.COUNTER, Direction.UP, "{request}"),
        ("model.feedback.correct", Kind.COUNTER, Direction.DOWN, "{answer}"),
        ("model.confidence", Kind.HISTOGRAM, Direction.DOWN, "1"),
        ("model.cpu.wait", Kind.COUNTER, Direction.UP, "s"),
        ("model.up", Kind.GAUGE, Direction.DOWN, "1"),
        ("gpu.memory.used", Kind.GAUGE, Direction.UP, "By"),
        ("host.cpu.utilization", Kind.GAUGE, Direction.UP, "1"),
    ],
)
def test_what_playbooks_rely_on(name: str, kind: Kind, bad: Direction, unit: str) -> None:
    signal = find_signal(name)
    assert (signal.kind, signal.bad, signal.unit) == (kind, bad, unit)


def test_shares_are_averaged_over_gpus_and_bytes_are_added() -> None:
    assert find_signal("gpu.utilization").across == "mean"
    assert find_signal("gpu.memory.used").across == "sum"
    assert find_signal("gpu.temperature").across == "max"


def test_a_typo_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(UsageError, match=r"no signal model\.tfft") as caught:
        find_signal("model.tfft")
    assert "model.ttft" in caught.value.hint


def test_a_name_from_nowhere_is_told_how_names_begin() -> None:
    with pytest.raises(UsageError) as caught:
        find_signal("zzzz")
    assert caught.value.hint == "signals begin with gpu, model, host, workload, data"

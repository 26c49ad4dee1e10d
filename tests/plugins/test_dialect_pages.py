"""Every page against every dialect: each is seen by those that it belongs to, and by no other."""

from __future__ import annotations

import pytest
from pages import PAGES, every_dialect, read_page

from console.model import Kind, Query, Span, Window
from console.signals.catalogue import find_signal
from console.signals.promql import promql

BESIDE = {"trtllm_triton": {"triton", "trtllm_triton"}}  # the backend's gauges stand on Triton's page
NAMES = sorted(path.stem for path in PAGES.glob("*.prom"))
WINDOW = Window((Span(0, 600),))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_seen_by_exactly_its_own_dialects(name: str) -> None:
    assert set(read_page(name)[1].seen) == BESIDE.get(name, {name})


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_read_without_a_line_left(name: str) -> None:
    readings, reader = read_page(name)
    assert readings and (reader.skipped, reader.trouble) == (0, "")


def test_every_dialect_has_a_page() -> None:
    assert {dialect.name for dialect in every_dialect()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_page_does_not_tell_has_a_reason_that_names_a_metric_or_a_way(name: str) -> None:
    for spoken in read_page(name)[1].spoken:
        for signal, why in (*spoken.missing, *spoken.lacks):
            assert len(why) > 15 and "{" not in why, (signal, why)
        assert not set(spoken.signals) & {signal for signal, _why in (*spoken.missing, *spoken.lacks)}


@pytest.mark.parametrize("name", NAMES)
def test_a_prometheus_that_scraped_the_page_is_asked_for_all_that_it_tells(name: str) -> None:
    readings, reader = read_page(name)
    dialects = [dialect for dialect in every_dialect() if dialect.name in reader.seen]
    asked = {
        signal
        for dialect in dialects
        for signal in dialect.signals
        if promql(dialect, Query(signal, WINDOW, 60), set(reader.names))
    }
    assert {reading.series.signal for reading in readings} <= asked


def test_gauges_of_several_metrics_differ_by_a_label_or_add_up() -> None:
    for dialect in every_dialect():
        for signal in dialect.signals:
            natives = dialect.natives(signal)
            if len({native.labels for native in natives}) < len(natives) and natives[0].kind is Kind.GAUGE:
                assert find_signal(signal).across == "sum", (dialect.name, signal)


def test_every_dialect_warns_of_something_and_has_a_title() -> None:
    for dialect in every_dialect():
        assert dialect.title and dialect.note.endswith("."), dialect.name
        assert not set(dialect.lacks) & set(dialect.signals), dialect.name
        hinted = [signal for signals in dialect.opt_in.values() for signal in signals]
        assert set(hinted) <= set(dialect.signals) and len(hinted) == len(set(hinted)), dialect.name

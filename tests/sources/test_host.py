"""This machine as signals."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from console.errors import SourceError
from console.model import Kind, Reading
from console.signals.catalogue import catalogue
from console.sources.host import Host


def by_signal(readings: list[Reading]) -> dict[str, Reading]:
    return {reading.series.signal: reading for reading in readings}


def collect(host: Host) -> list[Reading]:
    deadline = time.monotonic() + 0.03
    while time.monotonic() < deadline:  # so that processor time passes
        pass
    return list(host.collect(time.time()))


def test_every_reading_is_a_signal_of_the_catalogue_with_its_kind(tmp_path: Path) -> None:
    host = Host("box", [str(tmp_path)])
    readings = collect(host)
    for reading in readings:
        assert catalogue()[reading.series.signal].kind == reading.series.kind, reading
    found = by_signal(readings)
    assert {"host.cpu.utilization", "host.cpu.time", "host.load", "host.memory.utilization", "host.network.io"} <= set(
        found
    )
    for signal in ("host.cpu.utilization", "host.memory.utilization", "host.disk.utilization"):
        assert 0 <= found[signal].value <= 1
    assert found["host.disk.utilization"].series.labels.value("mount") == str(tmp_path)
    assert found["host.uptime"].value > 0
    assert found["host.memory.used"].value > 1e6
    keys = [reading.series for reading in readings]
    assert len(keys) == len(set(keys))


def test_processor_use_is_that_since_the_last_reading() -> None:
    host = Host("box", [])
    first, second = by_signal(collect(host)), by_signal(collect(host))
    assert second["host.cpu.time"].value >= first["host.cpu.time"].value
    assert "host.cpu.utilization" in second


def test_waiting_for_a_core_is_told_where_the_kernel_tells_it(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    (proc / "pressure").mkdir(parents=True)
    (proc / "pressure" / "cpu").write_text(
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"
    )
    (proc / "schedstat").write_text(
        "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 7 1500000000 3\ndomain0 1 2\ncpu1 0 0 0 0 0 0 7 500000000 3\n"
    )
    found = by_signal(collect(Host("box", [], proc=proc)))
    assert (found["host.cpu.stalled"].value, found["host.cpu.stalled"].series.kind) == (2.5, Kind.COUNTER)
    assert found["host.cpu.wait"].value == 2.0
    assert "host.memory.stalled" not in found


def test_what_the_kernel_does_not_tell_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "schedstat").write_text("cpu0 1 2\n")
    found = by_signal(collect(Host("box", [], proc=tmp_path)))
    assert not {"host.cpu.wait", "host.cpu.stalled", "host.io.stalled"} & set(found)


def test_check_names_the_signals_or_the_mount_that_is_not_there(tmp_path: Path) -> None:
    status = Host("box", [str(tmp_path)]).check()
    assert status.state == "ok"
    assert "host.memory.utilization" in status.signals
    gone = Host("box", [str(tmp_path / "none")])
    with pytest.raises(SourceError, match="no mount"):
        gone.check()
    assert "host.disk.utilization" not in by_signal(collect(gone))

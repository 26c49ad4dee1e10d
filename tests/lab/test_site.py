"""Place `site`: what its simulated exporters write is read into just the series that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest

from console.errors import UsageError
from console.lab.manifest import expected, manifest, names
from console.lab.site.estate import chosen, gpu_labels, planned, replica_of
from console.lab.site.exporter import SIMULATED
from console.lab.site.place import DAYS, Site
from console.lab.traffic import DAY
from console.model import Kind, Labels, Reading, SeriesKey, Span
from console.signals.page import PageReader
from console.sources.events import EventFile

START = 1_772_460_000.0  # 2026-03-02T14:00:00Z
FAULTS = [name for name in names() if manifest(name).place == "site"]
Readings = dict[SeriesKey, Reading]


class Quiet(Site):
    """A site that nobody asks: its pages are read from the files."""

    def __enter__(self) -> Site:
        (self.folder / "pages").mkdir(parents=True)
        self.clock.set(self.start)
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Quiet(tmp_path / "line", 3, START) as quiet:
        quiet.prepare()
        quiet.tick()
        yield quiet


@pytest.fixture
def readers(site: Site) -> dict[str, PageReader]:
    return {
        source: PageReader(exporter.dialects, labels=Labels())  # as the daemon has them
        for source, exporter in site.exporters.items()
    }


def look(site: Site, readers: dict[str, PageReader]) -> Readings:
    """All that the pages say, read as andon reads pages."""
    found: Readings = {}
    for source, reader in readers.items():
        for reading in reader.read((site.folder / "pages" / f"{source}.prom").read_bytes(), site.clock.now()):
            found[reading.series] = reading
        assert not reader.skipped, reader.trouble
    return found


def of(readings: Readings, signal: str, **labels: str) -> list[float]:
    wanted = set(labels.items())
    return [one.value for key, one in readings.items() if key.signal == signal and wanted <= set(key.labels)]


def test_every_series_is_read_back_as_what_it_is(site: Site, readers: dict[str, PageReader]) -> None:
    readings = look(site, readers)
    for one in planned(site.seed):
        key = one.course.key
        reading = readings[key]
        values, sums = one.course.values(site.seed, np.array([site.clock.now()]), 15.0)
        if key.kind is Kind.GAUGE:
            assert reading.value == pytest.approx(values[0], rel=1e-6), key
        elif key.kind is Kind.COUNTER:
            assert reading.value == pytest.approx(values[0], rel=1e-6), key  # the first tick is all there was
        else:
            assert sums is not None
            assert reading.value == pytest.approx(sums[0], rel=1e-6), key
            assert reading.counts == tuple(np.cumsum(values[0])), key


def test_pages_are_families_that_say_they_are_simulated(site: Site) -> None:
    for file in (site.folder / "pages").iterdir():
        lines = file.read_text().splitlines()
        helps = [line for line in lines if line.startswith("# HELP")]
        assert helps and all(line.endswith(SIMULATED) for line in helps)
        metrics = [line.split()[2] for line in helps]
        assert len(set(metrics)) == len(metrics)  # each once: its lines stand together


def test_two_ticks_give_the_same_pages_twice(site: Site, tmp_path: Path) -> None:
    def pages(one: Site) -> list[str]:
        one.tick()
        return [file.read_text() for file in sorted((one.folder / "pages").iterdir())]

    with Quiet(tmp_path / "again", 3, START) as again:
        again.prepare()
        again.tick()
        assert pages(again) == pages(site)


def test_the_past_is_the_same_hour_of_some_days_and_all_of_the_last(tmp_path: Path) -> None:
    with Quiet(tmp_path / "line", 3, START) as quiet:
        past = list(quiet.past(900.0))
        reader = PageReader(quiet.exporters["vllm"].dialects)
        times: dict[str, list[float]] = {}
        totals: list[float] = []
        for source, page in past:
            times.setdefault(source, []).append(float(page.splitlines()[0].rpartition(" ")[2]) / 1000)
            if source == "vllm":
                [requests] = [
                    one.value
                    for one in reader.read(page.encode(), START)
                    if one.series.signal == "model.requests" and ("replica", "chat-0") in one.series.labels
                    and ("reason", "stop") in one.series.labels
                ]  # fmt: skip
                totals.append(requests)
        assert {source: len(of_it) for source, of_it in times.items()} == {
            "dcgm": 35 * DAYS + 240, "node-1": 35 * DAYS + 240, "node-2": 35 * DAYS + 240, "kube": 240,
            "vllm": 35 * DAYS + 240,
        }  # fmt: skip
        assert all(sorted(each) == each and each[-1] == START for each in times.values())
        assert times["vllm"][0] == START - DAYS * DAY - 1200 + 60
        assert totals == sorted(totals) and totals[0] > 40
        quiet.tick()
        [live] = of(look(quiet, {"vllm": reader}), "model.requests", replica="chat-0", reason="stop")
        assert totals[-1] < live < totals[-1] + 60  # and counts on


def test_what_a_fault_does_begins_now_and_ends_with_it(site: Site, readers: dict[str, PageReader]) -> None:
    on = gpu_labels("gpu-2", 5)
    site.turn("gpu.temperature", to=90.0, host="gpu-2", gpu="5")
    site.turn("gpu.xid", to=31.0, stays=True, host="gpu-2", gpu="5")
    site.turn("gpu.power", after=20.0, to=90.0, host="gpu-2", gpu="5")
    site.vanish("model.", replica="chat-6")
    site.appear("dcgm", "gpu.xid.recent", 1.0, **on, xid="31")
    site.happens("xid", "gpu-2/5", "XID 31", after=20.0)
    site.tick()
    during = look(site, readers)
    assert of(during, "gpu.temperature", host="gpu-2", gpu="5")[0] > 80 > max(of(during, "gpu.temperature", gpu="4"))
    assert of(during, "gpu.power", host="gpu-2", gpu="5")[0] > 300
    assert not of(during, "model.ttft", replica="chat-6") and of(during, "model.ttft", replica="chat-5")
    assert of(during, "gpu.xid.recent") == [1.0]
    assert "XID 31" not in site.changes.path.read_text()
    site.tick()
    assert of(look(site, readers), "gpu.power", host="gpu-2", gpu="5")[0] < 120
    assert "XID 31" in site.changes.path.read_text()
    site.mend()
    site.tick()
    after = look(site, readers)
    assert max(of(after, "gpu.temperature")) < 75 and of(after, "model.ttft", replica="chat-6")
    assert min(of(after, "gpu.power")) > 300 and not of(after, "gpu.xid.recent")
    assert of(after, "gpu.xid", host="gpu-2", gpu="5") == [31.0]  # until the driver is loaded anew
    with pytest.raises(UsageError, match=r"no series of gpu\.power"):
        site.turn("gpu.power", to=1.0, host="gpu-9")
    with pytest.raises(UsageError, match="no gauge"):
        site.appear("dcgm", "gpu.ecc.errors", 1.0)


GPU = {"host": "gpu-1", "gpu": 3}
SHOWN: dict[str, tuple[dict[str, Any], str, dict[str, str], tuple[float, float]]] = {
    "gpu_xid": (GPU, "gpu.xid", {"host": "gpu-1", "gpu": "3"}, (62, 140)),
    "gpu_ecc": (GPU, "gpu.ecc.errors", {"host": "gpu-1", "gpu": "3", "kind": "uncorrected"}, (2, 60)),
    "gpu_remap_pending": (GPU, "gpu.rows.pending", {"host": "gpu-1", "gpu": "3"}, (1, 1)),
    "gpu_hot": (GPU, "gpu.throttle.time", {"host": "gpu-1", "gpu": "3", "cause": "thermal"}, (80, 500)),
    "gpu_power_cap": (GPU, "gpu.power.limit", {"host": "gpu-1", "gpu": "3"}, (280, 400)),
    "gpu_nvlink": (GPU, "gpu.nvlink.errors", {"host": "gpu-1", "gpu": "3", "kind": "crc"}, (100, 10_000)),
    "gpu_pcie": (GPU, "gpu.pcie.replays", {"host": "gpu-1", "gpu": "3"}, (100, 5000)),
    "gpu_straggler": (GPU, "gpu.clock.sm", {"host": "gpu-1", "gpu": "3"}, (8e8, 1.6e9)),
    "host_memory": ({"host": "gpu-2"}, "host.memory.utilization", {"host": "gpu-2"}, (0.85, 1.0)),
    "disk_fills": ({"mount": "/"}, "host.disk.utilization", {"mount": "/"}, (0.9, 1.0)),
    "autoscaler_stuck": ({}, "model.queue.depth", {"replica": "chat-0"}, (8, 45)),
    "no_room": ({"more": 3}, "workload.replicas.unavailable", {"workload": "chat"}, (3, 3)),
    "image_pull": ({"workload": "gateway", "waits": 2}, "workload.replicas.unavailable", {"workload": "gateway"},
                   (2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_shows_and_heals(name: str, site: Site, readers: dict[str, PageReader]) -> None:
    described, fault = manifest(name), import_module(f"console.lab.faults.{name}")
    assert described.is_simulated and "simulated" in described.title
    before = look(site, readers)
    fixed, signal, labels, (low, high) = SHOWN.get(name, (GPU, "gpu.power", {}, (0, 1e9)))
    parameters = described.draw(np.random.default_rng(1)) | fixed
    assert not any("{" in text for text in expected(described.expect, parameters).values())
    fault.inject(site, parameters)
    for _ in range(28):  # 7 minutes
        site.tick()
    during = look(site, readers)
    assert any(low <= value <= high for value in of(during, signal, **labels))
    assert not any(low <= value <= high for value in of(before, signal, **labels)) or name == "gpu_off_bus"
    fault.heal(site)
    site.tick()
    after = look(site, readers)
    assert before.keys() <= after.keys() | {key for key in before if key.kind is not Kind.GAUGE}
    for key, reading in after.items():
        if key.kind is Kind.GAUGE and key.signal != "gpu.xid":
            assert reading.value == pytest.approx(before[key].value, rel=0.6, abs=1.0), key


def test_a_gpu_off_the_bus_is_on_no_page_and_its_replica_neither(site: Site, readers: dict[str, PageReader]) -> None:
    before = look(site, readers)
    import_module("console.lab.faults.gpu_off_bus").inject(site, {"host": "gpu-2", "gpu": 0, "notices": 10.0})
    for _ in range(4):
        site.tick()
    gone = before.keys() - look(site, readers).keys()
    assert {key.signal.partition(".")[0] for key in gone} == {"gpu", "model"}
    assert {key.labels.value("gpu") for key in gone if key.signal.startswith("gpu.")} == {"0"}
    assert {key.labels.value("replica") for key in gone if key.signal.startswith("model.")} == {"chat-4"}
    assert of(look(site, readers), "host.gpus.allocatable", host="gpu-2") == [7.0]
    [event] = EventFile("changes", site.changes.path).events(Span(START, START + 600), ("xid",))
    assert event.target == "gpu-2/0" and "XID 79" in event.title


def test_replicas_run_on_two_gpus_each() -> None:
    assert [replica_of("gpu-1", 0), replica_of("gpu-1", 7), replica_of("gpu-2", 1)] == ["chat-0", "chat-3", "chat-4"]
    courses = [one.course for one in planned(0)]
    assert len(chosen(courses, "gpu.power", {"pod": "chat-4"})) == 2
    assert len(chosen(courses, "model.", {"replica": "chat-4"})) == 15


def test_the_exporters_answer_over_http(tmp_path: Path) -> None:
    with Site(tmp_path / "line", 3, START) as site:
        site.tick()
        for source in site.exporters:
            with urlopen(f"{site.url}/{source}/metrics", timeout=10) as answer:
                assert answer.headers["Content-Type"].startswith("text/plain")
                assert answer.read() == (site.folder / "pages" / f"{source}.prom").read_bytes()
            assert f"{site.url}/{source}/metrics" in site.config()
        for path in ("/nobody/metrics", "/../clock/metrics", "/dcgm"):
            with pytest.raises(HTTPError, match="404"):
                urlopen(f"{site.url}{path}", timeout=10)

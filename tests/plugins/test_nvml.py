"""The GPUs of this machine, through the real bindings and a real library that stands in for the driver's."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pynvml
import pytest
from fakenvml import LIBRARY, build, compiler, play

from console.errors import SourceDenied, SourceError
from console.library import library_dir
from console.model import Event, Reading, Span
from console.plugins import load_file
from console.signals.catalogue import catalogue
from console.sources.calls import Opening
from console.sources.child import open_child
from console.sources.types import Checkable, Collectable, EventReader, GpuReader

pytestmark = pytest.mark.skipif(
    compiler() is None, reason="no C compiler (or not Linux) to build the stand-in for NVML with"
)

PLUGIN = library_dir("plugins") / "nvml.py"
GIB = 1024.0**3
ALWAYS = Span(0, 4e9)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a library that plays eight healthy GPUs, loaded as NVML."""
    folder = build(tmp_path / "lib")
    monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(folder / LIBRARY)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    return folder


def open_nvml(**changes: Any) -> Any:
    load_file(PLUGIN)
    from andon_plugins._nvml_source import Nvml

    return Nvml("gpus", **changes)


def values(readings: Sequence[Reading], gpu: int, *, mig: str | None = None) -> dict[str, float]:
    """What one GPU told, by signal and by the label that tells its series apart."""
    found = {}
    for reading in readings:
        labels = reading.series.labels
        if labels.value("gpu") == str(gpu) and labels.value("mig") == mig:
            apart = labels.value("kind") or labels.value("cause")
            found[f"{reading.series.signal}:{apart}" if apart else reading.series.signal] = reading.value
    return found


def calls(log: Path) -> list[str]:
    """The calls since the last time."""
    found = log.read_text().splitlines()
    log.write_text("")
    return found


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_reading_is_a_signal_of_the_catalogue_with_its_kind(library: Path) -> None:
    play(library, fault=1, mig=2)
    readings = open_nvml().collect(7.0)
    for reading in readings:
        assert catalogue()[reading.series.signal].kind == reading.series.kind, reading
        assert isinstance(reading.value, float)
        assert reading.time == 7.0
    keys = [reading.series for reading in readings]
    assert len(keys) == len(set(keys))
    assert {reading.series.labels.value("gpu") for reading in readings} == {str(gpu) for gpu in range(8)}


def test_series_are_labelled_as_the_exporter_labels_them(library: Path) -> None:
    labels = dict(open_nvml().collect(7.0)[0].series.labels)
    assert labels.pop("host")
    assert labels == {"gpu": "0", "uuid": "GPU-5a1e0000-0000-4000-8000-000000000000", "device_model": "NVIDIA H200"}


def test_values_come_in_the_units_of_the_catalogue(library: Path) -> None:
    found = values(open_nvml().collect(7.0), 4)
    assert found["gpu.up"] == 1
    assert 0 < found["gpu.utilization"] <= 1
    assert found["gpu.memory.total"] == 141 * GIB
    parts = found["gpu.memory.used"] + found["gpu.memory.free"] + found["gpu.memory.reserved"]
    assert parts == found["gpu.memory.total"]
    assert found["gpu.memory.utilization"] == found["gpu.memory.used"] / found["gpu.memory.total"]
    assert found["gpu.power.limit"] == 700
    assert 100 < found["gpu.power"] < 700
    assert 1.4e9 < found["gpu.clock.sm"] < 2e9
    assert 0.3 <= found["gpu.fan.speed"] <= 0.81
    energy = pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByIndex(4)) / 1000
    assert found["gpu.energy"] == pytest.approx(energy, rel=1e-4)
    assert found["gpu.nvlink.up"] == found["gpu.nvlink.links"] == 18
    assert found["gpu.pcie.link.width"] == found["gpu.pcie.link.width.max"] == 16
    assert found["gpu.ecc.errors:uncorrected"] == 0
    assert (found["gpu.fabric.state"], found["gpu.fabric.health"]) == (3, 1)
    assert "gpu.xid" not in found


def test_values_move_every_second(library: Path) -> None:
    nvml = open_nvml()
    before = values(nvml.collect(7.0), 0)
    time.sleep(1.02 - time.time() % 1)
    after = values(nvml.collect(8.0), 0)
    for signal in ("gpu.utilization", "gpu.memory.used", "gpu.power", "gpu.temperature", "gpu.clock.sm", "gpu.energy"):
        assert before[signal] != after[signal], signal


def test_a_broken_gpu_is_told_and_the_others_are_well(library: Path) -> None:
    play(library, fault=3)
    readings = open_nvml().collect(7.0)
    bad, good = values(readings, 3), values(readings, 2)
    told = {
        "gpu.ecc.errors:uncorrected": bad["gpu.ecc.errors:uncorrected"], "gpu.rows.pending": 1,
        "gpu.rows.remapped:uncorrected": 1, "gpu.throttle.reasons": 0x48, "gpu.pcie.link.width": 8,
        "gpu.nvlink.up": 17, "gpu.recovery.action": 1, "gpu.xid": 79, "gpu.up": 1,
        "gpu.nvlink.errors:crc": bad["gpu.nvlink.errors:crc"], "gpu.fabric.state": 3, "gpu.fabric.health": 2,
    }  # fmt: skip
    assert {signal: bad[signal] for signal in told} == told
    assert bad["gpu.ecc.errors:uncorrected"] > 0 == good["gpu.ecc.errors:uncorrected"]
    assert bad["gpu.nvlink.errors:crc"] > 0 == good["gpu.nvlink.errors:crc"]
    assert good["gpu.rows.pending"] == good["gpu.recovery.action"] == 0
    assert good["gpu.pcie.link.width"] == 16


def test_what_is_not_supported_is_left_out_and_never_nought(library: Path) -> None:
    play(library, unsupported="FanSpeed,UtilizationRates,82,142,163,230")
    found = values(open_nvml().collect(7.0), 0)
    gone = {"gpu.fan.speed", "gpu.utilization", "gpu.memory.temperature", "gpu.rows.remapped:corrected",
            "gpu.nvlink.errors:crc", "gpu.recovery.action"}  # fmt: skip
    assert not gone & set(found)
    assert {"gpu.power", "gpu.temperature", "gpu.rows.remapped:uncorrected", "gpu.nvlink.errors:replay"} <= set(found)


def test_the_huge_numbers_that_mean_nothing_are_left_out(library: Path) -> None:
    play(library, blank="82,143")
    found = values(open_nvml().collect(7.0), 0)
    assert not {"gpu.memory.temperature", "gpu.rows.remapped:uncorrected"} & set(found)


@pytest.mark.parametrize("lacking", ["185", "185,186", "83", "94", "3,4", "TemperatureV", "165"])
def test_another_way_is_tried_where_a_driver_lacks_the_first(library: Path, lacking: str) -> None:
    nvml = open_nvml()
    whole = set(values(nvml.collect(7.0), 0))
    play(library, unsupported=lacking)
    assert set(values(open_nvml().collect(7.0), 0)) == whole


def test_an_old_driver_tells_what_it_can(library: Path) -> None:
    play(library, old_driver=1, fault=0, pids=[os.getpid()])
    found = values(open_nvml().collect(7.0), 0)
    assert "gpu.memory.reserved" not in found
    assert found["gpu.memory.total"] == 141 * GIB
    assert found["gpu.processes"] == 1
    assert found["gpu.throttle.reasons"] == 0x48
    assert found["gpu.nvlink.up"] == 17
    assert {"gpu.temperature", "gpu.power", "gpu.power.limit"} <= set(found)
    assert "gpu.recovery.action" not in found


def test_few_calls_are_made_and_none_in_vain_twice(library: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    play(library, count=log, unsupported="FanSpeed,EncoderUtilization,FieldValues", pids=[os.getpid()])
    nvml = open_nvml()
    nvml.collect(7.0)
    assert {"FanSpeed 3", "EncoderUtilization 3", "FieldValues 3"} <= set(calls(log))
    nvml.collect(8.0)
    assert not {"FanSpeed 3", "EncoderUtilization 3", "FieldValues 3"} & set(calls(log))


def test_the_fields_of_a_gpu_take_one_call(library: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    play(library, count=log)
    nvml = open_nvml()
    nvml.collect(7.0)
    calls(log)
    nvml.collect(8.0)
    made = calls(log)
    assert made.count("FieldValues 3") == 1
    assert len([call for call in made if call.endswith(" 3")]) <= 18


def test_what_was_not_supported_is_asked_for_again_after_a_while(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(library, unsupported="FanSpeed,82", mig=0)
    nvml = open_nvml()
    first = nvml.collect(7.0)
    play(library)
    assert "gpu.fan.speed" not in values(nvml.collect(8.0), 0)
    monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + 601)
    later = nvml.collect(9.0)
    assert {"gpu.fan.speed", "gpu.memory.temperature"} <= set(values(later, 0))
    assert values(first, 0, mig="1")
    assert not values(later, 0, mig="1")


# ── GPUs that do not answer ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_gpu_is_down_and_the_others_are_whole(library: Path) -> None:
    nvml = open_nvml()
    whole = nvml.collect(7.0)
    play(library, lost=5)
    readings = nvml.collect(8.0)
    assert values(readings, 5) == {"gpu.up": 0}
    assert set(values(readings, 4)) == set(values(whole, 4))
    [down] = [reading for reading in readings if reading.series.labels.value("gpu") == "5"]
    assert down.series in [reading.series for reading in whole]
    play(library)
    assert set(values(nvml.collect(9.0), 5)) == set(values(whole, 5))


def test_a_gpu_that_was_lost_before_is_known_by_its_number(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(library, lost=5)
    nvml = open_nvml()
    assert values(nvml.collect(7.0), 5) == {"gpu.up": 0}
    assert nvml.check().reason.startswith("8 GPUs, NVIDIA H200")
    assert "GPU 5 does not answer: GPU is lost" in nvml.check().reason
    [gpu] = nvml.gpus("5")
    assert dict(gpu.facts) == {"state": "does not answer: GPU is lost"}
    play(library)
    monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + 301)  # NVML is started anew
    assert values(nvml.collect(8.0), 5)["gpu.memory.total"] == 141 * GIB


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"init": 9}, SourceError, "the NVIDIA driver is not loaded"),
        ({"init": 4}, SourceDenied, "does not let us in"),
        ({"init": 18}, SourceError, "different versions"),
        ({"init": 999}, SourceError, "NVML does not start: Unknown Error"),
        ({"gpus": 0}, SourceError, "sees no GPU"),
    ],
)
def test_a_driver_that_does_not_serve_is_said_in_words(
    library: Path, settings: dict[str, int], kind: type[SourceError], words: str
) -> None:
    play(library, **settings)
    nvml = open_nvml()
    for ask in (nvml.check, lambda: nvml.collect(7.0), lambda: nvml.gpus(None), lambda: nvml.events(ALWAYS, ())):
        with pytest.raises(kind, match=words) as told:
            ask()
        assert told.value.hint
    play(library)
    assert nvml.check().state == "ok"


def test_without_the_library_it_says_where_else_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise OSError

    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "CDLL", missing)
    with pytest.raises(SourceError, match=r"libnvidia-ml\.so\.1 is not on this machine") as told:
        open_nvml().check()
    assert "--source gpus=http://NODE:9400/metrics" in told.value.hint


# ── MIG ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_instances_of_a_divided_gpu_stand_beside_it(library: Path) -> None:
    play(library, mig=7)
    readings = open_nvml().collect(7.0)
    [instance] = [
        reading
        for reading in readings
        if reading.series.signal == "gpu.memory.total" and reading.series.labels.value("mig") == "2"
    ]
    assert instance.value == 71 * GIB
    assert instance.series.labels.value("mig_profile") == "3g.71gb"
    assert instance.series.labels.value("gpu") == "7"
    assert values(readings, 7)["gpu.memory.total"] == 141 * GIB
    assert "gpu.utilization" not in values(readings, 7)
    assert not values(readings, 6, mig="1")


# ── XID errors ───────────────────────────────────────────────────────────────────────────────────────────────────────


def record(line: str, *, seconds: float = 60.0) -> str:
    return f"4,1234,{seconds * 1e6:.0f},-;{line}\n"


def booted() -> float:
    return next(float(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if "btime" in line)


def test_an_xid_of_nvml_is_an_event_with_advice(library: Path) -> None:
    play(library, fault=3)
    nvml = open_nvml()
    began = time.time()
    [event] = nvml.events(ALWAYS, ())
    assert event.kind == "xid"
    assert event.title == "XID 79 on GPU 3: fell off the bus"
    assert event.target.endswith("/3")
    assert event.detail.startswith("drain the node and restart it")
    assert event.source == "gpus"
    assert began <= event.time <= time.time()
    nvml.collect(7.0)
    assert nvml.events(ALWAYS, ["xid", "deploy"]) == [event]
    assert nvml.events(ALWAYS, ["deploy"]) == ()
    assert nvml.events(Span(0, began), ()) == []


def test_the_kernel_log_tells_of_before_and_in_the_drivers_words(library: Path, tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    log.write_text(
        record("usb 1-1: new device")
        + record("NVRM: Xid (PCI:0000:2b:00): 31, pid=77, name=python, Ch 8, \x1b[2JMMU Fault")
        + " SUBSYSTEM=pci\n"
        + record("NVRM: Xid (PCI:0000:ff:00): 888, odd", seconds=90)
    )
    nvml = open_nvml(kernel_log=log)
    assert values(nvml.collect(7.0), 1)["gpu.xid"] == 31
    known, stranger = nvml.events(ALWAYS, ())
    assert known.title == "XID 31 on GPU 1: memory page fault"
    assert known.time == booted() + 60
    assert known.detail.endswith("The driver: pid=77, name=python, Ch 8, MMU Fault")
    assert stranger.title == "XID 888 on the GPU at 0000:ff:00: not in andon's table"
    again = open_nvml(kernel_log=log).events(ALWAYS, ())
    assert [event.id for event in again] == [known.id, stranger.id]
    with log.open("a") as file:
        file.write(record("NVRM: Xid (PCI:0000:2b:00): 43, stopped", seconds=99)[:-1])
    assert len(nvml.events(ALWAYS, ())) == 2  # the line is not whole yet
    with log.open("a") as file:
        file.write("\n")
    assert [event.title[:6] for event in nvml.events(ALWAYS, ())] == ["XID 31", "XID 88", "XID 43"]


def test_an_error_told_both_ways_is_one_event_and_two_errors_are_two(library: Path, tmp_path: Path) -> None:
    def at(seconds: float) -> float:
        return time.time() - booted() + seconds

    log = tmp_path / "kmsg"
    log.write_text(record("NVRM: Xid (PCI:0000:3b:00): 31, before andon", seconds=at(-3600)))
    nvml = open_nvml(kernel_log=log)
    assert len(nvml.events(ALWAYS, ())) == 1
    play(library, xids="2:31")
    with log.open("a") as file:
        file.write(record("NVRM: Xid (PCI:0000:3b:00): 31, now", seconds=at(0)))
    assert len(nvml.events(ALWAYS, ())) == 2
    play(library, xids="2:31,2:79")
    assert len(nvml.events(ALWAYS, ())) == 3
    with log.open("a") as file:
        file.write(record("NVRM: Xid (PCI:0000:3b:00): 79, late", seconds=at(0)))
    events: list[Event] = nvml.events(ALWAYS, ())
    assert [event.title[:6] for event in events] == ["XID 31", "XID 31", "XID 79"]
    assert events[-1].detail.endswith("late")


def test_errors_without_end_fill_no_memory(library: Path, tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    lines = (record(f"NVRM: Xid (PCI:0000:2b:00): {13 + n % 2}, x", seconds=n * 2.0) for n in range(2000))
    storm = (record("NVRM: Xid (PCI:0000:2b:00): 62, storm", seconds=5000 + n / 10) for n in range(1000))
    log.write_text("".join(lines) + "".join(storm))
    nvml = open_nvml(kernel_log=log)
    events = nvml.events(ALWAYS, ())
    assert len(events) == 512
    assert [event.title[:6] for event in events].count("XID 62") == 1


def test_a_kernel_log_that_may_not_be_read_is_told(library: Path, tmp_path: Path) -> None:
    assert "kernel log" in open_nvml(kernel_log=tmp_path / "none").check().reason
    assert "kernel log" not in open_nvml().check().reason


# ── what runs on a GPU ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_gpu_tells_its_facts_in_words(library: Path) -> None:
    play(library, fault=3)
    [gpu] = open_nvml().gpus("3")
    facts = dict(gpu.facts)
    assert (gpu.gpu, gpu.name) == ("3", "NVIDIA H200")
    assert facts["driver"] == "580.95.05"
    assert facts["cuda"] == "13.0"
    assert facts["pci"] == "00000000:4B:00.0"
    assert facts["mig"] == "off"
    assert facts["ecc"] == facts["persistence"] == "on"
    assert facts["performance state"] == "P0"
    assert facts["clocks held down by"] == "hardware slowdown, hardware thermal slowdown"
    assert facts["recovery action"] == "reset the GPU"
    assert facts["pcie"] == "generation 5, 8 lanes"
    assert facts["pcie max"] == "generation 5, 16 lanes"
    down = gpu.links[5]
    assert (down.link, down.up) == (5, False)
    assert down.errors["crc"] > 0 == down.errors["replay"]
    assert all(link.up for link in gpu.links if link.link != 5)


def test_its_processes_are_shown_with_what_is_known_of_them(library: Path) -> None:
    play(library, gpus=1, pids=[os.getpid(), 2**22 + 1])
    [gpu] = open_nvml().gpus(None)
    mine = next(process for process in gpu.processes if process.pid == os.getpid())
    gone = next(process for process in gpu.processes if process.pid != os.getpid())
    assert mine.command
    assert mine.user
    assert mine.kind == "compute"
    assert (mine.memory or 0) > 3 * GIB
    assert 0 < (mine.utilization or 0) <= 1
    assert (gone.user, gone.command, gone.container, gone.pod) == ("", "", "", "")
    assert gone.memory


# ── the offer, and the child it runs in ──────────────────────────────────────────────────────────────────────────────


def test_a_command_line_names_it_and_a_machine_that_has_the_library_offers_it(
    library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = load_file(PLUGIN)
    [offer] = module.andon_sources()
    assert offer.isolated
    assert offer.from_url("nvml") == offer.from_url("nvml://") == {}
    assert offer.from_url("http://node:9400/metrics") is None
    monkeypatch.setattr(module, "LOADER_CACHE", tmp_path / "none")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere:{library}")
    assert module.library_is_here()
    monkeypatch.delenv("LD_LIBRARY_PATH")
    assert not module.library_is_here()


async def test_a_call_that_hangs_ends_with_its_child_and_the_next_one_works(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library))
    opening = Opening("gpus", "nvml", "andon_plugins.nvml", str(PLUGIN), {"kernel_log": None})
    child = await open_child(opening, seconds=5.0, rest_seconds=0.02)
    try:
        assert isinstance(child, Collectable)
        assert isinstance(child, EventReader)
        assert isinstance(child, GpuReader)
        assert isinstance(child, Checkable)
        assert len(await child.gpus(None)) == 8
        play(library, hang=1, fault=3)
        child.worker._seconds = 0.3
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"did not answer within 0\.3 s"):
            await child.collect(7.0)
        assert time.monotonic() - began < 3
        play(library, fault=3)
        child.worker._seconds = 5.0
        await rested(child.worker)
        assert values(await child.collect(8.0), 3)["gpu.xid"] == 79
        [event] = await child.events(ALWAYS, ())
        assert event.title == "XID 79 on GPU 3: fell off the bus"
        [gpu] = await child.gpus("3")
        assert gpu.links[5].up is False
    finally:
        await child.close()


async def rested(worker: Any) -> None:
    """Wait out the rest after a failure."""
    await asyncio.sleep(max(0.0, worker._rests_until - time.monotonic()))


def test_the_stand_in_hangs_while_a_file_is_there(library: Path, tmp_path: Path) -> None:
    switch = tmp_path / "hang"
    play(library, hang_file=switch, hang_seconds=0.1)
    switch.touch()
    began = time.monotonic()
    pynvml.nvmlDeviceGetCount()
    assert time.monotonic() - began >= 0.1

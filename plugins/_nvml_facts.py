"""What a GPU is and what runs on it, for a screen that looks at one: asked for when somebody does, not every second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pynvml as nvml
from andon_plugins._nvml_device import Device, Running
from andon_plugins._nvml_library import Gone
from andon_plugins._nvml_processes import owner
from andon_plugins._nvml_quantities import LINK_ERRORS, LINK_STATE

from console.model import Gpu, GpuLink, GpuProcess, Labels
from console.report.clean import clean

MOST_PROCESSES = 256
LOOK_BACK_SECONDS = 10.0  # over which a process's share of the GPU is told

ON_OFF = {0: "off", 1: "on"}
COMPUTE_MODES = {0: "default", 2: "prohibited", 3: "exclusive process"}
RECOVERY = {
    0: "none", 1: "reset the GPU", 2: "reboot the node", 3: "drain peer-to-peer work", 4: "drain, then reset the GPU",
    5: "recover the IMEX domain", 6: "reset the bus", 7: "reboot the system",
}  # fmt: skip
RECOVERY_FIELD = 230
REASONS = {
    0x1: "idle", 0x2: "application clocks", 0x4: "software power cap", 0x8: "hardware slowdown", 0x10: "sync boost",
    0x20: "software thermal slowdown", 0x40: "hardware thermal slowdown", 0x80: "hardware power brake",
    0x100: "display clocks",
}  # fmt: skip

T = TypeVar("T")


def look(device: Device, proc: Path) -> Gpu:
    """The GPU as it is now; one that does not answer has that as its only fact."""
    try:
        device.identify()
        facts = dict(_facts(device))
        processes, links = tuple(_processes(device, proc)), tuple(_links(device))
    except Gone as gone:
        facts, processes, links = {"state": f"does not answer: {gone}"}, (), ()
    shown = {name: clean(text, limit=120) for name, text in facts.items()}
    return Gpu(str(device.index), device.host, device.uuid, device.name, Labels.of(shown), processes, links)


def _facts(device: Device) -> Iterator[tuple[str, str]]:
    ask = device.nvml.ask

    def told(name: str, call: Callable[[Any], T], words: Callable[[T], str]) -> Iterator[tuple[str, str]]:
        if (answer := ask(call)) is not None and (text := words(answer)):
            yield name, text

    yield from told("driver", _driver, str)
    yield from told("cuda", _cuda, lambda version: f"{version // 1000}.{version % 1000 // 10}")
    yield from told("pci", nvml.nvmlDeviceGetPciInfo, lambda place: nvml_text(place.busId))
    yield from told("serial", nvml.nvmlDeviceGetSerial, str)
    yield from told("mig", nvml.nvmlDeviceGetMigMode, lambda modes: _mode(*modes))
    yield from told("persistence", nvml.nvmlDeviceGetPersistenceMode, lambda mode: ON_OFF.get(mode, ""))
    yield from told("compute mode", nvml.nvmlDeviceGetComputeMode, lambda mode: COMPUTE_MODES.get(mode, str(mode)))
    yield from told("ecc", nvml.nvmlDeviceGetEccMode, lambda modes: _mode(*modes))
    yield from told("performance state", nvml.nvmlDeviceGetPerformanceState, lambda state: f"P{state}")
    reasons = device.nvml.first(
        nvml.nvmlDeviceGetCurrentClocksEventReasons, nvml.nvmlDeviceGetCurrentClocksThrottleReasons
    )
    if reasons is not None:
        yield "clocks held down by", in_words(reasons)
    action = device.nvml.fields([(RECOVERY_FIELD, 0)]).get((RECOVERY_FIELD, 0))
    if action is not None:
        yield "recovery action", RECOVERY.get(int(action), f"{action:.0f}")
    yield from _pcie("pcie", ask(nvml.nvmlDeviceGetCurrPcieLinkGeneration), ask(nvml.nvmlDeviceGetCurrPcieLinkWidth))
    yield from _pcie("pcie max", ask(nvml.nvmlDeviceGetMaxPcieLinkGeneration), ask(nvml.nvmlDeviceGetMaxPcieLinkWidth))


def in_words(reasons: int) -> str:
    """The bits of the throttle reasons.

    >>> in_words(0x48)
    'hardware slowdown, hardware thermal slowdown'
    """
    return ", ".join(words for bit, words in REASONS.items() if reasons & bit) or "nothing"


def nvml_text(text: bytes | str) -> str:
    """A text of one of NVML's structures."""
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def _mode(now: int, pending: int) -> str:
    after = "" if now == pending else f", {ON_OFF.get(pending, '?')} after a reset"
    return ON_OFF.get(now, str(now)) + after


def _pcie(name: str, generation: int | None, lanes: int | None) -> Iterator[tuple[str, str]]:
    if generation is not None and lanes is not None:
        yield name, f"generation {generation}, {lanes} lanes"


def _processes(device: Device, proc: Path) -> Iterator[GpuProcess]:
    shares = _shares(device)
    found = device.running() or [Running(pid, None, "compute") for pid in shares]
    found.sort(key=lambda process: (-(process.memory or 0), process.pid))
    for process in found[:MOST_PROCESSES]:
        who = owner(process.pid, proc)
        yield GpuProcess(
            process.pid, who.user, who.command, who.container, who.pod, process.memory,
            shares.get(process.pid), "graphics" if process.kind == "graphics" else "compute",
        )  # fmt: skip


def _shares(device: Device) -> dict[int, float]:
    """The share of the GPU's time that each process had last."""
    samples = device.nvml.ask(_samples) or ()
    newest = {sample.pid: sample.smUtil for sample in sorted(samples, key=lambda sample: sample.timeStamp)}
    return {pid: share / 100 for pid, share in newest.items() if share <= 100}


def _samples(handle: Any) -> Any:
    return nvml.nvmlDeviceGetProcessUtilization(handle, int((time.time() - LOOK_BACK_SECONDS) * 1e6))


def _driver(_handle: Any) -> Any:
    return nvml.nvmlSystemGetDriverVersion()


def _cuda(_handle: Any) -> Any:
    return nvml.nvmlSystemGetCudaDriverVersion()


def _links(device: Device) -> Iterator[GpuLink]:
    fields = [LINK_STATE, *(field for fields in LINK_ERRORS.values() for field in fields)]
    values = device.nvml.fields((field, link) for field in fields for link in device.links)
    for link in device.links:
        state = values.get((LINK_STATE, link))
        counts = {kind: [values.get((field, link)) for field in fields] for kind, fields in LINK_ERRORS.items()}
        told = {kind: next((c for c in each if c is not None), None) for kind, each in counts.items()}
        errors = {kind: count for kind, count in told.items() if count is not None}
        yield GpuLink(link, None if state is None else bool(state), errors)

"""What is read of a GPU every time: each signal, and the ways in which newer and older drivers tell it.

Field ids are those of nvml.h. A way is a field, a field of every NVLink added up, or a call; the first that answers
is used. What no way tells is left out, never 0.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pynvml as nvml

from console.model import Kind

PERCENT = 0.01
MHZ = 1e6
MILLI = 1e-3
NANO = 1e-9
MOST_LINKS = 36
LINK_COUNT = 91  # the field that says how many NVLinks there are
FABRIC_FAILED = 4
LINK_STATE = 165  # 0: the link is down
LINK_ERRORS = {  # kind -> the fields that count it, each per link
    "crc": (163,),
    "replay": (161,),
    "recovery": (162, 215),  # 206 and above: NVLink 5
    "receive": (208,),
    "effective": (219,),
}


@dataclass(frozen=True, slots=True)
class Links:
    """The sum of one field over all NVLinks, each 0 or 1 where they are states."""

    field: int
    is_state: bool = False


Way = int | Links | Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One series of a GPU."""

    signal: str
    kind: Kind
    ways: tuple[Way, ...]
    scale: float
    labels: tuple[tuple[str, str], ...]


def gauge(signal: str, *ways: Way, scale: float = 1.0, **labels: str) -> Quantity:
    """A signal that is what it is now."""
    return Quantity(signal, Kind.GAUGE, ways, scale, tuple(labels.items()))


def counter(signal: str, *ways: Way, scale: float = 1.0, **labels: str) -> Quantity:
    """A signal that only grows."""
    return Quantity(signal, Kind.COUNTER, ways, scale, tuple(labels.items()))


def _links_up(handle: Any) -> int:
    up = 0
    for link in range(MOST_LINKS):
        try:
            up += nvml.nvmlDeviceGetNvLinkState(handle, link)
        except nvml.NVMLError:
            if not link:  # it has none at all
                raise
            break
    return up


def _fabric(handle: Any) -> Any:
    """What joins the GPUs of several boards or nodes; a GPU that knows no fabric tells nothing."""
    info = nvml.c_nvmlGpuFabricInfo_v3_t()
    nvml.nvmlDeviceGetGpuFabricInfoV(handle, ctypes.byref(info))
    return None if info.state == nvml.NVML_GPU_FABRIC_STATE_NOT_SUPPORTED else info


def _fabric_state(handle: Any) -> int | None:
    """1 not started, 2 in progress, 3 completed; 4 where it completed without success."""
    info = _fabric(handle)
    if info is None:
        return None
    failed = info.state == nvml.NVML_GPU_FABRIC_STATE_COMPLETED and info.status != nvml.NVML_SUCCESS
    return FABRIC_FAILED if failed else int(info.state)


def _fabric_health(handle: Any) -> int | None:
    """1 healthy, 2 unhealthy, 3 limited."""
    info = _fabric(handle)
    return int(info.healthSummary) or None if info is not None else None


QUANTITIES = (
    gauge("gpu.utilization", lambda handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu, scale=PERCENT),
    gauge("gpu.encoder.utilization", lambda handle: nvml.nvmlDeviceGetEncoderUtilization(handle)[0], scale=PERCENT),
    gauge("gpu.decoder.utilization", lambda handle: nvml.nvmlDeviceGetDecoderUtilization(handle)[0], scale=PERCENT),
    gauge(
        "gpu.temperature",
        lambda handle: nvml.nvmlDeviceGetTemperatureV(handle, nvml.NVML_TEMPERATURE_GPU),
        lambda handle: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
    ),
    gauge("gpu.memory.temperature", 82),
    gauge("gpu.fan.speed", nvml.nvmlDeviceGetFanSpeed, scale=PERCENT),
    gauge("gpu.power", 185, 186, nvml.nvmlDeviceGetPowerUsage, scale=MILLI),
    gauge("gpu.power.limit", 190, nvml.nvmlDeviceGetEnforcedPowerLimit, scale=MILLI),
    counter("gpu.energy", 83, nvml.nvmlDeviceGetTotalEnergyConsumption, scale=MILLI),
    gauge("gpu.clock.sm", lambda handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM), scale=MHZ),
    gauge("gpu.clock.memory", lambda handle: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM), scale=MHZ),
    gauge(
        "gpu.throttle.reasons",
        nvml.nvmlDeviceGetCurrentClocksEventReasons,
        nvml.nvmlDeviceGetCurrentClocksThrottleReasons,
    ),
    counter("gpu.throttle.time", 74, scale=NANO, cause="power"),
    counter("gpu.throttle.time", 75, scale=NANO, cause="thermal"),
    counter("gpu.throttle.time", 76, scale=NANO, cause="sync_boost"),
    counter("gpu.throttle.time", 77, scale=NANO, cause="board_limit"),
    counter("gpu.throttle.time", 78, scale=NANO, cause="low_utilization"),
    counter("gpu.throttle.time", 79, scale=NANO, cause="reliability"),
    gauge("gpu.recovery.action", 230),
    counter("gpu.ecc.errors", 3, lambda handle: nvml.nvmlDeviceGetTotalEccErrors(handle, 0, 0), kind="corrected"),
    counter("gpu.ecc.errors", 4, lambda handle: nvml.nvmlDeviceGetTotalEccErrors(handle, 1, 0), kind="uncorrected"),
    counter("gpu.rows.remapped", 142, kind="corrected"),
    counter("gpu.rows.remapped", 143, kind="uncorrected"),
    gauge("gpu.rows.pending", 144),
    gauge("gpu.rows.failed", 145),
    counter("gpu.pcie.replays", 94, nvml.nvmlDeviceGetPcieReplayCounter),
    gauge("gpu.pcie.link.generation", nvml.nvmlDeviceGetCurrPcieLinkGeneration),
    gauge("gpu.pcie.link.generation.max", nvml.nvmlDeviceGetMaxPcieLinkGeneration),
    gauge("gpu.pcie.link.width", nvml.nvmlDeviceGetCurrPcieLinkWidth),
    gauge("gpu.pcie.link.width.max", nvml.nvmlDeviceGetMaxPcieLinkWidth),
    gauge("gpu.nvlink.up", Links(LINK_STATE, is_state=True), _links_up),
    gauge("gpu.nvlink.links", LINK_COUNT),
    gauge("gpu.fabric.state", _fabric_state),
    gauge("gpu.fabric.health", _fabric_health),
    counter("gpu.nvlink.errors", *map(Links, LINK_ERRORS["crc"]), 38, kind="crc"),
    counter("gpu.nvlink.errors", *map(Links, LINK_ERRORS["replay"]), 52, kind="replay"),
    counter("gpu.nvlink.errors", *map(Links, LINK_ERRORS["recovery"]), 59, kind="recovery"),
    counter("gpu.nvlink.errors", *map(Links, LINK_ERRORS["receive"]), kind="receive"),
    counter("gpu.nvlink.errors", *map(Links, LINK_ERRORS["effective"]), kind="effective"),
)

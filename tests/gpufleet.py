"""So many GPUs as their exporter tells of them, as lines of samples: what a Prometheus or a VictoriaMetrics holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

PER_HOST = 8
GAUGES: Mapping[str, float] = {  # what a GPU at work has
    "DCGM_FI_DEV_GPU_UTIL": 92, "DCGM_FI_DEV_FB_USED": 61_000, "DCGM_FI_DEV_FB_FREE": 20_000,
    "DCGM_FI_DEV_GPU_TEMP": 61, "DCGM_FI_DEV_MEMORY_TEMP": 70, "DCGM_FI_DEV_POWER_USAGE": 520,
    "DCGM_FI_DEV_SM_CLOCK": 1980, "DCGM_FI_DEV_XID_ERRORS": 0, "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS": 4,
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": 0,
}  # fmt: skip
COUNTERS = ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")
Odd = Mapping[int, Mapping[str, float]]
"""GPU -> what it has in place of that, by metric"""


def samples(gpus: int, time: float, odd: Odd | None = None) -> Iterator[str]:
    """Twelve samples of each GPU at one instant, in seconds, as `name{labels} value seconds`."""
    told = odd or {}
    for number in range(gpus):
        host, place = divmod(number, PER_HOST)
        labels = (
            f'gpu="{place}",UUID="GPU-{number:08x}",pci_bus_id="00000000:{place:02x}:00.0",device="nvidia{place}",'
            f'modelName="NVIDIA H100 80GB HBM3",Hostname="node-{host:04}",'
            f'instance="10.{host >> 8}.{host & 255}.1:9400",'
            f'job="dcgm",DCGM_FI_DRIVER_VERSION="575.57"'
        )
        own = told.get(number, {})
        wave = 1 + 0.02 * math.sin(number + time / 60)
        for name, value in GAUGES.items():
            shown = own.get(name, round(value * wave) if value > 5 else value)
            yield f"{name}{{{labels}}} {shown:g} {time:.3f}"
        for name in COUNTERS:
            total = own.get(name, 1000 if "REPLAY" in name else 500_000 * (time % 1e7))
            yield f"{name}{{{labels}}} {total:.0f} {time:.3f}"


def in_milliseconds(lines: Iterable[str]) -> Iterator[str]:
    """The same, as VictoriaMetrics takes them."""
    for line in lines:
        head, _space, stamp = line.rpartition(" ")
        yield f"{head} {float(stamp) * 1000:.0f}"

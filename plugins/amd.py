"""AMD's device-metrics-exporter, as of 1.5.3 (docs/configuration/metricslist.md; lower case on the page).

Partitions of a GPU repeat what belongs to the whole: power, temperature, ECC, PCIe and clocks are told by the primary
partition alone, and the others say 0. A prefix such as `amd_` may be configured.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

PERCENT = 0.01
MEGABYTE = 1e6
MICROJOULE = 1e-6
MHZ = 1e6
PRIMARY = {"gpu_partition_id": "0?"}
INT_BLANKS = ((65535.0, 65535.0), (4294967295.0, 4294967295.0), (18446744073709549568.0, 18446744073709551616.0))
VIOLATIONS = {
    "processor_hot_residency": "processor_hot",
    "ppt_residency": "power",
    "socket_thermal_residency": "thermal",
    "vr_thermal_residency": "regulator_thermal",
    "hbm_thermal_residency": "memory_thermal",
}

AMD = Dialect(
    "amd",
    title="AMD device-metrics-exporter",
    detect=("gpu_gfx_activity", "gpu_umc_activity", "gpu_used_vram"),
    labels={
        "gpu_id": "gpu",
        "gpu_uuid": "uuid",
        "hostname": "host",
        "card_model": "device_model",
        "gpu_partition_id": "partition",
    },
    dropped=("clock_index", "serial_number"),
    respelled={"gpu_": ("amd_gpu_",), "pcie_": ("amd_pcie_",)},
    blanks=INT_BLANKS,
    signals={
        "gpu.up": gauge("gpu_health"),
        "gpu.utilization": gauge("gpu_gfx_activity", scale=PERCENT),
        "gpu.memory.active": gauge("gpu_umc_activity", scale=PERCENT),
        "gpu.tensor.active": gauge("gpu_prof_tensor_active_percent", scale=PERCENT),
        "gpu.memory.used": gauge("gpu_used_vram", scale=MEGABYTE),
        "gpu.memory.free": gauge("gpu_free_vram", scale=MEGABYTE),
        "gpu.memory.total": gauge("gpu_total_vram", scale=MEGABYTE),
        "gpu.temperature": gauge("gpu_junction_temperature", "gpu_edge_temperature", where=PRIMARY),
        "gpu.memory.temperature": gauge("gpu_memory_temperature", "gpu_hbm_temperature", where=PRIMARY),
        "gpu.power": gauge("gpu_package_power", "gpu_average_package_power", "gpu_power_usage", where=PRIMARY),
        "gpu.energy": counter("gpu_energy_consumed", scale=MICROJOULE, where=PRIMARY),
        "gpu.clock.sm": gauge("gpu_clock", scale=MHZ, where={"clock_type": "(GPU_CLOCK_TYPE_)?(SYSTEM|system)"}),
        "gpu.clock.memory": gauge("gpu_clock", scale=MHZ, where={"clock_type": "(GPU_CLOCK_TYPE_)?(MEMORY|memory)"}),
        "gpu.throttle.share": tuple(
            gauge(f"gpu_violation_{name}_percentage", scale=PERCENT, labels={"cause": cause}, where=PRIMARY)
            for name, cause in VIOLATIONS.items()
        ),
        "gpu.ecc.errors": (
            counter("gpu_ecc_correct_total", labels={"kind": "corrected"}, where=PRIMARY),
            counter("gpu_ecc_deferred_total", labels={"kind": "deferred"}, where=PRIMARY),
            counter("gpu_ecc_uncorrect_total", labels={"kind": "uncorrected"}, where=PRIMARY),
        ),
        "gpu.pcie.replays": counter("pcie_replay_count", where=PRIMARY),
    },
    opt_in={
        "turn ProfilerMetrics on in the exporter's config": ("gpu.tensor.active",),
        "only MI300 and later have it, and only on bare metal": ("gpu.throttle.share", "gpu.pcie.replays"),
        "the exporter's health service is off, or metrics are chosen by name in its config": ("gpu.up",),
    },
    lacks={
        "gpu.xid": "AMD has no XIDs: its field ids (gpu_afid_errors) are of another catalogue",
        "gpu.power.limit": "the exporter does not say",
    },
    note="Partitions other than the first say 0 for power, temperature and errors, so only the first is read there.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """AMD's exporter's."""
    return [AMD]

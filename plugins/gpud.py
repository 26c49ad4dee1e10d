"""GPUd (components/accelerator/nvidia/*/metrics.go): milliwatts, percents and gauges for what only grows."""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

PERCENT = 0.01
MILLIWATT = 1e-3
MHZ = 1e6
P = "accelerator_nvidia_"

GPUD = Dialect(
    "gpud",
    title="GPUd",
    detect=(f"{P}utilization_gpu_util_percent", f"{P}memory_used_bytes", f"{P}temperature_current_celsius"),
    labels={"gpud_metric_secondary_name": "uuid"},
    dropped=("component", "gpud_component"),
    signals={
        "gpu.utilization": gauge(f"{P}utilization_gpu_util_percent", scale=PERCENT),
        "gpu.memory.active": gauge(f"{P}utilization_memory_util_percent", scale=PERCENT),
        "gpu.memory.used": gauge(f"{P}memory_used_bytes"),
        "gpu.memory.free": gauge(f"{P}memory_free_bytes"),
        "gpu.memory.reserved": gauge(f"{P}memory_reserved_bytes"),
        "gpu.memory.total": gauge(f"{P}memory_total_bytes"),
        "gpu.memory.utilization": gauge(f"{P}memory_used_percent", scale=PERCENT),
        "gpu.temperature": gauge(f"{P}temperature_current_celsius"),
        "gpu.power": gauge(f"{P}power_current_usage_milli_watts", scale=MILLIWATT),
        "gpu.power.limit": gauge(f"{P}power_enforced_limit_milli_watts", scale=MILLIWATT),
        "gpu.clock.sm": gauge(f"{P}clock_speed_graphics_mhz", scale=MHZ),
        "gpu.clock.memory": gauge(f"{P}clock_speed_memory_mhz", scale=MHZ),
        "gpu.xid.errors": counter(f"{P}xid_errors_total"),
        "gpu.ecc.errors": (
            counter(f"{P}ecc_volatile_total_corrected", labels={"kind": "corrected"}),
            counter(f"{P}ecc_volatile_total_uncorrected", labels={"kind": "uncorrected"}),
        ),
        "gpu.rows.remapped": counter(f"{P}remapped_rows_due_to_uncorrectable_errors", labels={"kind": "uncorrected"}),
        "gpu.rows.pending": gauge(f"{P}remapped_rows_remapping_pending"),
        "gpu.rows.failed": gauge(f"{P}remapped_rows_remapping_failed"),
        "gpu.nvlink.errors": (
            counter(f"{P}nvlink_crc_errors", labels={"kind": "crc"}),
            counter(f"{P}nvlink_replay_errors", labels={"kind": "replay"}),
            counter(f"{P}nvlink_recovery_errors", labels={"kind": "recovery"}),
        ),
    },
    opt_in={"GPUd has it from the first XID on": ("gpu.xid.errors",)},
    lacks={"gpu.throttle.time": "GPUd counts events of it, not the time"},
    note="Power in milliwatts, shares in percent; ECC, NVLink and remapped rows are typed gauge but only grow.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """GPUd's."""
    return [GPUD]

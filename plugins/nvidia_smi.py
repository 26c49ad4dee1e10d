"""utkuozdemir's nvidia_gpu_exporter (docs/METRICS.md and its integration tests' pages of driver 610).

It names a metric after each field of nvidia-smi, with the unit made plain. Only its NVML backend counts XID errors and
energy. GPUs are told apart by UUID alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

NVIDIA_SMI = Dialect(
    "nvidia_smi",
    title="nvidia_gpu_exporter",
    detect=("nvidia_smi_gpu_info", "nvidia_smi_utilization_gpu_ratio", "nvidia_smi_last_collect_success"),
    labels={"gpu_instance_id": "mig", "name": "device_model"},
    signals={
        "gpu.utilization": gauge("nvidia_smi_utilization_gpu_ratio"),
        "gpu.memory.active": gauge("nvidia_smi_utilization_memory_ratio"),
        "gpu.encoder.utilization": gauge("nvidia_smi_utilization_encoder_ratio"),
        "gpu.decoder.utilization": gauge("nvidia_smi_utilization_decoder_ratio"),
        "gpu.memory.used": gauge("nvidia_smi_memory_used_bytes"),
        "gpu.memory.free": gauge("nvidia_smi_memory_free_bytes"),
        "gpu.memory.reserved": gauge("nvidia_smi_memory_reserved_bytes"),
        "gpu.memory.total": gauge("nvidia_smi_memory_total_bytes"),
        "gpu.temperature": gauge("nvidia_smi_temperature_gpu"),
        "gpu.memory.temperature": gauge("nvidia_smi_temperature_memory"),
        "gpu.fan.speed": gauge("nvidia_smi_fan_speed_ratio"),
        "gpu.power": gauge("nvidia_smi_power_draw_watts"),
        "gpu.power.limit": gauge("nvidia_smi_enforced_power_limit_watts", "nvidia_smi_power_limit_watts"),
        "gpu.energy": counter("nvidia_smi_energy_joules_total"),
        "gpu.clock.sm": gauge("nvidia_smi_clocks_current_sm_clock_hz"),
        "gpu.clock.memory": gauge("nvidia_smi_clocks_current_memory_clock_hz"),
        "gpu.throttle.reasons": gauge(
            "nvidia_smi_clocks_event_reasons_active", "nvidia_smi_clocks_throttle_reasons_active"
        ),
        "gpu.throttle.time": (
            counter("nvidia_smi_clocks_event_reasons_counters_sw_power_cap_seconds", labels={"cause": "power"}),
            counter(
                "nvidia_smi_clocks_event_reasons_counters_sw_thermal_slowdown_seconds", labels={"cause": "thermal"}
            ),
            counter(
                "nvidia_smi_clocks_event_reasons_counters_hw_thermal_slowdown_seconds", labels={"cause": "hw_thermal"}
            ),
            counter(
                "nvidia_smi_clocks_event_reasons_counters_hw_power_brake_slowdown_seconds",
                labels={"cause": "power_brake"},
            ),
            counter("nvidia_smi_clocks_event_reasons_counters_sync_boost_seconds", labels={"cause": "sync_boost"}),
        ),
        "gpu.xid.errors": counter("nvidia_smi_xid_errors_total"),
        "gpu.recovery.action": gauge("nvidia_smi_gpu_recovery_action"),
        "gpu.fabric.state": gauge("nvidia_smi_fabric_state"),
        "gpu.ecc.errors": (
            counter("nvidia_smi_ecc_errors_corrected_volatile_total", labels={"kind": "corrected"}),
            counter("nvidia_smi_ecc_errors_uncorrected_volatile_total", labels={"kind": "uncorrected"}),
        ),
        "gpu.rows.remapped": (
            counter("nvidia_smi_remapped_rows_correctable", labels={"kind": "corrected"}),
            counter("nvidia_smi_remapped_rows_uncorrectable", labels={"kind": "uncorrected"}),
        ),
        "gpu.rows.pending": gauge("nvidia_smi_remapped_rows_pending"),
        "gpu.rows.failed": gauge("nvidia_smi_remapped_rows_failure"),
        "gpu.pcie.link.generation": gauge("nvidia_smi_pcie_link_gen_gpucurrent", "nvidia_smi_pcie_link_gen_current"),
        "gpu.pcie.link.generation.max": gauge("nvidia_smi_pcie_link_gen_max"),
        "gpu.pcie.link.width": gauge("nvidia_smi_pcie_link_width_current"),
        "gpu.pcie.link.width.max": gauge("nvidia_smi_pcie_link_width_max"),
        "gpu.processes": gauge("nvidia_smi_compute_apps"),
        "gpu.up": gauge("nvidia_smi_gpu_info"),
    },
    opt_in={
        "only the exporter's NVML backend has it": ("gpu.energy", "gpu.xid.errors"),
        "start it with --collect.compute-apps": ("gpu.processes",),
    },
    lacks={
        "gpu.nvlink.errors": "nvidia-smi's query fields do not tell; DCGM does",
        "gpu.pcie.replays": "nvidia-smi's query fields do not tell; DCGM does",
    },
    note="Fields that a GPU lacks are left out, not blank; totals of ECC and throttling are typed gauge but only grow.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """nvidia_gpu_exporter's."""
    return [NVIDIA_SMI]

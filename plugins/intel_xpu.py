"""Intel XPU manager's daemon xpumd 2.x: OpenTelemetry's hw.* metrics as the Prometheus exporter spells them.

A GPU is named by its PCI address. Engines, memories and sensors are told apart by labels, so one of each is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter, gauge

MEMORY = {"hw_sensor_location": "(?i:.*(memory|vram).*)"}

INTEL_XPU = Dialect(
    "intel_xpu",
    title="Intel XPU manager (xpumd)",
    detect=("hw_gpu_info", "hw_gpu_utilization_ratio"),
    labels={"pci_bdf": "gpu", "node": "host", "error_type": "kind", "hw_model": "device_model"},
    dropped=("hw_id", "hw_name", "hw_parent", "otel_scope_name", "otel_scope_version", "otel_scope_schema_url"),
    signals={
        "gpu.utilization": gauge("hw_gpu_utilization_ratio", where={"hw_gpu_task": "all|"}),
        "gpu.engine.active": gauge("hw_gpu_utilization_ratio", where={"hw_gpu_task": "compute-all"}),
        "gpu.memory.used": gauge("hw_memory_usage_bytes", where={"hw_memory_location": "device|"}),
        "gpu.memory.total": gauge("hw_memory_size_bytes", where={"hw_memory_location": "device|"}),
        "gpu.memory.utilization": gauge("hw_memory_utilization_ratio", where={"hw_memory_location": "device|"}),
        "gpu.temperature": gauge("hw_temperature_celsius", where={"statistic": "max|"}, unless=MEMORY),
        "gpu.memory.temperature": gauge(
            "hw_temperature_celsius", where={"statistic": "max|", "hw_sensor_location": MEMORY["hw_sensor_location"]}
        ),
        "gpu.power": gauge("hw_power_watts"),
        "gpu.energy": counter("hw_energy_joules_total"),
        "gpu.clock.sm": gauge("hw_frequency_hertz", where={"hw_frequency_domain": "gpu", "aggregation": "avg|"}),
        "gpu.clock.memory": gauge("hw_frequency_hertz", where={"hw_frequency_domain": "memory", "aggregation": "avg|"}),
        "gpu.ecc.errors": counter("hw_errors_total"),
        "gpu.up": gauge("hw_status", where={"hw_state": "ok"}),
    },
    lacks={
        "gpu.xid": "XIDs are NVIDIA's; hw_errors_total tells Intel's errors by type and category",
        "gpu.throttle.time": "hw_frequency_throttle_status is a state, not a time",
    },
    note="Each engine, memory and sensor has a series: the engine `all`, the device's memory and the maximum are read.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """Intel XPU manager's."""
    return [INTEL_XPU]

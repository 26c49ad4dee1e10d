"""NVIDIA dcgm-exporter, with the field names of DCGM up to 4.5 and those of 4.6, which renamed 246 of them.

What a GPU does not support comes out as a huge number: the blanks of DCGM's int32, fp64 and int64 fields.
`DCGM_FI_DEV_XID_ERRORS` keeps the last code for ever: never the only thing to look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from math import inf

from console.plugins import hookimpl
from console.signals.dialect import Dialect, counter
from console.signals.dialect import gauge as any_gauge

PERCENT = 0.01
MIB = 1024.0 * 1024.0
MHZ = 1e6
MILLIJOULE = 1e-3
NANOSECOND = 1e-9

INT32_BLANKS = (0x7FFFFFF0, 0x7FFFFFFF)
FP64_BLANKS = (140737488355328.0, 140737488355343.0)  # 2^47 and the 15 numbers after it
INT64_BLANKS = (float(0x7FFFFFFFFFFFFFF0), inf)
# Percent, MiB, MHz, W, degrees and codes never come near a million, so that one comparison rules them all out.
gauge = partial(any_gauge, blanks=((1e6, inf),))

DCGM = Dialect(
    "dcgm",
    title="NVIDIA dcgm-exporter",
    detect=(
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_GPU_UTIL_RATIO",
        "DCGM_FI_DEV_GPU_TEMP",
        "DCGM_FI_DEV_GPU_TEMP_CELSIUS",
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_SM_CLOCK",
    ),
    labels={
        "UUID": "uuid",
        "Hostname": "host",
        "hostname": "host",
        "modelName": "device_model",
        "hpc_job": "gpu_job",
        "GPU_I_ID": "mig",
        "GPU_I_PROFILE": "mig_profile",
    },
    blanks=(INT32_BLANKS, FP64_BLANKS, INT64_BLANKS),
    signals={
        "gpu.utilization": gauge("DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_GPU_UTIL_RATIO", scale=PERCENT),
        "gpu.engine.active": gauge("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO"),
        "gpu.tensor.active": gauge("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_PROF_TENSOR_UTIL_RATIO"),
        "gpu.memory.active": gauge("DCGM_FI_PROF_DRAM_ACTIVE", "DCGM_FI_PROF_DRAM_UTIL_RATIO"),
        "gpu.encoder.utilization": gauge("DCGM_FI_DEV_ENC_UTIL", scale=PERCENT),
        "gpu.decoder.utilization": gauge("DCGM_FI_DEV_DEC_UTIL", scale=PERCENT),
        "gpu.memory.used": gauge("DCGM_FI_DEV_FB_USED", scale=MIB),
        "gpu.memory.free": gauge("DCGM_FI_DEV_FB_FREE", scale=MIB),
        "gpu.memory.reserved": gauge("DCGM_FI_DEV_FB_RESERVED", scale=MIB),
        "gpu.memory.total": gauge("DCGM_FI_DEV_FB_TOTAL", scale=MIB),
        "gpu.fan.speed": gauge("DCGM_FI_DEV_FAN_SPEED", scale=PERCENT),
        "gpu.temperature": gauge("DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_GPU_TEMP_CELSIUS"),
        "gpu.memory.temperature": gauge("DCGM_FI_DEV_MEMORY_TEMP", "DCGM_FI_DEV_MEMORY_TEMP_CELSIUS"),
        "gpu.power": gauge("DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_BOARD_POWER_WATTS"),
        "gpu.power.limit": gauge(
            "DCGM_FI_DEV_ENFORCED_POWER_LIMIT",
            "DCGM_FI_DEV_BOARD_POWER_LIMIT_ENFORCED_WATTS",
            "DCGM_FI_DEV_POWER_MGMT_LIMIT",
            "DCGM_FI_DEV_BOARD_POWER_LIMIT_REQUESTED_WATTS",
        ),
        "gpu.energy": counter("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", scale=MILLIJOULE),
        "gpu.clock.sm": gauge("DCGM_FI_DEV_SM_CLOCK", scale=MHZ),
        "gpu.clock.memory": gauge("DCGM_FI_DEV_MEM_CLOCK", scale=MHZ),
        "gpu.throttle.reasons": gauge("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"),
        "gpu.throttle.time": (
            counter(
                "DCGM_FI_DEV_POWER_VIOLATION",
                "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP_NS",
                scale=NANOSECOND,
                labels={"cause": "power"},
            ),
            counter("DCGM_FI_DEV_THERMAL_VIOLATION", scale=NANOSECOND, labels={"cause": "thermal"}),
            counter(
                "DCGM_FI_DEV_SYNC_BOOST_VIOLATION",
                "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SYNC_BOOST_NS",
                scale=NANOSECOND,
                labels={"cause": "sync_boost"},
            ),
            counter("DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", scale=NANOSECOND, labels={"cause": "board_limit"}),
            counter("DCGM_FI_DEV_LOW_UTIL_VIOLATION", scale=NANOSECOND, labels={"cause": "low_utilization"}),
            counter("DCGM_FI_DEV_RELIABILITY_VIOLATION", scale=NANOSECOND, labels={"cause": "reliability"}),
        ),
        "gpu.xid": gauge("DCGM_FI_DEV_XID_ERRORS", "DCGM_FI_DEV_XID_ERROR"),
        "gpu.xid.recent": gauge("DCGM_EXP_XID_ERRORS_COUNT"),
        "gpu.fabric.state": gauge("DCGM_FI_DEV_FABRIC_MANAGER_STATUS"),
        "gpu.fabric.health": gauge("DCGM_FI_DEV_FABRIC_HEALTH_SUMMARY"),
        "gpu.ecc.errors": (
            counter("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", labels={"kind": "corrected"}),
            counter("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", labels={"kind": "uncorrected"}),
        ),
        "gpu.rows.remapped": (
            counter(
                "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
                "DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL",
                labels={"kind": "corrected"},
            ),
            counter(
                "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
                "DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL",
                labels={"kind": "uncorrected"},
            ),
        ),
        "gpu.rows.pending": gauge("DCGM_FI_DEV_ROW_REMAP_PENDING"),
        "gpu.rows.failed": gauge("DCGM_FI_DEV_ROW_REMAP_FAILURE", "DCGM_FI_DEV_ROW_REMAP_FAILED"),
        "gpu.pcie.replays": counter("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "DCGM_FI_DEV_PCIE_REPLAY_TOTAL"),
        "gpu.pcie.link.generation": gauge("DCGM_FI_DEV_PCIE_LINK_GEN"),
        "gpu.pcie.link.generation.max": gauge("DCGM_FI_DEV_PCIE_MAX_LINK_GEN"),
        "gpu.pcie.link.width": gauge("DCGM_FI_DEV_PCIE_LINK_WIDTH"),
        "gpu.pcie.link.width.max": gauge("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH"),
        "gpu.nvlink.errors": (
            counter(
                "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
                "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_TOTAL",
                labels={"kind": "crc"},
            ),
            counter(
                "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
                "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_TOTAL",
                labels={"kind": "crc_data"},
            ),
            counter(
                "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL",
                "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_TOTAL",
                labels={"kind": "replay"},
            ),
            counter(
                "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL",
                "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_TOTAL",
                labels={"kind": "recovery"},
            ),
        ),
    },
    opt_in={
        "add it to the exporter's CSV (-f FILE), whose default leaves it out": (
            "gpu.throttle.reasons",
            "gpu.throttle.time",
            "gpu.xid.recent",
            "gpu.ecc.errors",
            "gpu.rows.pending",
            "gpu.nvlink.errors",
            "gpu.fabric.state",
            "gpu.fabric.health",
            "gpu.pcie.link.generation",
            "gpu.pcie.link.generation.max",
            "gpu.pcie.link.width",
            "gpu.pcie.link.width.max",
            "gpu.power.limit",
            "gpu.memory.total",
            "gpu.fan.speed",
        ),
        "profiling fields need a data center GPU and no other profiler beside them": (
            "gpu.engine.active",
            "gpu.tensor.active",
            "gpu.memory.active",
        ),
        "newer versions of the exporter leave it out until the first XID": ("gpu.xid",),
    },
    lacks={
        "gpu.recovery.action": "DCGM has no field of it; NVML does (source kind nvml)",
        "gpu.processes": "the exporter has no count of them; NVML does (source kind nvml)",
    },
    note="The XID stays until the next one; what is not supported is a huge number; violations are in nanoseconds.",
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """dcgm-exporter's."""
    return [DCGM]

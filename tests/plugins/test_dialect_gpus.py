"""The dialects of GPU exporters on their pages: exact values, units, and what says nothing."""

from __future__ import annotations

import pytest
from pages import of, one, page, plugin, read_page, told

from console.signals.dialect import Dialect
from console.signals.page import PageReader

TOLD: dict[str, dict[str, list[float]]] = {
    "nvidia_smi": {
        "gpu.up": [1.0],
        "gpu.utilization": [0.93],
        "gpu.memory.active": [0.41],
        "gpu.memory.used": [120000000000.0],
        "gpu.memory.free": [29000000000.0],
        "gpu.memory.total": [150755000000.0],
        "gpu.memory.reserved": [610000000.0],
        "gpu.temperature": [61.0],
        "gpu.memory.temperature": [68.0],
        "gpu.power": [512.4],
        "gpu.power.limit": [700.0],
        "gpu.clock.sm": [1980000000.0],
        "gpu.clock.memory": [3201000000.0],
        "gpu.throttle.reasons": [4.0],
        "gpu.throttle.time": [12.5, 0.0, 0.0, 0.0, 0.0],
        "gpu.recovery.action": [0.0],
        "gpu.fabric.state": [3.0],
        "gpu.ecc.errors": [2.0, 0.0],
        "gpu.rows.remapped": [1.0, 0.0],
        "gpu.rows.pending": [0.0],
        "gpu.rows.failed": [0.0],
        "gpu.pcie.link.generation": [5.0],
        "gpu.pcie.link.generation.max": [5.0],
        "gpu.pcie.link.width": [16.0],
        "gpu.pcie.link.width.max": [16.0],
        "gpu.processes": [1.0],
        "gpu.energy": [420000000.0],
        "gpu.xid.errors": [1.0],
    },
    "amd": {
        "gpu.up": [1.0],
        "gpu.utilization": [0.97],
        "gpu.memory.active": [0.44],
        "gpu.memory.used": [183265000000.0, 24576000000.0],
        "gpu.memory.free": [13343000000.0],
        "gpu.memory.total": [196608000000.0, 24576000000.0],
        "gpu.temperature": [76.0],
        "gpu.memory.temperature": [58.0],
        "gpu.power": [748.0],
        "gpu.energy": [140000000.0],
        "gpu.throttle.share": [0.12, 0.0],
        "gpu.ecc.errors": [5.0, 0.0, 0.0],
        "gpu.pcie.replays": [2.0],
        "gpu.clock.sm": [2080000000.0],
        "gpu.clock.memory": [1300000000.0],
    },
    "intel_xpu": {
        "gpu.utilization": [0.59],
        "gpu.engine.active": [0.55],
        "gpu.memory.used": [9100000000.0],
        "gpu.memory.total": [17000000000.0],
        "gpu.memory.utilization": [0.535],
        "gpu.temperature": [64.0],
        "gpu.memory.temperature": [70.0],
        "gpu.power": [61.5],
        "gpu.energy": [812346.0],
        "gpu.clock.sm": [2800000000.0],
        "gpu.ecc.errors": [1.0, 0.0],
        "gpu.up": [1.0],
    },
    "gpud": {
        "gpu.utilization": [0.88],
        "gpu.memory.active": [0.31],
        "gpu.memory.total": [85899300000.0],
        "gpu.memory.used": [60000000000.0],
        "gpu.memory.free": [25000000000.0],
        "gpu.memory.reserved": [600000000.0],
        "gpu.memory.utilization": [0.705],
        "gpu.temperature": [63.0],
        "gpu.power": [401.25],
        "gpu.power.limit": [700.0],
        "gpu.clock.sm": [1755000000.0],
        "gpu.clock.memory": [2619000000.0],
        "gpu.ecc.errors": [0.0, 1.0],
        "gpu.rows.remapped": [1.0],
        "gpu.rows.pending": [1.0],
        "gpu.rows.failed": [0.0],
        "gpu.nvlink.errors": [4.0, 0.0, 0.0],
        "gpu.xid.errors": [2.0],
    },
}


@pytest.mark.parametrize("name", TOLD)
def test_a_page_tells_these_signals_with_these_values(name: str) -> None:
    found = told(name)
    assert {signal: pytest.approx(values, rel=1e-5) for signal, values in TOLD[name].items()} == found


def test_only_the_first_partition_of_an_amd_gpu_tells_what_belongs_to_the_whole() -> None:
    assert b"gpu_package_power{" in page("amd") and page("amd").count(b"gpu_package_power{") == 2
    readings, _ = read_page("amd")
    assert one(readings, "gpu.power").series.labels.value("partition") == "0"
    assert {r.series.labels.value("partition") for r in of(readings, "gpu.memory.used")} == {"0", "1"}


def test_amds_prefix_may_be_configured() -> None:
    prefixed = page("amd").replace(b"\ngpu_", b"\namd_gpu_").replace(b"\npcie_", b"\namd_pcie_")
    amd: Dialect = plugin("amd").AMD
    assert len(PageReader([amd]).read(prefixed, 1.0)) == len(PageReader([amd]).read(page("amd"), 1.0))


def test_the_clocks_of_the_engines_of_one_gpu_are_their_mean() -> None:
    assert one(read_page("amd")[0], "gpu.clock.sm").value == pytest.approx(2.08e9)


def test_what_an_amd_gpu_does_not_support_is_no_data() -> None:
    body = b'gpu_used_vram{gpu_id="0"} 1\ngpu_memory_temperature{gpu_id="0",gpu_partition_id="0"} 65535\n'
    assert of(PageReader([plugin("amd").AMD]).read(body, 1.0), "gpu.memory.temperature") == []


def test_one_engine_one_memory_and_one_sensor_of_an_intel_gpu_are_read() -> None:
    readings, _ = read_page("intel_xpu")
    assert one(readings, "gpu.utilization", gpu="0000:83:00.0").value == 0.59
    assert one(readings, "gpu.temperature").value == 64 and one(readings, "gpu.memory.temperature").value == 70


def test_an_xid_keeps_its_code() -> None:
    assert one(read_page("nvidia_smi")[0], "gpu.xid.errors", xid="31").value == 1
    assert one(read_page("gpud")[0], "gpu.xid.errors", xid="63").value == 2


def test_dcgm_says_what_to_add_to_its_csv() -> None:
    missing = dict(read_page("dcgm")[1].missing)
    assert missing["gpu.nvlink.errors"].startswith("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL, ")
    assert missing["gpu.nvlink.errors"].endswith(
        ": add it to the exporter's CSV (-f FILE), whose default leaves it out"
    )
    assert "gpu.utilization" not in missing

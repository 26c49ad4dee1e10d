"""What `andon source check` says: readable at 80 columns, and no more than once."""

from __future__ import annotations

from pages import read_page

from console.report.sources import checked
from console.sources.types import SourceStatus


def status(name: str) -> SourceStatus:
    reader = read_page(name)[1]
    return SourceStatus(
        name, "metrics", "ok", dialects=reader.seen, signals=reader.answered, missing=reader.missing,
        spoken=reader.spoken,
    )  # fmt: skip


def test_every_line_fits_an_80_column_terminal() -> None:
    text = checked([status(name) for name in ("dcgm", "triton", "litellm", "node_exporter")])
    assert max(len(line) for line in text.splitlines()) <= 80


def test_what_one_setting_turns_on_stands_together_under_it() -> None:
    text = checked([status("triton")])
    assert text.count("start Triton with --metrics-config histogram_latencies=true") == 1
    assert text.count("Triton sees no GPU") == 1
    assert "      gpu.power  nv_gpu_power_usage\n" in text


def test_each_dialect_of_a_page_has_its_own_part() -> None:
    lines = checked([status("trtllm_triton")]).splitlines()
    assert "  NVIDIA Triton Inference Server (triton): 3 signals" in lines
    assert "  TensorRT-LLM in Triton (trtllm_triton): 4 signals" in lines
    assert "    not to be had" in lines


def test_a_source_without_dialects_says_what_is_missing_plainly() -> None:
    text = checked([SourceStatus("gpus", "nvml", "ok", missing=(("gpu.fan.speed", "not supported"),))])
    assert text.splitlines()[-2:] == ["gpus: ok", "    gpu.fan.speed: not supported"]


def test_a_sound_source_with_nothing_to_say_is_one_line() -> None:
    assert len(checked([SourceStatus("me", "host", "ok", signals=("host.load",))]).splitlines()) == 2


def test_text_from_outside_cannot_paint_the_terminal() -> None:
    assert "\x1b" not in checked([SourceStatus("bad", "metrics", "malformed", "names: \x1b[31mred")])

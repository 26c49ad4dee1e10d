"""What the lab offers on andon's own hooks: its station's dialect, and its faults."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from console.plugins import LabFault, hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

FAULTS = ("black_gloves", "wrong_weights", "cpu_hog", "schema_change", "slow_dependency")

station = Dialect(
    "station",
    title="The practice line's station",
    detect="station_info",
    model_label="model",
    signals={
        "model.requests": counter("station_requests_total"),
        "model.errors": counter("station_errors_total"),
        "model.latency": histogram("station_request_seconds"),
        "model.inference.duration": histogram("station_inference_seconds"),
        "model.dependency.latency": histogram("station_dependency_seconds"),
        "model.dependency.errors": counter("station_dependency_errors_total"),
        "model.feedback": counter("station_feedback_total"),
        "model.feedback.correct": counter("station_feedback_correct_total"),
        "model.confidence": histogram("station_confidence"),
        "model.cpu.time": counter("station_cpu_seconds_total"),
        "model.cpu.wait": counter("station_cpu_wait_seconds_total"),
        "model.up": gauge("station_up"),
        "model.info": gauge("station_info"),
    },
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """The station's."""
    return [station]


@hookimpl
def andon_lab_faults() -> Iterable[LabFault]:
    """The five that station one can have."""
    from console.lab.manifest import manifest  # with the faults, for the lab alone: every command loads this module

    for name in FAULTS:
        described, fault = manifest(name), import_module(f"console.lab.faults.{name}")
        yield LabFault(name, described.title, fault.inject, fault.heal, described.expect, described.draw)

"""What the lab offers on andon's own hooks: its station's dialect, and its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from console.plugins import LabFault, hookimpl
from console.signals.dialect import Dialect, counter, gauge, histogram

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
        "model.memory.used": gauge("station_memory_bytes"),
        "data.rows": counter("station_feed_rows_total"),
        "data.missing": gauge("station_missing_share"),
        "data.freshness": gauge("station_feed_age_seconds"),
        "model.cpu.time": counter("station_cpu_seconds_total"),
        "model.cpu.wait": counter("station_cpu_wait_seconds_total"),
        "model.up": gauge("station_up"),
        "model.info": gauge("station_info"),
    },
)


@hookimpl
def andon_dialects() -> Iterable[Dialect]:
    """The stations'."""
    from console.lab.generation.dialect import station2

    return [station, station2]


@hookimpl
def andon_lab_faults() -> Iterable[LabFault]:
    """Every one that has a module and a manifest in `faults/`."""
    from console.lab.manifest import manifest, names  # for the lab alone: every command loads this module

    for name in names():
        described = manifest(name)
        yield LabFault(
            name,
            described.title,
            _of_module(name, "inject"),
            _of_module(name, "heal"),
            described.expect,
            described.draw,
            described.place,
            described.is_simulated,
            described.is_alone,
            described.excludes,
            described.parameters,
            described.mended_by,
            _of_module(name, "mend") if described.is_coped_with else None,
        )


def _of_module(fault: str, does: str) -> Callable[..., None]:
    """What a fault's module does; the module, and the place it breaks, are imported once it is done."""

    def call(*given: Any) -> None:
        getattr(import_module(f"console.lab.faults.{fault}"), does)(*given)

    return call

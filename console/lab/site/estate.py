"""What stands in place `site`: hosts, GPUs, replicas and workloads, and the series of each (estate.toml)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from console.lab.chance import key_of, normal
from console.lab.course import Course
from console.model import Kind, Labels, SeriesKey
from console.signals.catalogue import find_signal

FILE = Path(__file__).with_name("estate.toml")
HOSTS = ("gpu-1", "gpu-2")
GPUS = 8  # of each host
GPUS_EACH = 2  # of a replica
MODEL, NAMESPACE = "chat", "serving"
REPLICAS = len(HOSTS) * GPUS // GPUS_EACH
WORKLOADS: Mapping[str, Mapping[str, float]] = {  # replicas now, and that the autoscaler allows at most
    MODEL: {"replicas": REPLICAS, "max": 12},
    "gateway": {"replicas": 3, "max": 6},
    "indexer": {"replicas": 2, "max": 4},
}


@dataclass(frozen=True, slots=True)
class Group:
    """The page of one source: what it shows, and how it is spelled."""

    name: str
    title: str
    dialects: tuple[str, ...]
    labels: Mapping[str, str]  # that the daemon adds


@dataclass(frozen=True, slots=True)
class Planned:
    """One series, the source that shows it, and whether the days before are known."""

    source: str
    course: Course
    days: bool


@cache
def _file() -> Mapping[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))


def groups() -> tuple[Group, ...]:
    """The sources, in the order of the file."""
    return tuple(
        Group(name, told["title"], tuple(told["dialects"]), told.get("labels", {}))
        for name, told in _file()["sources"].items()
    )


def replica_of(host: str, gpu: int) -> str:
    """The replica that runs on a GPU.

    >>> replica_of("gpu-2", 3)
    'chat-5'
    """
    return f"{MODEL}-{(HOSTS.index(host) * GPUS + gpu) // GPUS_EACH}"


def host_of(replica: int) -> str:
    """The host that a replica runs on."""
    return HOSTS[replica * GPUS_EACH // GPUS]


def planned(seed: int) -> list[Planned]:
    """Every series, as it is when all is well."""
    return [
        Planned(_source(told["source"], labels), _course(seed, entry, labels, bare), told.get("days", False))
        for each, things in _things().items()
        for told in _file()[each]
        for labels, bare in things
        for entry in told["series"]
    ]


def _things() -> dict[str, list[tuple[Mapping[str, str], Mapping[str, float]]]]:
    """What there is one of each series for: labels, and numbers that levels may name."""
    return {
        "gpu": [(gpu_labels(host, gpu), {}) for host in HOSTS for gpu in range(GPUS)],
        "host": [({"host": host}, {}) for host in HOSTS],
        "workload": [({"namespace": NAMESPACE, "workload": name}, told) for name, told in WORKLOADS.items()],
        "pod": [(labels, {}) for labels in _pods()],
        "replica": [
            ({"model": MODEL, "replica": pod, "pod": pod, "host": host_of(number)}, {})
            for number in range(REPLICAS)
            for pod in [f"{MODEL}-{number}"]
        ],
    }


def gpu_labels(host: str, gpu: int) -> dict[str, str]:
    """How every series of a GPU is labelled."""
    uuid = f"GPU-{key_of(host, gpu) >> 32:08x}"
    return {"host": host, "gpu": str(gpu), "uuid": uuid, "device_model": "NVIDIA H100 80GB HBM3",
            "pod": replica_of(host, gpu)}  # fmt: skip


def _pods() -> Iterator[dict[str, str]]:
    for workload, told in WORKLOADS.items():
        for number in range(int(told["replicas"])):
            yield {"namespace": NAMESPACE, "workload": workload, "pod": f"{workload}-{number}", "container": "server"}


def _source(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}-{HOSTS.index(labels['host']) + 1}" if name == "node" else name


def _course(seed: int, entry: Mapping[str, Any], labels: Mapping[str, str], numbers: Mapping[str, float]) -> Course:
    signal = find_signal(entry["signal"])
    edges = (*entry["edges"], math.inf) if signal.kind is Kind.HISTOGRAM else ()
    key = SeriesKey(signal.name, Labels.of({**labels, **entry.get("labels", {})}), signal.kind, edges)
    level = float(numbers[entry["level"]] if isinstance(entry["level"], str) else entry["level"])
    apart = float(normal(key_of(seed, "apart", key.signal, *key.labels), np.zeros(1, dtype=np.uint64))[0])
    level *= 1.0 + entry.get("vary", 0.0) * max(-2.0, min(2.0, apart))
    return Course(key, level, entry.get("noise", 0.03), entry.get("season", 0.0), entry.get("rate", 1.0))


def chosen(courses: Sequence[Course], signal: str, labels: Mapping[str, str]) -> list[int]:
    """The places of the series of a signal (of any, where it ends with a dot) that have these labels."""
    wanted = set(labels.items())
    return [
        place
        for place, course in enumerate(courses)
        if (course.key.signal == signal or (signal.endswith(".") and course.key.signal.startswith(signal)))
        and wanted <= set(course.key.labels)
    ]

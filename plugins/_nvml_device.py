"""One GPU, read into signals: whole, in few calls, and without taking the others down when it does not answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pynvml as nvml
from andon_plugins._nvml_library import FieldId, Gone, Handle
from andon_plugins._nvml_quantities import LINK_COUNT, MOST_LINKS, QUANTITIES, Links, Way

from console.model import Kind, Labels, Reading, SeriesKey

MIG_ON = 1


@dataclass(frozen=True, slots=True)
class Running:
    """A process on a GPU, as NVML tells it."""

    pid: int
    memory: float | None
    kind: str


class Part:
    """A GPU, or an instance of one that MIG has divided: its handle and the labels of its series."""

    def __init__(self, handle: Any, labels: Labels) -> None:
        self.nvml = Handle(handle)
        self.labels = labels
        self._keys: dict[tuple[str, tuple[tuple[str, str], ...]], SeriesKey] = {}

    def reading(
        self, signal: str, value: float, now: float, kind: Kind = Kind.GAUGE, more: tuple[tuple[str, str], ...] = ()
    ) -> Reading:
        """One sample of this part."""
        key = self._keys.get((signal, more))
        if key is None:
            key = self._keys[signal, more] = SeriesKey(signal, Labels.of((*self.labels, *more)), kind)
        return Reading(key, now, value)

    def memory(self, now: float) -> Iterator[Reading]:
        """How much memory there is, and how much of it is taken."""
        found = self.nvml.first(_memory_v2, nvml.nvmlDeviceGetMemoryInfo)
        if found is None or not found.total:
            return
        yield self.reading("gpu.memory.used", float(found.used), now)
        yield self.reading("gpu.memory.free", float(found.free), now)
        yield self.reading("gpu.memory.total", float(found.total), now)
        yield self.reading("gpu.memory.utilization", found.used / found.total, now)
        if (reserved := getattr(found, "reserved", None)) is not None:
            yield self.reading("gpu.memory.reserved", float(reserved), now)

    def running(self) -> list[Running] | None:
        """Its processes, computing ones first, each once; None where the driver does not tell."""
        computing = self.nvml.first(
            nvml.nvmlDeviceGetComputeRunningProcesses_v3, nvml.nvmlDeviceGetComputeRunningProcesses_v2
        )
        drawing = self.nvml.first(
            nvml.nvmlDeviceGetGraphicsRunningProcesses_v3, nvml.nvmlDeviceGetGraphicsRunningProcesses_v2
        )
        if computing is None and drawing is None:
            return None
        found: dict[int, Running] = {}
        for kind, processes in (("compute", computing or ()), ("graphics", drawing or ())):
            for process in processes:
                used = process.usedGpuMemory
                found.setdefault(process.pid, Running(process.pid, None if used is None else float(used), kind))
        return list(found.values())


class Device(Part):
    """A whole GPU. `trouble` says why it did not answer when it was last asked."""

    def __init__(self, index: int, host: str) -> None:
        super().__init__(None, Labels.of(gpu=str(index), host=host))
        self.index = index
        self.host = host
        self.uuid = ""
        self.name = ""
        self.trouble = ""
        self.links = range(0)
        self._instances: tuple[Part, ...] = ()  # of MIG
        self._fields: tuple[FieldId, ...] = ()  # asked for every time
        self._is_fresh = True  # and not yet known which of them are in vain

    def read(self, now: float) -> list[Reading]:
        """Everything it tells; `gpu.up` alone, and 0, where it does not answer."""
        self.trouble = ""
        try:
            self.identify()
            found = [*self._quantities(now), *self._use(self, now)]
            if not found:
                raise Gone(self.nvml.trouble or "it answers nothing")
            for instance in self._instances:
                found += self._use(instance, now)
        except Gone as gone:
            self.trouble = str(gone)
            return [self.reading("gpu.up", 0.0, now)]
        return [self.reading("gpu.up", 1.0, now), *found]

    def forget(self) -> None:
        """Let go of its handle, not of who it was."""
        self.nvml = Handle(None)
        self.trouble = ""

    def is_known(self) -> bool:
        """Whether it has said who it is."""
        try:
            self.identify()
        except Gone as gone:
            self.trouble = str(gone)
            return False
        return True

    def identify(self) -> None:
        """Learn who it is, the first time, and what it can do; that again from time to time. Raises Gone."""
        if self.nvml.handle is None:
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(self.index)
                self.uuid, self.name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
            except nvml.NVMLError as error:
                raise Gone(str(error)) from None
            self.nvml = Handle(handle)
            self.labels = Labels.of(self.labels, uuid=self.uuid, device_model=self.name)
            self._keys.clear()
        elif not self.nvml.forgive():
            return
        count = self.nvml.fields([(LINK_COUNT, 0)]).get((LINK_COUNT, 0), 0)
        self.links = range(min(int(count), MOST_LINKS))
        self._fields = tuple(dict.fromkeys(f for each in QUANTITIES for way in each.ways for f in self._asked(way)))
        self._is_fresh = True
        self._instances = tuple(self._find_instances())

    def _find_instances(self) -> Iterator[Part]:
        mode = self.nvml.ask(nvml.nvmlDeviceGetMigMode)
        if not mode or mode[0] != MIG_ON:
            return
        for place in range(self.nvml.ask(nvml.nvmlDeviceGetMaxMigDeviceCount) or 0):
            try:
                handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(self.nvml.handle, place)
                instance, name = nvml.nvmlDeviceGetGpuInstanceId(handle), nvml.nvmlDeviceGetName(handle)
            except nvml.NVMLError:  # there is none at this place
                continue
            profile = name.partition("MIG ")[2]
            yield Part(handle, Labels.of(self.labels, mig=str(instance), mig_profile=profile))

    def _use(self, part: Part, now: float) -> Iterator[Reading]:
        yield from part.memory(now)
        if (running := part.running()) is not None:
            yield part.reading("gpu.processes", float(len(running)), now)

    def _quantities(self, now: float) -> Iterator[Reading]:
        values = self.nvml.fields(self._fields)
        in_vain: set[FieldId] = set()
        for each in QUANTITIES:
            value = None
            for way in each.ways:
                if value is None:
                    value = self._told(way, values)
                elif self._is_fresh:
                    in_vain.update(self._asked(way))
                else:
                    break
            if value is not None:
                yield self.reading(each.signal, value * each.scale, now, each.kind, each.labels)
        if in_vain:
            self._fields = tuple(field for field in self._fields if field not in in_vain)
        self._is_fresh = False

    def _asked(self, way: Way) -> list[FieldId]:
        """The fields that a way needs."""
        if isinstance(way, Links):
            return [(way.field, link) for link in self.links]
        return [(way, 0)] if isinstance(way, int) else []

    def _told(self, way: Way, values: Mapping[FieldId, float]) -> float | None:
        """What a way says."""
        if isinstance(way, int):
            return values.get((way, 0))
        if isinstance(way, Links):
            found = [values[way.field, link] for link in self.links if (way.field, link) in values]
            return sum(map(bool, found) if way.is_state else found) if found else None
        return self.nvml.ask(way)


def _memory_v2(handle: Any) -> Any:
    """With what the driver keeps for itself apart."""
    return nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2)

"""This machine as signals: processors, memory, disks, network. Blocking; runs in a child, for a mount may be stuck."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from console.errors import SourceError
from console.model import Kind, Labels, Reading, SeriesKey
from console.sources.types import SourceStatus

PROC = Path("/proc")
STALL = re.compile(r"^some .*\btotal=(\d+)", re.MULTILINE)  # microseconds in which some task waited
SCHEDSTAT_WAIT = 8  # the field of /proc/schedstat's cpu lines: nanoseconds that tasks waited to run


class Host:
    """The machine that andon runs on. What the platform does not tell is left out, never 0."""

    def __init__(self, name: str, mounts: Sequence[str], *, proc: Path = PROC) -> None:
        self.name = name
        self._mounts = mounts
        self._proc = proc
        self._cpu = self._cpu_seconds()

    def collect(self, now: float) -> Sequence[Reading]:
        """The readings of this instant; processor use is that since the last one."""
        return list(self._readings(now))

    def check(self) -> SourceStatus:
        """Which signals this machine gives. SourceError where it gives none of a configured mount."""
        began = time.monotonic()
        for mount in self._mounts:
            if not Path(mount).exists():
                raise SourceError(f"source {self.name}: there is no mount {mount}", "check `mounts` in its settings")
        signals = {reading.series.signal for reading in self._readings(began)}
        return SourceStatus(self.name, "host", "ok", f"{psutil.cpu_count() or 1} processors",
                            signals=tuple(sorted(signals)), seconds=time.monotonic() - began)  # fmt: skip

    def _readings(self, now: float) -> Iterator[Reading]:
        def gauge(signal: str, value: float, **labels: str) -> Reading:
            return Reading(SeriesKey(signal, Labels.of(labels), Kind.GAUGE), now, value)

        def counter(signal: str, value: float, **labels: str) -> Reading:
            return Reading(SeriesKey(signal, Labels.of(labels), Kind.COUNTER), now, value)

        busy, idle = self._cpu_seconds()
        spent, waited = busy - self._cpu[0], idle - self._cpu[1]
        if spent + waited > 0:
            yield gauge("host.cpu.utilization", spent / (spent + waited))
        self._cpu = (busy, idle)
        yield counter("host.cpu.time", busy)
        yield gauge("host.load", psutil.getloadavg()[0])
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        yield gauge("host.memory.utilization", 1 - memory.available / memory.total)
        yield gauge("host.memory.used", memory.total - memory.available)
        if swap.total:
            yield gauge("host.swap.utilization", swap.used / swap.total)
        for mount in self._mounts:
            if Path(mount).exists():
                yield gauge("host.disk.utilization", psutil.disk_usage(mount).percent / 100, mount=mount)
        if disks := psutil.disk_io_counters():
            yield counter("host.disk.io", disks.read_bytes, direction="read")
            yield counter("host.disk.io", disks.write_bytes, direction="write")
        wires = [wire for name, wire in psutil.net_io_counters(pernic=True).items() if not name.startswith("lo")]
        for direction, sent in (("transmit", True), ("receive", False)):
            yield counter(
                "host.network.io", sum(w.bytes_sent if sent else w.bytes_recv for w in wires), direction=direction
            )
            yield counter("host.network.errors", sum(w.errout if sent else w.errin for w in wires), direction=direction)
            yield counter(
                "host.network.drops", sum(w.dropout if sent else w.dropin for w in wires), direction=direction
            )
        yield gauge("host.uptime", now - psutil.boot_time())
        for resource, signal in (
            ("cpu", "host.cpu.stalled"),
            ("memory", "host.memory.stalled"),
            ("io", "host.io.stalled"),
        ):
            if stall := STALL.search(self._proc_text(f"pressure/{resource}")):
                yield counter(signal, int(stall[1]) / 1e6)
        waits = [line.split() for line in self._proc_text("schedstat").splitlines() if re.match(r"cpu\d", line)]
        if waits and all(len(fields) > SCHEDSTAT_WAIT for fields in waits):
            yield counter("host.cpu.wait", sum(int(fields[SCHEDSTAT_WAIT]) for fields in waits) / 1e9)

    def _cpu_seconds(self) -> tuple[float, float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # Linux counts it under user as well
        return sum(times) - idle - guest, idle

    def _proc_text(self, name: str) -> str:
        """A file of /proc; empty where this kernel has none."""
        try:
            return (self._proc / name).read_text()
        except OSError:
            return ""
